/// Convolutions that multiply numbers of fewer bits than float32's.
extension Convolution {
  /// What a call is computed in, where that is not float32.
  enum Reduced {
    case bfloat16
    case direct
    /// With the largest number of each point.
    case winograd([Float])
  }

  /// What the plan's precision says of a call; nil: float32.
  func reduced(_ call: OperationCall, _ builder: PlanBuilder) -> Reduced? {
    switch builder.precision {
    case .float32: return nil
    case .bfloat16:
      let isWide = shape.groups == 1 && shape.inputChannels.isMultiple(of: 16)
      return isWide && !builder.readsInput(call) ? .bfloat16 : nil
    case .int8(let quantization):
      switch quantization.convolutions[builder.name(call.output)] {
      case nil: return nil
      case .direct: return .direct
      case .winograd(let largest): return .winograd(largest)
      }
    }
  }

  /// Appends those of the calls that are not float32's.
  ///
  /// - Returns: the others.
  func appendReduced(
    _ calls: [OperationCall], to builder: inout PlanBuilder
  ) throws(NeuralNetworkError) -> [OperationCall] {
    var others: [OperationCall] = []
    var halves: [OperationCall] = []
    var bySide: [Int: [(OperationCall, [Float])]] = [:]
    for call in calls {
      switch reduced(call, builder) {
      case nil: others.append(call)
      case .bfloat16: halves.append(call)
      case .direct: try appendQuantized(call, to: &builder)
      case .winograd(let largest):
        bySide[largest.count == 16 ? 2 : 4, default: []].append((call, largest))
      }
    }
    for side in [2, 4] {
      guard let calls = bySide[side] else { continue }
      try appendReducedWinograd(calls, side: side, .int8, to: &builder)
    }
    guard !halves.isEmpty else { return others }
    switch builder.rule(shape, halves.map { builder.size($0.output) }) {
    case .winograd:
      try appendReducedWinograd(halves.map { ($0, []) }, side: 4, .bfloat16, to: &builder)
    case .direct:
      for call in halves { try appendBFloat16(call, to: &builder) }
    }
    return others
  }

  /// Where the result goes, and the storage of what it is added to there.
  private func makeOutput(
    of call: OperationCall, _ storage: Storage, in builder: inout PlanBuilder
  ) throws(NeuralNetworkError) -> (output: Plan.Tensor, summand: Storage?) {
    guard addsToOutput else { return (try builder.makeOutput(of: call, storage), nil) }
    var summand = builder.tensor(call.inputs[1])
    if summand.storage.type.byteCount != storage.type.byteCount
      || summand.storage.isChannelsLast != storage.isChannelsLast
    {
      summand = try builder.tensor(call.inputs[1], as: storage)
    }
    return (try builder.makeOutput(of: call, over: summand, storage), summand.storage)
  }

  private func bias(_ call: OperationCall, in builder: inout PlanBuilder) -> Plan.Location {
    var correction: String?
    if case .int8(let quantization) = builder.precision,
      quantization.correctedBiases.contains(builder.name(call.output))
    {
      correction = Quantization.biasCorrectionName(of: builder.name(call.output))
    }
    let packing = CorrectedBias(
      weights: FoldedWeights(self), correction: correction,
      count: shape.outputChannels.rounded(toMultipleOf: 16))
    return .packed(builder.packed(packing), offset: 0)
  }

  // MARK: 8 bits, direct

  private func appendQuantized(
    _ call: OperationCall, to builder: inout PlanBuilder
  ) throws(NeuralNetworkError) {
    let input = try builder.eightBits(call.inputs[0])
    let wanted = builder.wantedStorage(call.output)
    let storage = wanted.map { $0.isEightBits ? $0 : .float32ChannelsLast } ?? .float32ChannelsLast
    let (output, summand) = try makeOutput(of: call, storage, in: &builder)
    let kernel = try QuantizedConvolution(
      shape, input: input, output: output, summand: summand, relu: hasRelu,
      areas: narrowToBands(call, in: &builder), block: builder.block, engine: builder.engine)
    let packing = QuantizedWeights(weights: FoldedWeights(self), layout: kernel.weights)
    let packed = builder.packed(packing)
    builder.emit(
      kernel,
      [
        input.location, .packed(packed, offset: 0), .packed(packed, offset: packing.stepsOffset),
        bias(call, in: &builder), output.location,
      ], builder.label("\(name) int8 direct", input, output), outputs: [output])
  }

  // MARK: Winograd

  private func appendReducedWinograd(
    _ calls: [(call: OperationCall, largest: [Float])], side: Int, _ type: ElementType,
    to builder: inout PlanBuilder
  ) throws(NeuralNetworkError) {
    var maps: [ReducedWinogradConvolution.Map] = []
    for (call, largest) in calls {
      let wanted = builder.wantedStorage(call.output)
      let storage = wanted ?? (type == .bfloat16 ? .bfloat16 : .float32)
      var input = builder.tensor(call.inputs[0])
      if input.storage == .float32ChannelsLast {
        input = try builder.tensor(call.inputs[0], as: .float32)
      }
      let (output, summand) = try makeOutput(of: call, storage, in: &builder)
      maps.append(
        ReducedWinogradConvolution.Map(
          input: input, output: output, summand: summand, largest: largest))
    }
    let kernel = try ReducedWinogradConvolution(
      shape, side: side, type: type, maps: maps, block: builder.block, relu: hasRelu,
      areas: builder.narrow(calls.map(\.call), to: WinogradTiles.reach(side: side)),
      engine: builder.engine)
    let packing = ReducedWinogradWeights(
      weights: FoldedWeights(self), side: side, layout: kernel.weights, type: type,
      zero: ReducedWinogradConvolution.zero)
    let packed = builder.packed(packing)
    let isInt8 = type == .int8
    let weights = [0, isInt8 ? packing.stepsOffset : 0, isInt8 ? packing.shiftsOffset : 0]
    let others = calls.count == 1 ? "" : " with \(calls.count - 1) more"
    let biases = calls.map { bias($0.call, in: &builder) }
    builder.emit(
      kernel,
      weights.map { .packed(packed, offset: $0) } + biases + maps.map(\.input.location)
        + maps.map(\.output.location),
      builder.label(
        "\(name) \(isInt8 ? "int8" : "bf16") winograd \(side)x\(side)", maps[0].input,
        maps[0].output) + others,
      outputs: maps.map(\.output))
  }

  // MARK: bfloat16, direct

  private func appendBFloat16(
    _ call: OperationCall, to builder: inout PlanBuilder
  ) throws(NeuralNetworkError) {
    let input = try builder.tensor(call.inputs[0], as: .bfloat16)
    let (output, summand) = try makeOutput(
      of: call, builder.wantedStorage(call.output) ?? .bfloat16, in: &builder)
    let sum = summand.map { [PostOperation.sum(scale: 1, $0.type)] } ?? []
    let convolution = DirectConvolution(
      shape: shape, input: input.layout, output: output.layout, engine: builder.engine,
      weightsType: .bfloat16)
    let kernel = try BandedConvolution(
      convolution, input: input, output: output, hasBias: true,
      postOperations: sum + (hasRelu ? [.relu] : []),
      areas: narrowToBands(call, in: &builder), block: builder.block)
    let packing = DirectWeights(
      weights: FoldedWeights(self), merged: shape, layout: kernel.weights, hasBias: true)
    let packed = builder.packed(packing)
    builder.emit(
      kernel,
      [
        input.location, .packed(packed, offset: 0), .packed(packed, offset: packing.biasOffset),
        output.location,
      ], builder.label("\(name) bf16 direct", input, output), outputs: [output])
  }
}

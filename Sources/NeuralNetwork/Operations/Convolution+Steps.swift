extension Convolution {
  func append(
    _ calls: [OperationCall], to builder: inout PlanBuilder
  ) throws(NeuralNetworkError) {
    let calls = try appendReduced(calls, to: &builder)
    if calls.isEmpty { return }
    let images = calls.flatMap { call in
      [MapSize](repeating: builder.size(call.output), count: builder.batch)
    }
    switch builder.rule(shape, images) {
    case .winograd:
      try appendWinograd(calls, to: &builder)
    case .direct:
      for call in calls { try appendDirect(call, to: &builder) }
    }
  }

  private var hasBias: Bool { bias != nil || batchNorm != nil }

  private func makeOutput(
    of call: OperationCall, in builder: inout PlanBuilder
  ) throws(NeuralNetworkError) -> Plan.Tensor {
    try builder.makeOutput(
      of: call, over: addsToOutput ? try builder.blocked(call.inputs[1]) : nil)
  }

  // MARK: Direct

  /// Where the area of a call stands that is computed directly, in bands of rows; nothing where all of it is.
  func narrowToBands(_ call: OperationCall, in builder: inout PlanBuilder) -> [Int] {
    guard shape.stride == 1, !addsToOutput else { return [] }
    return builder.narrow([call], to: BandedConvolution.reach(shape, builder.size(call.output)))
  }

  private func appendDirect(
    _ call: OperationCall, to builder: inout PlanBuilder
  ) throws(NeuralNetworkError) {
    let input =
      builder.readsInput(call)
      ? builder.tensor(call.inputs[0]) : try builder.blocked(call.inputs[0])
    let output = try makeOutput(of: call, in: &builder)
    let merged = shape.merged(block: builder.block)
    let convolution = DirectConvolution(
      shape: merged, input: input.layout, output: output.layout, engine: builder.engine)
    let kernel = try BandedConvolution(
      convolution, input: input, output: output, hasBias: hasBias,
      postOperations: (addsToOutput ? [.sum(scale: 1, .float32)] : []) + (hasRelu ? [.relu] : []),
      areas: narrowToBands(call, in: &builder), block: builder.block)
    let weights = FoldedWeights(self)
    let packing = DirectWeights(
      weights: weights, merged: merged, layout: kernel.weights, hasBias: hasBias)
    let packed = builder.packed(packing)
    let biasOperand = hasBias ? [Plan.Location.packed(packed, offset: packing.biasOffset)] : []
    builder.emit(
      kernel, [input.location, .packed(packed, offset: 0)] + biasOperand + [output.location],
      builder.label("\(name) direct", input, output), outputs: [output])

    builder.onGradient(of: call) { builder, gradient throws(NeuralNetworkError) in
      if !call.trained.isEmpty {
        let known = builder.gradientForm(weight, DirectWeightGradient.self)
        let compiled = try convolution.backwardWeights(layout: known?.layout)
        let form = DirectWeightGradient(
          weights: weights, merged: merged, layout: compiled.weights)
        try builder.contribute(
          toParameter: weight, as: form, isTrained: call.trained.contains(weight)
        ) { builder, target, _ in
          builder.emit(
            compiled.kernel, [input.location, gradient.location, target],
            builder.label("\(name) direct backward weights", input, gradient))
        }
        try appendBiasGradient(call, gradient, to: &builder)
      }
      try builder.contribute(to: call.inputs[0]) { builder, target, _ throws(NeuralNetworkError) in
        let compiled = try convolution.backwardData()
        let packed = builder.packed(
          DirectWeights(weights: weights, merged: merged, layout: compiled.weights, hasBias: false))
        builder.emit(
          compiled.kernel, [gradient.location, .packed(packed, offset: 0), target.location],
          builder.label("\(name) direct backward data", gradient, target))
      }
    }
  }

  // MARK: Winograd

  private func appendWinograd(
    _ calls: [OperationCall], to builder: inout PlanBuilder
  ) throws(NeuralNetworkError) {
    var inputs: [Plan.Tensor] = []
    var outputs: [Plan.Tensor] = []
    for call in calls {
      inputs.append(try builder.blocked(call.inputs[0]))
      outputs.append(try makeOutput(of: call, in: &builder))
    }
    let kernel = try WinogradConvolution(
      shape, maps: outputs.map(\.size), batch: builder.batch, block: builder.block,
      hasBias: hasBias, addsToOutput: addsToOutput, relu: hasRelu,
      areas: builder.narrow(calls, to: WinogradTiles.reach(side: WinogradConvolution.side)),
      engine: builder.engine)
    let weights = FoldedWeights(self)
    let packing = WinogradWeights(
      weights: weights, turned: false, layout: kernel.weights, block: builder.block,
      hasBias: hasBias)
    let packed = builder.packed(packing)
    let biasOperand = hasBias ? [Plan.Location.packed(packed, offset: packing.biasOffset)] : []
    let maps = calls.count == 1 ? "" : " with \(calls.count - 1) more"
    builder.emit(
      kernel,
      [.packed(packed, offset: 0)] + biasOperand + inputs.map(\.location)
        + outputs.map(\.location),
      builder.label("\(name) winograd", inputs[0], outputs[0]) + maps, outputs: outputs)
    // In training calls come one by one.
    guard builder.isTraining, let call = calls.first else { return }
    builder.onGradient(of: call) { builder, gradient throws(NeuralNetworkError) in
      try appendWinogradBackward(call, inputs[0], gradient, weights, to: &builder)
    }
  }

  private func appendWinogradBackward(
    _ call: OperationCall, _ input: Plan.Tensor, _ gradient: Plan.Tensor,
    _ weights: FoldedWeights, to builder: inout PlanBuilder
  ) throws(NeuralNetworkError) {
    if !call.trained.isEmpty {
      try builder.contribute(
        toParameter: weight, as: WinogradWeightGradient.Form(weights: weights),
        isTrained: call.trained.contains(weight), canAdd: true
      ) { builder, target, adds throws(NeuralNetworkError) in
        let kernel = try WinogradWeightGradient(
          shape, map: gradient.size, batch: builder.batch, block: builder.block, adds: adds,
          engine: builder.engine)
        builder.emit(
          kernel, [input.location, gradient.location, target],
          builder.label("\(name) winograd backward weights", input, gradient))
      }
      try appendBiasGradient(call, gradient, to: &builder)
    }
    try builder.contribute(to: call.inputs[0], canAdd: true) {
      builder, target, adds throws(NeuralNetworkError) in
      let kernel = try WinogradConvolution(
        shape.turned, maps: [target.size], batch: builder.batch, block: builder.block,
        hasBias: false, addsToOutput: adds, relu: false, engine: builder.engine)
      let packed = builder.packed(
        WinogradWeights(
          weights: weights, turned: true, layout: kernel.weights, block: builder.block,
          hasBias: false))
      builder.emit(
        kernel, [.packed(packed, offset: 0), gradient.location, target.location],
        builder.label("\(name) winograd backward data", gradient, target))
    }
  }

  // MARK: Bias

  /// The gradient by the bias: the sum of each channel over all pixels.
  private func appendBiasGradient(
    _ call: OperationCall, _ gradient: Plan.Tensor, to builder: inout PlanBuilder
  ) throws(NeuralNetworkError) {
    guard let bias, call.trained.contains(bias) else { return }
    let shape = builder.shape(gradient)
    try builder.contribute(
      toParameter: bias, as: PlainGradient(count: gradient.channels), isTrained: true,
      canAdd: true
    ) { builder, target, adds in
      builder.emit(
        [gradient.location, target],
        builder.label("\(bias) backward", gradient, gradient)
      ) { memory in
        shape.addChannelSums(memory.numbers(0), to: memory.numbers(1), adds: adds)
      }
    }
  }
}

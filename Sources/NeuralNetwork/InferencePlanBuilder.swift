/// Compiles a graph step by step into what an `InferencePlan` keeps.
struct InferencePlanBuilder {
  /// What computes an operation.
  enum Compiled {
    case convolution(ConvolutionPrimitive, WeightStore.Key)
    case maxPool(MaxPoolingPrimitive)
    /// One of `BlockedKernels`, which need no preparation.
    case kernel

    var scratchByteCount: Int {
      switch self {
      case .convolution(let convolution, _): convolution.primitive.scratchpad.byteCount
      case .maxPool(let pooling): pooling.primitive.scratchpad.byteCount
      case .kernel: 0
      }
    }
  }

  let engine: Engine
  let block: Int
  let operations: [FusedOperation]
  /// By node; only values that operations give or read have a place.
  private(set) var images: [InferencePlan.Image]
  /// By operation.
  private(set) var compiled: [Compiled] = []
  private(set) var slabByteCount = 0

  init(
    _ graph: NetworkGraph, height: Int, width: Int, engine: Engine,
    algorithmFor: (ConvolutionShape) -> ConvolutionAlgorithm
  ) throws(NeuralNetworkError) {
    self.engine = engine
    block = InstructionSet.channelBlock
    operations = graph.fusedOperations()
    images = []
    for (node, size) in zip(graph.nodes, graph.sizes(height: height, width: width)) {
      let shape = [1, node.channels, size.height, size.width]
      // The input stays as the caller writes it: convolutions take plain order too.
      let layout =
        if case .input = node.operation { try TensorLayout.plain(shape) } else {
          try TensorLayout.blocked(shape, block: block)
        }
      images.append(
        InferencePlan.Image(
          offset: 0, channels: node.channels, height: size.height, width: size.width,
          layout: layout))
    }
    precondition(!graph.outputs.contains(graph.input), "a network that returns its input")
    placeImages(outputs: graph.outputs, input: graph.input)
    for operation in operations { compiled.append(try compile(operation, algorithmFor)) }
  }

  /// What `InferencePlan` packs, one for each convolution, in their order.
  var weightKeys: [WeightStore.Key] {
    compiled.compactMap { if case .convolution(_, let key) = $0 { key } else { nil } }
  }

  /// Sizes of it all.
  var memory: InferencePlan.Memory {
    InferencePlan.Memory(
      slab: slabByteCount, scratch: compiled.map(\.scratchByteCount).max() ?? 0,
      weights: Set(weightKeys).reduce(0) { $0 + $1.byteCount })
  }

  /// Gives every value its place. An operation that overwrites an input gives its output the same place.
  private mutating func placeImages(outputs: [NetworkGraph.Value], input: NetworkGraph.Value) {
    var bufferOfValue: [NetworkGraph.Value: Int] = [input: 0]
    var buffers = [
      SlabPlan.Buffer(byteCount: images[input.index].layout.byteCount, firstStep: 0, lastStep: 0)
    ]
    for (step, operation) in operations.enumerated() {
      for value in operation.inputs {
        if let buffer = bufferOfValue[value] { buffers[buffer].lastStep = step }
      }
      if let overwritten = operation.overwrites, let buffer = bufferOfValue[overwritten] {
        bufferOfValue[operation.output] = buffer
      } else {
        bufferOfValue[operation.output] = buffers.count
        buffers.append(
          SlabPlan.Buffer(
            byteCount: images[operation.output.index].layout.byteCount, firstStep: step,
            lastStep: step))
      }
    }
    for value in outputs {
      if let buffer = bufferOfValue[value] { buffers[buffer].lastStep = operations.count }
    }
    let plan = SlabPlan(buffers)
    for (value, buffer) in bufferOfValue { images[value.index].offset = plan.offsets[buffer] }
    slabByteCount = plan.byteCount
  }

  private func compile(
    _ operation: FusedOperation,
    _ algorithmFor: (ConvolutionShape) -> ConvolutionAlgorithm
  ) throws(NeuralNetworkError) -> Compiled {
    let input = images[operation.inputs[0].index]
    let output = images[operation.output.index]
    switch operation.kind {
    case .convolution(let convolution):
      let shape = ConvolutionShape(
        inputChannels: input.channels, outputChannels: output.channels, inputHeight: input.height,
        inputWidth: input.width, kernel: convolution.kernel, stride: convolution.stride,
        padding: convolution.padding)
      let primitive = try ConvolutionPrimitive(
        shape, input: input.layout, block: block,
        postOperations: (convolution.addsToOutput ? [.sum] : [])
          + (convolution.relu ? [.relu] : []),
        algorithm: algorithmFor(shape), engine: engine)
      return .convolution(
        primitive,
        WeightStore.Key(
          parameters: convolution.parameters, inputChannels: input.channels,
          outputChannels: output.channels, kernel: convolution.kernel, layout: primitive.weights))
    case .maxPool(let kernel, let stride, let padding):
      return .maxPool(
        try MaxPoolingPrimitive(
          input: input.layout, output: output.layout, kernel: kernel, stride: stride,
          padding: padding, engine: engine))
    case .groupNorm, .relu, .add, .upsampleNearest:
      precondition(
        operation.inputs.allSatisfy { $0.index != 0 }, "the input is read by no convolution")
      return .kernel
    }
  }

  /// The calls in order.
  func steps(store: WeightStore) throws -> [InferencePlan.Step] {
    try zip(operations, compiled).map { operation, compiled in
      let inputs = operation.inputs.map { images[$0.index] }
      let output = images[operation.output.index]
      let action: InferencePlan.Action
      var name: String
      switch operation.kind {
      case .convolution(let fused):
        guard case .convolution(let convolution, let key) = compiled else {
          preconditionFailure("a convolution that was not compiled")
        }
        action = .convolution(convolution, key)
        name =
          "\(fused.parameters.weight) \(fused.kernel)x\(fused.kernel)/\(fused.stride) "
          + "\(convolution.algorithm)"
      case .maxPool:
        guard case .maxPool(let pooling) = compiled else {
          preconditionFailure("a max pooling that was not compiled")
        }
        action = .maxPool(pooling)
        name = "max pool"
      case .groupNorm(let prefix, let groups, let epsilon, let relu):
        action = .groupNorm(
          groups: groups, epsilon: epsilon,
          scale: try store.values("\(prefix).weight", count: output.channels),
          shift: try store.values("\(prefix).bias", count: output.channels), relu: relu)
        name = "group norm \(prefix)"
      case .upsampleNearest:
        action = .upsampleNearest
        name = "upsample"
      case .relu:
        action = .relu
        name = "relu"
      case .add:
        action = .add
        name = "add"
      }
      name += " \(inputs[0].channels)>\(output.channels) \(output.height)x\(output.width)"
      return InferencePlan.Step(action: action, inputs: inputs, output: output, label: name)
    }
  }
}

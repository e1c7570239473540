import COneDNN

/// Compiles a graph step by step into what a `TrainingPlan` keeps: the memory side of it. The steps themselves are
/// made in `TrainingPlanBuilder+Forward` and `+Backward`.
struct TrainingPlanBuilder {
  typealias Tensor = TrainingPlan.Tensor
  typealias Action = TrainingPlan.Action

  let graph: NetworkGraph
  let batch: Int
  let engine: Engine
  let algorithm: ConvolutionAlgorithm
  let trained: Set<String>
  let block: Int
  let operations: [TrainingOperation]
  /// Of every node.
  let sizes: [(height: Int, width: Int)]

  /// By the values they give: index into `operations`; none for the input.
  let producers: [Int: Int]
  /// By value: operations that read it.
  let readers: [Int: [Int]]
  /// Values that something trained lies above of: they get gradients.
  let needsGradient: Set<Int>
  /// Values that the backward steps read.
  let saved: Set<Int>

  var buffers: [SlabPlan.Buffer] = []
  var steps: [TrainingPlan.Step] = []
  var scratchByteCount = 0
  var gradients: [TrainingPlan.Gradient] = []
  var gradientByteCount = 0
  private var gradientOfName: [String: Int] = [:]
  var weightKeys: [WeightStore.Key] = []
  private var indexOfKey: [WeightStore.Key: Int] = [:]
  /// Results of the forward operations, by value.
  var tensors: [Int: Tensor] = [:]
  /// What a forward operation leaves for its backward one, by operation.
  var leftBehind: [Int: Leftover] = [:]
  /// Gradients by value, as far as they have been gathered.
  var gradientTensors: [Int: Tensor] = [:]
  var outputGradients: [Tensor] = []

  enum Leftover {
    case maxPool(TrainingMaxPooling, workspace: Int)
    case batchNorm(TrainingBatchNorm, mean: Int, variance: Int, workspace: Int?)
    case groupNorm(TrainingPlan.GroupNorm)
    case convolution(TrainingConvolution)
  }

  init(
    _ graph: NetworkGraph, batch: Int, height: Int, width: Int, trained: Set<String>,
    engine: Engine, algorithm: ConvolutionAlgorithm
  ) throws(NeuralNetworkError) {
    self.graph = graph
    self.batch = batch
    self.engine = engine
    self.algorithm = algorithm
    self.trained = trained
    block = InstructionSet.channelBlock
    operations = graph.trainingOperations(trained: trained)
    sizes = graph.sizes(height: height, width: width)

    var producers: [Int: Int] = [:]
    var readers: [Int: [Int]] = [:]
    var needsGradient: Set<Int> = []
    for (index, operation) in operations.enumerated() {
      producers[operation.output.index] = index
      for input in operation.inputs { readers[input.index, default: []].append(index) }
      if !operation.trained.isEmpty
        || operation.inputs.contains(where: { needsGradient.contains($0.index) })
      {
        needsGradient.insert(operation.output.index)
      }
    }
    var saved: Set<Int> = []
    for operation in operations where needsGradient.contains(operation.output.index) {
      switch operation.kind {
      case .convolution:
        if !operation.trained.isEmpty { saved.insert(operation.inputs[0].index) }
        if operation.hasRelu { saved.insert(operation.output.index) }
      case .batchNorm:
        saved.insert(operation.inputs[0].index)
      case .groupNorm:
        saved.insert(operation.inputs[0].index)
        if operation.hasRelu { saved.insert(operation.output.index) }
      case .add, .relu:
        if operation.hasRelu { saved.insert(operation.output.index) }
      case .maxPool, .upsampleNearest:
        break
      }
    }
    self.producers = producers
    self.readers = readers
    self.needsGradient = needsGradient
    self.saved = saved

    let size = sizes[graph.input.index]
    let channels = graph.channels(graph.input)
    // The input stays as the caller writes it; its one reader, the first convolution, takes plain order.
    let layout = try TensorLayout.plain([batch, channels, size.height, size.width])
    tensors[graph.input.index] = Tensor(
      buffer: newBuffer(layout.byteCount), channels: channels, height: size.height,
      width: size.width, layout: layout)
  }

  mutating func build() throws(NeuralNetworkError) {
    for index in operations.indices { try appendForward(index) }
    for output in graph.outputs {
      let gradient = try newTensor(like: output)
      outputGradients.append(gradient)
      if needsGradient.contains(output.index) { gradientTensors[output.index] = gradient }
    }
    emit(
      .loss, "loss",
      uses: graph.outputs.map { value($0).buffer } + outputGradients.map(\.buffer))
    for index in operations.indices.reversed()
    where needsGradient.contains(operations[index].output.index) {
      try appendBackward(index)
    }
  }

  /// Where a value is.
  func value(_ value: NetworkGraph.Value) -> Tensor {
    guard let tensor = tensors[value.index] else {
      preconditionFailure("value \(value.index) is read before it is made")
    }
    return tensor
  }

  /// Memory for the batch of images of a value.
  mutating func newTensor(like value: NetworkGraph.Value) throws(NeuralNetworkError) -> Tensor {
    let size = sizes[value.index]
    let channels = graph.channels(value)
    let layout = try TensorLayout.blocked([batch, channels, size.height, size.width], block: block)
    return Tensor(
      buffer: newBuffer(layout.byteCount), channels: channels, height: size.height,
      width: size.width, layout: layout)
  }

  mutating func newBuffer(_ byteCount: Int) -> Int {
    buffers.append(SlabPlan.Buffer(byteCount: byteCount, firstStep: -1, lastStep: -1))
    return buffers.count - 1
  }

  /// Appends a step; `uses` are the buffers it reads or writes.
  mutating func emit(_ action: Action, _ label: String, output: Tensor? = nil, uses: [Int]) {
    for buffer in uses {
      if buffers[buffer].firstStep < 0 { buffers[buffer].firstStep = steps.count }
      buffers[buffer].lastStep = steps.count
    }
    // The input is there before the first step.
    if steps.isEmpty { buffers[0].firstStep = 0 }
    steps.append(TrainingPlan.Step(action: action, label: label, output: output))
  }

  /// Appends a primitive; its arguments say which buffers it uses. The scratchpad is added.
  mutating func emit(
    _ primitive: Primitive, _ arguments: [TrainingPlan.Argument], _ label: String,
    output: Tensor? = nil
  ) {
    scratchByteCount = max(scratchByteCount, primitive.scratchpad.byteCount)
    let scratch = TrainingPlan.Argument(
      index: DNNL_ARG_SCRATCHPAD, layout: primitive.scratchpad, location: .scratch)
    let uses = arguments.compactMap { argument in
      if case .slab(let buffer) = argument.location { buffer } else { nil }
    }
    emit(.primitive(primitive, arguments + [scratch]), label, output: output, uses: uses)
  }

  /// Index of packed weights.
  mutating func weights(_ key: WeightStore.Key) -> Int {
    if let index = indexOfKey[key] { return index }
    indexOfKey[key] = weightKeys.count
    weightKeys.append(key)
    return weightKeys.count - 1
  }

  /// The place of a parameter's gradient, and whether it is new: whoever comes later has to add.
  mutating func gradient(
    _ name: String, layout: TensorLayout, batchNorm: ConvolutionParameters.BatchNorm? = nil
  ) -> (index: Int, isNew: Bool) {
    if let index = gradientOfName[name] { return (index, false) }
    gradientOfName[name] = gradients.count
    gradients.append(
      TrainingPlan.Gradient(
        name: name, layout: layout, offset: gradientByteCount, batchNorm: batchNorm))
    gradientByteCount += (layout.byteCount + 63) / 64 * 64
    return (gradients.count - 1, true)
  }

  /// The layout that was chosen for a parameter's gradient, nil if it has none yet.
  func gradientLayout(_ name: String) -> TensorLayout? {
    gradientOfName[name].map { gradients[$0].layout }
  }
}

extension TrainingPlan.Tensor {
  /// As an argument of a primitive.
  func argument(_ index: Int32) -> TrainingPlan.Argument {
    TrainingPlan.Argument(index: index, layout: layout, location: .slab(buffer))
  }
}

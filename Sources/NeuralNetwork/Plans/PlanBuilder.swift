/// Compiles a graph call by call into what a `Plan` keeps. Operations append their steps here; for the way back
/// they leave what is to be appended once the gradient by their output is complete (`PlanBuilder+Gradients`).
struct PlanBuilder {
  typealias Tensor = Plan.Tensor
  typealias Location = Plan.Location
  /// Appends the backward steps of a call; gets the gradient by its output.
  typealias WayBack = (inout PlanBuilder, Tensor) throws(NeuralNetworkError) -> Void

  let batch: Int
  let block: Int
  let engine: Engine
  /// What computes each convolution.
  let rule: ConvolutionRule
  let precision: Precision
  /// Of the values that calibration names.
  private let names: [NetworkGraph.Value: String]
  private let graph: NetworkGraph
  /// nil in inference.
  private let trained: Set<String>?
  private let calls: [OperationCall]
  /// The first that only outputs on demand need.
  private let firstCallOnDemand: Int
  /// Of every node.
  private let sizes: [MapSize]
  let dependencies: Dependencies

  private(set) var buffers: [SlabPlan.Buffer] = []
  private(set) var forward: [Plan.Step] = []
  private(set) var backward: [Plan.Step] = []
  private(set) var scratchByteCount = 0
  private(set) var packings: [PackingKey] = []
  private var indexOfPacking: [PackingKey: Int] = [:]
  /// Results of the calls, by value.
  private var tensors: [NetworkGraph.Value: Tensor] = [:]
  /// Values in another storage than their own, for operations that cannot read that.
  private var copies: [NetworkGraph.Value: [Storage: Tensor]] = [:]
  private var waysBack: [NetworkGraph.Value: WayBack] = [:]
  /// Steps so far, and the caller's loss between forward and backward.
  private var time = 0
  private var isBackward = false

  private(set) var firstStepOnDemand: Int?
  private(set) var demanded: [Plan.DemandedMap] = []
  private var indexOfDemanded: [NetworkGraph.Value: Int] = [:]
  /// Those that the steps being appended work for.
  private var demandedNow: [Int] = []

  var gradients: [Plan.Gradient] = []
  var gradientByteCount = 0
  /// Gradients by value, as far as they have been gathered.
  var gradientTensors: [NetworkGraph.Value: Tensor] = [:]
  private(set) var outputGradients: [Tensor] = []

  init(
    _ graph: NetworkGraph, batch: Int, height: Int, width: Int, trained: Set<String>?,
    precision: Precision, rule: @escaping ConvolutionRule
  ) throws(NeuralNetworkError) {
    precondition(
      precision == .float32 || (trained == nil && batch == 1), "\(precision) in training")
    self.precision = precision
    names = precision == .float32 ? [:] : graph.callNames
    self.graph = graph
    self.batch = batch
    self.trained = trained
    self.rule = rule
    engine = try Engine.shared()
    block = InstructionSet.channelBlock
    calls = graph.calls(trained: trained)
    firstCallOnDemand = trained == nil ? graph.firstOnDemand(of: calls) : calls.count
    sizes = graph.sizes(height: height, width: width)
    dependencies = Dependencies(calls)
    precondition(!graph.outputs.contains(graph.input), "a network that returns its input")

    // The input stays as the caller writes it: convolutions read plain order too.
    let size = sizes[graph.input.index]
    let channels = graph.channels(graph.input)
    let layout = try TensorLayout.plain([batch, channels, size.height, size.width])
    tensors[graph.input] = Tensor(
      value: graph.input, buffer: newBuffer(layout.byteCount), channels: channels, size: size,
      layout: layout)
    touch(tensor(graph.input).buffer)
  }

  var isTraining: Bool { trained != nil }

  mutating func build() throws(NeuralNetworkError) {
    var isDone = [Bool](repeating: false, count: calls.count)
    for index in calls.indices where !isDone[index] {
      let group = [index] + (isTraining ? [] : sharing(index, isDone))
      for member in group { isDone[member] = true }
      if index >= firstCallOnDemand { demand(group.map { calls[$0] }) }
      try calls[index].operation.append(group.map { calls[$0] }, to: &self)
      for member in group { try settle(calls[member].output) }
    }
    if isTraining { try buildBackward() }
    for output in graph.outputs { touch(tensor(output).buffer) }
  }

  /// Later calls that can be made together with this one: what they read is there already.
  private func sharing(_ index: Int, _ isDone: [Bool]) -> [Int] {
    calls.indices.dropFirst(index + 1).filter { other in
      !isDone[other] && (other < firstCallOnDemand) == (index < firstCallOnDemand)
        && calls[other].inputs.allSatisfy { tensors[$0] != nil }
        && calls[index].operation.canShareCall(
          with: calls[other].operation, size(calls[index].output), size(calls[other].output))
    }
  }

  private mutating func buildBackward() throws(NeuralNetworkError) {
    for output in graph.outputs {
      let gradient = try newTensor(like: output)
      outputGradients.append(gradient)
      if dependencies.needsGradient.contains(output) { gradientTensors[output] = gradient }
    }
    // The loss: the caller reads the outputs and writes their gradients.
    for tensor in outputGradients + graph.outputs.map({ tensor($0) }) { touch(tensor.buffer) }
    time += 1
    isBackward = true
    for call in calls.reversed() {
      // Nobody reads what has no gradient: a loss that leaves an output out, say.
      guard let wayBack = waysBack[call.output], let gradient = gradientTensors[call.output]
      else { continue }
      if call.operation.hasRelu { mask(gradient, tensor(call.output)) }
      try wayBack(&self, gradient)
    }
  }

  // MARK: On demand

  var hasDemand: Bool { firstStepOnDemand != nil }

  /// The steps that follow are those of these calls.
  private mutating func demand(_ calls: [OperationCall]) {
    if firstStepOnDemand == nil { firstStepOnDemand = forward.count }
    demandedNow = calls.map { call in
      let inputs = call.inputs.compactMap { indexOfDemanded[$0] }
      demanded.append(
        Plan.DemandedMap(size: size(call.output), inputs: inputs, reach: .map))
      indexOfDemanded[call.output] = demanded.count - 1
      return demanded.count - 1
    }
  }

  /// Says that a kernel computes no more of its outputs than is wanted.
  ///
  /// - Parameters:
  ///   - calls: those of the calls being appended that it computes.
  ///   - reach: what the kernel reads of the inputs for that.
  /// - Returns: where in `KernelMemory.areas` it finds what is wanted of each of them; nothing where these are computed
  ///   as a whole.
  mutating func narrow(_ calls: [OperationCall], to reach: Reach) -> [Int] {
    let maps = calls.compactMap { indexOfDemanded[$0.output] }
    for map in maps { demanded[map].reach = reach }
    return maps
  }

  /// Which of the maps on demand a value is.
  func demandedMap(_ value: NetworkGraph.Value) -> Int {
    guard let index = indexOfDemanded[value] else {
      preconditionFailure("value \(value.index) is on demand and needed by what is not")
    }
    return index
  }

  // MARK: Values

  /// Where a value is.
  func tensor(_ value: NetworkGraph.Value) -> Tensor {
    guard let tensor = tensors[value] else {
      preconditionFailure("value \(value.index) is read before it is made")
    }
    return tensor
  }

  /// Where a value is in float32 and in blocks of channels, as all but the input are, or come to be now.
  mutating func blocked(_ value: NetworkGraph.Value) throws(NeuralNetworkError) -> Tensor {
    precondition(value != graph.input, "the input is read by no convolution")
    return try tensor(value, as: .float32)
  }

  /// Where a value is in a storage of the reader's choice: its own, or a copy.
  mutating func tensor(
    _ value: NetworkGraph.Value, as storage: Storage
  ) throws(NeuralNetworkError) -> Tensor {
    let stored = tensor(value)
    if stored.storage == storage { return stored }
    if let copy = copies[value]?[storage] { return copy }
    let isInput = value == graph.input
    precondition(!isInput || storage.isEightBits, "the input as \(storage)")
    let copy = try newTensor(like: value, storage)
    emit(
      StorageConversion(source: stored, target: copy, block: block, isPlain: isInput),
      [stored.location, copy.location], label("convert", stored, copy))
    copies[value, default: [:]][storage] = copy
    return copy
  }

  /// Where a value is in 8 bits: as it lies, or a copy of the input, which the caller writes in float32.
  mutating func eightBits(_ value: NetworkGraph.Value) throws(NeuralNetworkError) -> Tensor {
    guard value == graph.input, let wanted = wantedStorage(value) else { return tensor(value) }
    return try tensor(value, as: wanted)
  }

  /// The storage that a value is to have, whatever operation gives it; nil where that may choose.
  func wantedStorage(_ value: NetworkGraph.Value) -> Storage? {
    if graph.outputs.contains(value) { return .float32 }
    if case .int8(let quantization) = precision, let range = quantization.values[name(value)] {
      return .range(range)
    }
    return nil
  }

  /// Brings a value into the storage that it is to have.
  private mutating func settle(_ value: NetworkGraph.Value) throws(NeuralNetworkError) {
    guard let wanted = wantedStorage(value) else { return }
    tensors[value] = try tensor(value, as: wanted)
  }

  /// What calibration calls a value, and the convolution that gives it.
  func name(_ value: NetworkGraph.Value) -> String { names[value] ?? "" }

  /// Whether a call reads the network's input, which is in plain order.
  func readsInput(_ call: OperationCall) -> Bool { call.inputs[0] == graph.input }

  func size(_ value: NetworkGraph.Value) -> MapSize { sizes[value.index] }

  /// Memory for a value, or for its gradient.
  mutating func newTensor(
    like value: NetworkGraph.Value, _ storage: Storage = .float32
  ) throws(NeuralNetworkError) -> Tensor {
    let layout = try newLayout(like: value, storage)
    return Tensor(
      value: value, buffer: newBuffer(layout.byteCount), channels: graph.channels(value),
      size: size(value), layout: layout, storage: storage)
  }

  private func newLayout(
    like value: NetworkGraph.Value, _ storage: Storage
  ) throws(NeuralNetworkError) -> TensorLayout {
    let size = size(value)
    let shape = [batch, graph.channels(value), size.height, size.width]
    return storage.isChannelsLast
      ? try .channelsLast(shape, storage.type) : try .blocked(shape, storage.type, block: block)
  }

  /// The result of a call: memory of its own, or that of an operand that it overwrites.
  mutating func makeOutput(
    of call: OperationCall, over operand: Tensor? = nil, _ storage: Storage = .float32
  ) throws(NeuralNetworkError) -> Tensor {
    var output =
      if let operand { operand } else { try newTensor(like: call.output, storage) }
    if output.storage != storage {
      // As large, and in the same order: u8 over s8, say.
      precondition(
        storage.type.byteCount == output.storage.type.byteCount
          && storage.isChannelsLast == output.storage.isChannelsLast, "over another storage")
      output.layout = try newLayout(like: call.output, storage)
      output.storage = storage
    }
    output.value = call.output
    output.channels = graph.channels(call.output)
    tensors[call.output] = output
    return output
  }

  /// The result of a call in memory of its own, laid out as an operand of as many channels is.
  mutating func makeOutput(of call: OperationCall, like operand: Tensor) -> Tensor {
    var output = operand
    output.value = call.output
    output.buffer = newBuffer(operand.layout.byteCount)
    tensors[call.output] = output
    return output
  }

  /// Whether nobody needs a value once this call has read it: then its memory can become the output's.
  func isFree(_ value: NetworkGraph.Value, after call: OperationCall) -> Bool {
    value != graph.input && !graph.outputs.contains(value)
      && dependencies.isLastRead(value, by: call)
  }

  mutating func newBuffer(_ byteCount: Int) -> Int {
    buffers.append(SlabPlan.Buffer(byteCount: byteCount, firstStep: -1, lastStep: -1))
    return buffers.count - 1
  }

  /// The buffer is needed by the next step.
  private mutating func touch(_ buffer: Int) {
    if buffers[buffer].firstStep < 0 { buffers[buffer].firstStep = time }
    buffers[buffer].lastStep = time
  }

  // MARK: Parameters

  /// Index of parameters in the form that a kernel reads.
  mutating func packed(_ packing: some ParameterPacking) -> Int {
    let key = PackingKey(packing)
    if let index = indexOfPacking[key] { return index }
    indexOfPacking[key] = packings.count
    packings.append(key)
    return packings.count - 1
  }

  /// A parameter as it is.
  mutating func parameter(_ name: String, count: Int) -> Location {
    isTraining
      ? .parameter(name) : .packed(packed(PlainParameter(name: name, count: count)), offset: 0)
  }

  // MARK: Steps

  /// Appends a step.
  ///
  /// - Parameters:
  ///   - kernel: what runs.
  ///   - operands: in the kernel's order.
  ///   - label: the operation and its shape.
  ///   - outputs: of a forward step, what it writes.
  mutating func emit(
    _ kernel: some Kernel, _ operands: [Location], _ label: String, outputs: [Tensor] = []
  ) {
    for case .buffer(let buffer) in operands { touch(buffer) }
    scratchByteCount = max(scratchByteCount, kernel.scratchByteCount)
    let step = Plan.Step(
      kernel: kernel, operands: operands, label: label, outputs: outputs, demanded: demandedNow)
    if isBackward { backward.append(step) } else { forward.append(step) }
    time += 1
  }

  /// Appends a loop.
  mutating func emit(
    _ operands: [Location], _ label: String, outputs: [Tensor] = [],
    _ run: @escaping @Sendable (KernelMemory) -> Void
  ) {
    emit(LoopKernel(run: run), operands, label, outputs: outputs)
  }

  /// Leaves what is to be appended when the gradient by a call's output is complete. A call that nothing trained
  /// lies below has no way back.
  mutating func onGradient(of call: OperationCall, _ wayBack: @escaping WayBack) {
    guard isTraining, dependencies.needsGradient.contains(call.output) else { return }
    waysBack[call.output] = wayBack
  }

  /// The name of a step with its shape.
  func label(_ name: String, _ input: Tensor, _ output: Tensor) -> String {
    let images = batch == 1 ? "" : "\(batch)x "
    return
      "\(name) \(images)\(input.channels)>\(output.channels) \(output.size.height)x\(output.size.width)"
  }
}

extension Plan.Tensor {
  /// As an operand.
  var location: Plan.Location { .buffer(buffer) }
}

extension NetworkGraph {
  /// The first of the calls that only outputs on demand need.
  fileprivate func firstOnDemand(of calls: [OperationCall]) -> Int {
    guard promptOutputs < outputs.count else { return calls.count }
    var needed = Set(outputs.prefix(promptOutputs))
    var first = 0
    for (index, call) in calls.enumerated().reversed() where needed.contains(call.output) {
      needed.formUnion(call.inputs)
      first = max(first, index + 1)
    }
    precondition(
      calls.prefix(first).allSatisfy { needed.contains($0.output) },
      "what only outputs on demand need is declared last")
    return first
  }
}

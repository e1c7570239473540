import COneDNN
import Dispatch
import Synchronization

/// The parameters of a network as training plans read them: each combination of tensors and layout packed once, for
/// all plans and workers together, and packed again after each change.
///
/// `@unchecked Sendable`: the packed weights change in `update` alone, which is never called while a plan runs.
final class TrainingWeights: @unchecked Sendable {
  /// What one convolution reads, and how it gets there.
  final class Packed: Sendable {
    let key: WeightStore.Key
    let weights: AlignedBuffer
    let bias: AlignedBuffer
    fileprivate let reorder: Reorder

    fileprivate init(_ key: WeightStore.Key, engine: Engine) throws(NeuralNetworkError) {
      self.key = key
      weights = try AlignedBuffer(byteCount: key.layout.byteCount)
      bias = try AlignedBuffer(byteCount: key.outputChannels * MemoryLayout<Float>.stride)
      reorder = try Reorder(from: key.plainLayout, to: key.layout, engine: engine)
    }
  }

  let parameters: ParameterSlab
  private let engine: Engine
  private var packed: [WeightStore.Key: Packed] = [:]

  /// - Parameters:
  ///   - parameters: the values.
  ///   - engine: where they are used.
  init(_ parameters: ParameterSlab, engine: Engine) {
    self.parameters = parameters
    self.engine = engine
  }

  /// Packs the values as they are now for one plan, on all cores.
  ///
  /// - Parameter plan: what will run next.
  /// - Throws: `NeuralNetworkError`.
  func update(for plan: TrainingPlan) throws {
    for key in plan.weightKeys where packed[key] == nil {
      packed[key] = try Packed(key, engine: engine)
    }
    let all = plan.weightKeys.map { self[$0] }.sorted {
      $0.key.layout.byteCount > $1.key.layout.byteCount
    }
    try concurrently(all.count) { try self.pack(all[$0]) }
  }

  /// Forgets what no plan of these needs.
  func keep(only plans: [TrainingPlan]) {
    let needed = Set(plans.flatMap(\.weightKeys))
    packed = packed.filter { needed.contains($0.key) }
  }

  /// What `update` packed.
  subscript(key: WeightStore.Key) -> Packed {
    guard let packed = packed[key] else {
      preconditionFailure("no packed weights for \(key.parameters.weight)")
    }
    return packed
  }

  private func pack(_ packed: Packed) throws(NeuralNetworkError) {
    let key = packed.key
    let source = parameters.address(key.parameters.weight)
    let bias = packed.bias.address.assumingMemoryBound(to: Float.self)
    for channel in 0..<key.outputChannels { bias[channel] = 0 }
    if let name = key.parameters.bias {
      bias.update(from: parameters.address(name), count: key.outputChannels)
    }
    guard let norm = key.parameters.batchNorm else {
      try packed.reorder.run(UnsafeMutableRawPointer(source), to: packed.weights.address)
      return
    }
    // The batch norm's factors are folded in: see `WeightStore`.
    let perChannel = key.inputChannels * key.kernel * key.kernel
    let folded = try AlignedBuffer(byteCount: key.plainLayout.byteCount)
    let numbers = folded.address.assumingMemoryBound(to: Float.self)
    let scale = foldedScale(norm, channels: key.outputChannels, parameters)
    let mean = parameters.address("\(norm.prefix).running_mean")
    let shift = parameters.address("\(norm.prefix).bias")
    for channel in 0..<key.outputChannels {
      let factor = Float(scale[channel])
      let start = channel * perChannel
      for index in start..<start + perChannel { numbers[index] = source[index] * factor }
      bias[channel] = Float(
        (Double(bias[channel]) - Double(mean[channel])) * scale[channel] + Double(shift[channel]))
    }
    try packed.reorder.run(folded.address, to: packed.weights.address)
  }
}

/// What a batch norm with running statistics multiplies each channel by: gamma / sqrt(variance + epsilon).
func foldedScale(
  _ norm: ConvolutionParameters.BatchNorm, channels: Int, _ parameters: ParameterSlab
) -> [Double] {
  let gamma = parameters.address("\(norm.prefix).weight")
  let variance = parameters.address("\(norm.prefix).running_var")
  return (0..<channels).map {
    Double(gamma[$0]) / (Double(variance[$0]) + Double(norm.epsilon)).squareRoot()
  }
}

extension WeightStore.Key {
  /// The weights in PyTorch's order.
  var plainLayout: TensorLayout {
    get throws(NeuralNetworkError) {
      try .plain([outputChannels, inputChannels, kernel, kernel])
    }
  }
}

/// A copy from one layout to another, compiled once.
final class Reorder: Sendable {
  private let primitive: Primitive
  private let source: TensorLayout
  private let destination: TensorLayout
  private let engine: Engine

  /// - Parameters:
  ///   - source: where numbers come from.
  ///   - destination: where they go.
  ///   - engine: where it runs.
  /// - Throws: `NeuralNetworkError.oneDNN`.
  init(
    from source: TensorLayout, to destination: TensorLayout, engine: Engine
  ) throws(NeuralNetworkError) {
    self.source = source
    self.destination = destination
    self.engine = engine
    primitive = try PrimitiveDescription(reorderFrom: source, to: destination, engine: engine)
      .makePrimitive()
  }

  /// Copies, on the calling thread.
  func run(
    _ from: UnsafeMutableRawPointer, to: UnsafeMutableRawPointer
  ) throws(NeuralNetworkError) {
    runSingleThreaded()
    let stream = try ExecutionStream(engine: engine)
    let scratch = try AlignedBuffer(byteCount: primitive.scratchpad.byteCount)
    let memories = [
      (DNNL_ARG_FROM, try TensorMemory(source, at: from, engine: engine)),
      (DNNL_ARG_TO, try TensorMemory(destination, at: to, engine: engine)),
      (
        DNNL_ARG_SCRATCHPAD,
        try TensorMemory(primitive.scratchpad, at: scratch.address, engine: engine)
      ),
    ]
    try primitive.execute(
      memories.map { dnnl_exec_arg_t(arg: $0.0, memory: $0.1.handle) }, on: stream)
    withExtendedLifetime(memories) {}
  }
}

/// Runs `body` for 0 ..< `count` on all cores.
///
/// - Parameters:
///   - count: how often.
///   - body: called with each index once, from several threads.
/// - Throws: of the errors that were thrown, that of the least index.
func concurrently(_ count: Int, _ body: @Sendable (Int) throws -> Void) throws {
  let errors = Mutex<[Int: any Error]>([:])
  DispatchQueue.concurrentPerform(iterations: count) { index in
    do { try body(index) } catch { errors.withLock { $0[index] = error } }
  }
  if let first = errors.withLock({ errors in errors.min { $0.key < $1.key } }) {
    throw first.value
  }
}

import Workers

/// A network compiled for one input shape: batch norm folded, additions and ReLUs done inside the convolutions,
/// weights packed, every value given its place in one slab of memory.
///
/// Immutable and shared by all workers; each worker brings its own slab and scratchpad.
public final class InferencePlan: Sendable {
  /// A value's place: an image in the slab.
  struct Image: Sendable {
    var offset: Int
    var channels: Int
    var height: Int
    var width: Int
    var layout: TensorLayout

    /// Numbers with the padding of the last block.
    var count: Int { layout.byteCount / MemoryLayout<Float>.stride }
  }

  /// One call.
  enum Action: Sendable {
    /// Reads the first input; with a sum post-operation the output already holds the second.
    case convolution(ConvolutionPrimitive, WeightStore.Key)
    case maxPool(MaxPoolingPrimitive)
    case upsampleNearest
    case groupNorm(groups: Int, epsilon: Float, scale: [Float], shift: [Float], relu: Bool)
    case relu
    case add
  }

  /// What running a plan takes, in bytes.
  public struct Memory: Equatable, Sendable {
    /// Activations of one worker.
    public var slab: Int
    /// Scratch of one worker: the most that any one step asks for.
    public var scratch: Int
    /// Packed weights, shared by all workers, and with other plans where the formats agree.
    public var weights: Int

    /// What one worker needs beside the weights.
    public var perWorker: Int { slab + scratch }
  }

  struct Step: Sendable {
    var action: Action
    var inputs: [Image]
    var output: Image
    /// For a profile: the operation and its shape.
    var label: String
  }

  /// Height of the input in pixels.
  public let height: Int
  /// Width of the input in pixels.
  public let width: Int
  /// What it needs.
  public let memory: Memory

  let input: Image
  let outputs: [Image]
  let steps: [Step]
  let weights: WeightPacking
  let block: Int

  /// Compiles `graph` for one image of `height` x `width` pixels and packs the weights that no living plan has
  /// packed before.
  ///
  /// - Parameters:
  ///   - graph: the network.
  ///   - height: pixels, at least 1.
  ///   - width: pixels, at least 1.
  ///   - store: where the weights come from.
  ///   - algorithm: what 3x3 convolutions of stride 1 use where it pays; `direct` everywhere for comparisons.
  ///   - waitsForWeights: false leaves a core to the first run, which begins while weights are still being packed; it
  ///     throws what is wrong with them.
  /// - Throws: `NeuralNetworkError`, or what the store's loader throws.
  public convenience init(
    _ graph: NetworkGraph, height: Int, width: Int, store: WeightStore,
    algorithm: ConvolutionAlgorithm = .winograd, waitsForWeights: Bool = true
  ) throws {
    try self.init(
      graph, height: height, width: width, store: store, waitsForWeights: waitsForWeights
    ) {
      $0.isWorthWinograd ? algorithm : .direct
    }
  }

  /// As above, with a rule of its own for the benchmark that the rule was made from.
  package init(
    _ graph: NetworkGraph, height: Int, width: Int, store: WeightStore,
    waitsForWeights: Bool = true,
    algorithmFor: (ConvolutionShape) -> ConvolutionAlgorithm
  ) throws {
    let builder = try Self.builder(
      graph, height: height, width: width, algorithmFor: algorithmFor)
    self.height = height
    self.width = width
    block = builder.block
    input = builder.images[graph.input.index]
    outputs = graph.outputs.map { builder.images[$0.index] }
    steps = try builder.steps(store: store)
    memory = builder.memory
    let cores = Machine().availableCores
    weights = WeightPacking(
      builder.weightKeys, from: store, threadCount: waitsForWeights ? cores : max(1, cores - 1))
    if waitsForWeights { try weights.finish() }
  }

  /// Waits until all weights are packed.
  ///
  /// - Throws: `NeuralNetworkError`, or what the store's loader throws.
  public func finishPacking() throws { try weights.finish() }

  /// What a plan would need, without packing weights for it.
  ///
  /// - Parameters:
  ///   - graph: the network.
  ///   - height: pixels, at least 1.
  ///   - width: pixels, at least 1.
  ///   - algorithm: as for `init`.
  /// - Returns: bytes.
  /// - Throws: `NeuralNetworkError`.
  public static func memory(
    _ graph: NetworkGraph, height: Int, width: Int, algorithm: ConvolutionAlgorithm = .winograd
  ) throws(NeuralNetworkError) -> Memory {
    try builder(graph, height: height, width: width) {
      $0.isWorthWinograd ? algorithm : .direct
    }.memory
  }

  private static func builder(
    _ graph: NetworkGraph, height: Int, width: Int,
    algorithmFor: (ConvolutionShape) -> ConvolutionAlgorithm
  ) throws(NeuralNetworkError) -> InferencePlanBuilder {
    guard height > 0, width > 0, height <= maxPixels / width else {
      throw .inputSize(
        height: height, width: width, problem: "not from 1 to \(maxPixels) pixels")
    }
    return try InferencePlanBuilder(
      graph, height: height, width: width, engine: try Engine.shared(),
      algorithmFor: algorithmFor)
  }

  /// Indices of one level's logits stay below 2^32 with a thousand classes and nine anchors.
  private static let maxPixels = 1 << 28
}

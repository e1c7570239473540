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
    case convolution(ConvolutionPrimitive, WeightStore.Packed)
    case maxPool(MaxPoolingPrimitive)
    case upsampleNearest
    case groupNorm(groups: Int, epsilon: Float, scale: [Float], shift: [Float], relu: Bool)
    case relu
    case add
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
  /// Bytes of activations that a worker needs to run the plan.
  public let slabByteCount: Int
  /// Bytes of scratch that a worker needs to run the plan: the most any one step asks for.
  public let scratchByteCount: Int
  /// Bytes of packed weights the plan holds, shared with other plans where the formats agree.
  public let weightByteCount: Int

  let input: Image
  let outputs: [Image]
  let steps: [Step]
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
  /// - Throws: `NeuralNetworkError`, or what the store's loader throws.
  public init(
    _ graph: NetworkGraph, height: Int, width: Int, store: WeightStore,
    algorithm: ConvolutionAlgorithm = .winograd
  ) throws {
    guard height > 0, width > 0, height * width <= 1 << 28 else {
      throw NeuralNetworkError.inputSize(height: height, width: width, problem: "out of range")
    }
    let builder = try InferencePlanBuilder(
      graph, height: height, width: width, engine: store.engine, algorithm: algorithm)
    let packed = try store.packed(builder.convolutions.map(\.key))
    self.height = height
    self.width = width
    block = builder.block
    input = builder.images[graph.input.index]
    outputs = graph.outputs.map { builder.images[$0.index] }
    steps = try builder.steps(packed: packed, store: store)
    slabByteCount = builder.slabByteCount
    scratchByteCount =
      builder.convolutions.map { $0.primitive.primitive.scratchpad.byteCount }
      .max() ?? 0
    weightByteCount = packed.values.reduce(0) { $0 + $1.weights.byteCount + $1.bias.byteCount }
  }

  /// Bytes that one worker needs beside the shared weights.
  public var workerByteCount: Int { slabByteCount + scratchByteCount }
}

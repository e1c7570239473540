/// A network compiled for training on batches of one size: the forward operations with what the gradients need of
/// them kept, then the backward ones, every number with its place in one slab of memory.
///
/// Gradients stop where nothing below is trained, and what is frozen keeps nothing for them. Immutable and shared
/// by all workers; each worker brings its own slab and scratchpad.
final class TrainingPlan: Sendable {
  /// A batch of images in the slab.
  struct Tensor: Sendable {
    /// Index into the plan's buffers.
    var buffer: Int
    var channels: Int
    var height: Int
    var width: Int
    var layout: TensorLayout

    /// Numbers with the padding of the last block.
    var count: Int { layout.byteCount / MemoryLayout<Float>.stride }
  }

  /// Where a primitive finds one of its arguments.
  enum Location: Sendable {
    /// A buffer of the slab.
    case slab(Int)
    /// Packed weights, or their bias, by their index in `weightKeys`.
    case weights(Int)
    case bias(Int)
    /// A parameter as it is, by name.
    case parameter(String)
    /// A gradient: index in `gradients`.
    case gradient(Int)
    case scratch
  }

  struct Argument: Sendable {
    var index: Int32
    var layout: TensorLayout
    var location: Location
  }

  /// A gradient, or a batch statistic, of one parameter as the steps leave it.
  struct Gradient: Sendable {
    var name: String
    /// Of a convolution's weights what its primitive chose, else plain.
    var layout: TensorLayout
    /// In bytes from the beginning of a worker's gradients.
    var offset: Int
    /// Of weights that a batch norm is folded into: the gradient is that of the folded weights.
    var batchNorm: ConvolutionParameters.BatchNorm?
  }

  enum Action: Sendable {
    case primitive(Primitive, [Argument])
    case add(a: Tensor, b: Tensor, relu: Bool, output: Tensor)
    case relu(input: Tensor, output: Tensor)
    case upsample(input: Tensor, output: Tensor)
    case groupNorm(GroupNorm)
    /// The caller's: reads the outputs, writes their gradients.
    case loss
    case mask(gradient: Tensor, output: Tensor)
    case accumulate(gradient: Tensor, into: Tensor)
    case copy(gradient: Tensor, into: Tensor)
    case reluBackward(
      outputGradient: Tensor, output: Tensor, inputGradient: Tensor, accumulates: Bool)
    case upsampleBackward(outputGradient: Tensor, inputGradient: Tensor, accumulates: Bool)
    case groupNormBackward(
      GroupNorm, outputGradient: Tensor, inputGradient: Tensor, scale: GradientPlace,
      shift: GradientPlace)
    /// Adds what lies in a buffer to a gradient.
    case accumulateGradient(buffer: Int, gradient: Int)
    /// Batch statistics become entries of the gradients.
    case statistics(mean: Int, variance: Int, meanGradient: Int, varianceGradient: Int, Tensor)
  }

  /// Where a parameter's gradient goes, and whether it is the first that does.
  struct GradientPlace: Sendable {
    var location: Location
    var isNew: Bool
  }

  struct GroupNorm: Sendable {
    var prefix: String
    var groups: Int
    var epsilon: Float
    var relu: Bool
    var input: Tensor
    var output: Tensor
    /// Buffer of the statistics, `GroupNormTraining.statisticsCount` numbers for each image.
    var statistics: Int
  }

  struct Step: Sendable {
    var action: Action
    /// For a profile and for errors: the operation and its shape.
    var label: String
    /// Of a forward step, what it wrote.
    var output: Tensor?
  }

  /// Images per run.
  let batch: Int
  /// Rows of the input.
  let height: Int
  /// Columns of the input.
  let width: Int
  /// Channels per block.
  let block: Int
  /// Bytes of activations and their gradients that a worker needs.
  let slabByteCount: Int
  /// Bytes of scratch that a worker needs: the most any one step asks for.
  let scratchByteCount: Int
  /// Bytes of a worker's gradients.
  let gradientByteCount: Int

  let input: Tensor
  let outputs: [Tensor]
  let outputGradients: [Tensor]
  let steps: [Step]
  /// Where each buffer begins in the slab.
  let offsets: [Int]
  let weightKeys: [WeightStore.Key]
  let gradients: [Gradient]

  /// Compiles `graph`.
  ///
  /// - Parameters:
  ///   - graph: the network.
  ///   - batch: images per run, at least 1.
  ///   - height: rows, at least 1.
  ///   - width: columns, at least 1.
  ///   - trained: names of the parameters that get gradients. A batch norm whose weight is among them runs with
  ///     the statistics of the batch, any other with its running statistics.
  ///   - engine: where it runs.
  ///   - algorithm: what 3x3 convolutions of stride 1 use where it pays.
  /// - Throws: `NeuralNetworkError`.
  init(
    _ graph: NetworkGraph, batch: Int, height: Int, width: Int, trained: Set<String>,
    engine: Engine, algorithm: ConvolutionAlgorithm
  ) throws(NeuralNetworkError) {
    precondition(batch > 0, "a batch of \(batch)")
    guard height > 0, width > 0, height * width <= 1 << 28 else {
      throw .inputSize(height: height, width: width, problem: "out of range")
    }
    var builder = try TrainingPlanBuilder(
      graph, batch: batch, height: height, width: width, trained: trained, engine: engine,
      algorithm: algorithm)
    try builder.build()
    let slab = SlabPlan(builder.buffers)
    self.batch = batch
    self.height = height
    self.width = width
    block = builder.block
    slabByteCount = slab.byteCount
    scratchByteCount = builder.scratchByteCount
    gradientByteCount = builder.gradientByteCount
    input = builder.value(graph.input)
    outputs = graph.outputs.map(builder.value)
    outputGradients = builder.outputGradients
    steps = builder.steps
    offsets = slab.offsets
    weightKeys = builder.weightKeys
    gradients = builder.gradients
  }
}

/// A network compiled for batches of one size: its calls as steps, with every number's place in one slab of memory.
/// For training the forward steps are followed by the backward ones; between them the caller computes the loss.
///
/// Immutable and shared by all threads; each brings a `PlanRunner` with a slab of its own.
final class Plan: Sendable {
  /// A batch of images in the slab: [N, channels / block, height, width, block].
  struct Tensor: Sendable {
    /// What it holds, or the gradient of.
    var value: NetworkGraph.Value
    /// Index into the plan's buffers.
    var buffer: Int
    var channels: Int
    var size: MapSize
    var layout: TensorLayout
    var storage = Storage.float32

    /// Numbers with the padding of the last block.
    var count: Int { layout.byteCount / storage.type.byteCount }
  }

  /// Where a kernel finds one of its operands.
  enum Location: Sendable {
    /// A buffer of the slab.
    case buffer(Int)
    /// Packed parameters, by their index in `packings`, from a byte on.
    case packed(Int, offset: Int)
    /// A parameter as it is, in training.
    case parameter(String)
    /// A gradient: index in `gradients`.
    case gradient(Int)
  }

  struct Step: Sendable {
    var kernel: any Kernel
    var operands: [Location]
    /// For a profile and for errors: the operation and its shape.
    var label: String
    /// Of a forward step, what it wrote.
    var outputs: [Tensor]
    /// The maps on demand that it works for: it is left out where nothing of them is wanted. None: it always runs.
    var demanded: [Int] = []
  }

  /// The gradient by one parameter, or a batch statistic, as the steps leave it.
  struct Gradient: Sendable {
    var name: String
    var form: any GradientForm
    /// In bytes from the beginning of a runner's gradients.
    var offset: Int
  }

  /// Images per run.
  let batch: Int
  /// Rows of the input.
  let height: Int
  /// Columns of the input.
  let width: Int
  /// Channels per block.
  let block: Int
  /// Bytes of activations, and of their gradients, that a runner needs.
  let slabByteCount: Int
  /// Bytes of scratch that a runner needs: the most any one step asks for.
  let scratchByteCount: Int
  /// Bytes of a runner's gradients; 0 in inference.
  let gradientByteCount: Int

  /// In plain order: [N, channels, height, width].
  let input: Tensor
  let outputs: [Tensor]
  /// Of the outputs, how many come first and are not on demand.
  let promptOutputs: Int
  /// In training, where the caller puts the loss's gradients by the outputs.
  let outputGradients: [Tensor]
  let forward: [Step]
  /// The first of these that only outputs on demand need.
  let firstStepOnDemand: Int
  /// Maps that are computed on demand, in the order of the steps.
  let demanded: [DemandedMap]
  /// Of the outputs on demand, which of these each is.
  let demandedOutputs: [Int]
  let backward: [Step]
  /// Where each buffer begins in the slab.
  let offsets: [Int]
  /// The forms in which the steps read parameters, in the order in which they need them.
  let packings: [PackingKey]
  let gradients: [Gradient]

  /// Compiles a graph.
  ///
  /// - Parameters:
  ///   - graph: the network.
  ///   - batch: images per run, at least 1.
  ///   - height: rows.
  ///   - width: columns.
  ///   - trained: names of the parameters that get gradients, or nil for inference. A batch norm whose weight is
  ///     among them runs with the statistics of the batch, any other with its running ones. Gradients stop where
  ///     nothing below is trained, and what is frozen keeps nothing for them.
  ///   - precision: what inference computes in.
  ///   - rule: what computes each convolution.
  /// - Throws: `NeuralNetworkError`.
  init(
    _ graph: NetworkGraph, batch: Int = 1, height: Int, width: Int, trained: Set<String>? = nil,
    precision: Precision = .float32, rule: @escaping ConvolutionRule
  ) throws(NeuralNetworkError) {
    precondition(batch > 0, "a batch of \(batch)")
    guard height > 0, width > 0, height <= Self.maxPixels / width else {
      throw .inputSize(
        height: height, width: width, problem: "not from 1 to \(Self.maxPixels) pixels")
    }
    var builder = try PlanBuilder(
      graph, batch: batch, height: height, width: width, trained: trained,
      precision: precision, rule: rule)
    try builder.build()
    let slab = SlabPlan(builder.buffers)
    self.batch = batch
    self.height = height
    self.width = width
    block = builder.block
    slabByteCount = slab.byteCount
    scratchByteCount = builder.scratchByteCount
    gradientByteCount = builder.gradientByteCount
    input = builder.tensor(graph.input)
    outputs = graph.outputs.map { builder.tensor($0) }
    promptOutputs = builder.hasDemand ? graph.promptOutputs : outputs.count
    outputGradients = builder.outputGradients
    firstStepOnDemand = builder.firstStepOnDemand ?? builder.forward.count
    demanded = builder.demanded
    demandedOutputs = graph.outputs.dropFirst(promptOutputs).map { builder.demandedMap($0) }
    forward = builder.forward
    backward = builder.backward
    offsets = slab.offsets
    packings = builder.packings
    gradients = builder.gradients
  }

  /// Indices of one level's logits, of which the largest has an eighth of the rows and columns, stay below 2^32 with a
  /// hundred classes and nine anchors. Whoever has more classes has to see to smaller pictures.
  private static let maxPixels = 1 << 28
}

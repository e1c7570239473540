import BoxGeometry
import NeuralNetwork
import RetinaNetModel

/// Losses and gradients of a RetinaNet for batches of images.
///
/// Not `Sendable`: used by one thread, which it lends to the network's workers.
public final class DetectorGradients {
  /// A batch, padded to one size.
  public struct Batch: Sendable {
    /// Rows of every input, a multiple of 32.
    public var height: Int
    /// Columns of every input, a multiple of 32.
    public var width: Int
    /// Objects of each image, in pixels of the input.
    public var objects: [[LabelledBox]]
    /// Writes the input of the image with this index: [3, height, width], all of it.
    public var writeInput: @Sendable (Int, inout MutableSpan<Float>) -> Void

    /// Creates a batch from its parts.
    public init(
      height: Int, width: Int, objects: [[LabelledBox]],
      writeInput: @escaping @Sendable (Int, inout MutableSpan<Float>) -> Void
    ) {
      self.height = height
      self.width = width
      self.objects = objects
      self.writeInput = writeInput
    }
  }

  /// What a step's batches gave.
  public struct Result: Sendable {
    /// The mean over the batches.
    public var loss: DetectionLoss.Values
    /// Anchors that are objects.
    public var objectAnchorCount = 0
    /// Anchors that are ignored.
    public var ignoredAnchorCount = 0
    /// Anchors of all images.
    public var anchorCount = 0
  }

  /// The network being trained, its parameters and their gradients.
  public let network: TrainingNetwork
  /// The detector.
  public let description: ModelDescription
  /// What is minimised.
  public let loss: DetectionLoss
  /// How objects are given to anchors.
  public let matcher: AnchorMatcher

  private let anchors: AnchorGenerator
  /// Of the batches so far, in a step of several.
  private var sum: ParameterSlab?

  /// Creates gradients for a detector with parameters of 0.
  ///
  /// - Parameters:
  ///   - description: the detector.
  ///   - trained: what is trained.
  ///   - loss: what is minimised.
  ///   - matcher: how objects are given to anchors.
  ///   - imagesPerCall: see `TrainingNetwork`.
  ///   - workers: see `TrainingNetwork`.
  ///   - algorithm: see `TrainingNetwork`.
  /// - Throws: `NeuralNetworkError`.
  public init(
    _ description: ModelDescription, trained: TrainedParameters, loss: DetectionLoss = .init(),
    matcher: AnchorMatcher = .init(), imagesPerCall: Int = 1, workers: Int,
    algorithm: ConvolutionAlgorithm = .winograd
  ) throws(NeuralNetworkError) {
    let graph = description.makeNetwork()
    network = try TrainingNetwork(
      graph, trained: trained.names(in: graph), imagesPerCall: imagesPerCall, workers: workers,
      algorithm: algorithm)
    self.description = description
    self.loss = loss
    self.matcher = matcher
    anchors = AnchorGenerator(description)
  }

  /// Computes the loss of a step and leaves its gradients, the mean over the step's batches, in `network.gradients`.
  ///
  /// - Parameter batches: at least one; each a multiple of `imagesPerCall` images.
  /// - Returns: the losses; not finite where the network's outputs are not.
  /// - Throws: `NeuralNetworkError`.
  public func compute(_ batches: [Batch]) throws -> Result {
    let targets = batches.map { BatchTargets($0.objects, grid: grid($0), matcher: matcher) }
    let weights = loss.imageWeights(objectCounts: targets.map(\.objectCounts))
    let part = 1 / Double(batches.count)
    var result = Result(loss: .init())
    for (index, batch) in batches.enumerated() {
      let values = try compute(batch, targets[index], weights[index])
      result.loss.classification += part * values.reduce(0) { $0 + $1.classification }
      result.loss.box += part * values.reduce(0) { $0 + $1.box }
      result.objectAnchorCount += targets[index].objectCounts.reduce(0, +)
      result.ignoredAnchorCount += targets[index].images.reduce(0) { $0 + $1.ignoredAnchors.count }
      result.anchorCount += targets[index].grid.count * batch.objects.count
      if batches.count > 1 { try gather(Float(part), isFirst: index == 0) }
    }
    if batches.count > 1, let sum { _ = network.gradients.numbers.update(from: sum.numbers) }
    return result
  }

  private func grid(_ batch: Batch) -> AnchorGrid {
    let sizes = network.graph.outputSizes(height: batch.height, width: batch.width)
    return anchors.grid(
      paddedHeight: batch.height, paddedWidth: batch.width,
      gridSizes: Array(sizes.prefix(description.anchors.sizes.count)))
  }

  /// Adds a part of a batch's gradients to the step's.
  private func gather(_ part: Float, isFirst: Bool) throws {
    let sum = if let known = sum { known } else { try ParameterSlab(network.parameters.layout) }
    self.sum = sum
    if isFirst { sum.numbers.update(repeating: 0) }
    let (numbers, sums) = (network.gradients.numbers, sum.numbers)
    for index in sums.indices { sums[index] += part * numbers[index] }
  }

  /// Each image's share of a batch's loss.
  private func compute(
    _ batch: Batch, _ targets: BatchTargets, _ weights: [Double]
  ) throws -> [DetectionLoss.Values] {
    let loss = loss
    let coder = description.conventions.boxes
    return try network.computeGradients(
      imageCount: batch.objects.count, height: batch.height, width: batch.width,
      writeInput: batch.writeInput,
      loss: { image, outputs, gradients in
        loss.evaluate(
          outputs, &gradients, targets: targets.images[image], grid: targets.grid, coder: coder,
          imageWeight: weights[image], imageCount: targets.images.count)
      })
  }
}

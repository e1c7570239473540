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
    public var writeInput: @Sendable (Int, UnsafeMutableBufferPointer<Float>) -> Void

    /// Creates a batch from its parts.
    public init(
      height: Int, width: Int, objects: [[LabelledBox]],
      writeInput: @escaping @Sendable (Int, UnsafeMutableBufferPointer<Float>) -> Void
    ) {
      self.height = height
      self.width = width
      self.objects = objects
      self.writeInput = writeInput
    }
  }

  /// What a batch gave.
  public struct Result: Sendable {
    /// The batch's loss.
    public var loss: DetectionLoss.Values
    /// Each image's share of it.
    public var imageLosses: [DetectionLoss.Values]
    /// Anchors of each image that are objects.
    public var objectAnchorCounts: [Int]
    /// Anchors of each image that are ignored.
    public var ignoredAnchorCounts: [Int]
    /// Anchors of each image.
    public var anchorCount: Int
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
    anchors = AnchorGenerator(
      sizes: description.anchors.sizes, aspectRatios: description.anchors.aspectRatios)
  }

  /// Computes a batch's loss and leaves its gradients in `network.gradients`.
  ///
  /// - Parameter batch: a multiple of `imagesPerCall` images.
  /// - Returns: the losses; not finite where the network's outputs are not.
  /// - Throws: `NeuralNetworkError`.
  public func compute(_ batch: Batch) throws -> Result {
    let levelCount = description.anchors.sizes.count
    let grid = anchors.grid(
      paddedHeight: batch.height, paddedWidth: batch.width,
      gridSizes: Array(
        network.graph.outputSizes(height: batch.height, width: batch.width).prefix(levelCount)))
    let targets = BatchTargets(batch.objects, grid: grid, matcher: matcher)
    let weights = loss.imageWeights(objectCounts: targets.objectCounts)
    let loss = loss
    let values = try network.computeGradients(
      imageCount: batch.objects.count, height: batch.height, width: batch.width,
      writeInput: batch.writeInput,
      loss: { image, outputs, gradients in
        let levels = (0..<levelCount).map { level in
          DetectionLoss.Level(
            logits: outputs[level], deltas: outputs[levelCount + level],
            logitGradient: gradients[level], deltaGradient: gradients[levelCount + level])
        }
        return loss.evaluate(
          levels, targets: targets.images[image], grid: grid, imageWeight: weights[image],
          imageCount: targets.images.count)
      })
    return Result(
      loss: DetectionLoss.Values(
        classification: values.reduce(0) { $0 + $1.classification },
        box: values.reduce(0) { $0 + $1.box }),
      imageLosses: values, objectAnchorCounts: targets.objectCounts,
      ignoredAnchorCounts: targets.images.map(\.ignoredAnchors.count), anchorCount: grid.count)
  }
}

import BoxGeometry
import NeuralNetwork

/// The loss of a detector's outputs for one image: class loss over the anchors, box loss over those that are
/// objects, both divided by a number of objects and added.
public struct DetectionLoss: Equatable, Sendable {
  /// What the sums over a step's images are divided by.
  public enum Normalization: String, CaseIterable, Equatable, Sendable {
    /// Each image's by its own number of object anchors, at least 1; the mean over images (the paper's section
    /// 4.1, torchvision). A picture without objects then weighs as much as its anchors are many.
    case image
    /// The step's, all its batches together, by their number of object anchors, at least 1 (Detectron).
    case batch
  }

  /// An image's share of the loss.
  public struct Values: Equatable, Sendable {
    /// Of the class subnet.
    public var classification: Double
    /// Of the box subnet, with its weight.
    public var box: Double
    /// What is minimised.
    public var total: Double { classification + box }

    /// Creates values from their parts.
    public init(classification: Double = 0, box: Double = 0) {
      self.classification = classification
      self.box = box
    }
  }

  /// Of each logit.
  public var classification: ClassificationLoss
  /// Which anchors take part in it. Mined ones are divided by their number, not by that of the objects.
  public var examples: ExampleSelection
  /// Of each object's deltas.
  public var box: BoxLoss
  /// What the box loss is multiplied by.
  public var boxWeight: Double
  /// What the sums over a step's images are divided by.
  public var normalization: Normalization

  /// Creates a loss; the defaults are torchvision's for its first RetinaNet.
  public init(
    classification: ClassificationLoss = .focal(), examples: ExampleSelection = .all,
    box: BoxLoss = .l1, boxWeight: Double = 1, normalization: Normalization = .image
  ) {
    self.classification = classification
    self.examples = examples
    self.box = box
    self.boxWeight = boxWeight
    self.normalization = normalization
  }

  /// What each image's sums are multiplied by, in a step that takes the mean over batches.
  ///
  /// - Parameter objectCounts: object anchors of each image of each batch.
  /// - Returns: a factor per image of each batch.
  public func imageWeights(objectCounts: [[Int]]) -> [[Double]] {
    let total = max(1, objectCounts.joined().reduce(0, +))
    return objectCounts.map { batch in
      batch.map { count in
        switch normalization {
        case .image: 1 / (Double(max(1, count)) * Double(batch.count))
        case .batch: Double(objectCounts.count) / Double(total)
        }
      }
    }
  }

  /// Loss and gradients of one image.
  ///
  /// - Parameters:
  ///   - outputs: class logits of all levels, P3 first, channel = anchor * classes + class; then box deltas of all
  ///     levels, channel = anchor * 4 + one of dx, dy, dw, dh.
  ///   - gradients: memory for the gradient by each; all of it is written.
  ///   - targets: what the anchors are trained to say.
  ///   - grid: the anchors.
  ///   - coder: what the deltas mean.
  ///   - imageWeight: its factor of `imageWeights(objectCounts:)`.
  ///   - imageCount: images of the batch, over which mined examples are averaged.
  /// - Returns: the image's share of the batch's loss; NaN or infinity where the outputs have any.
  public func evaluate(
    _ outputs: BlockedImages, _ gradients: inout MutableBlockedImages, targets: ImageTargets,
    grid: AnchorGrid, coder: BoxCoder = .init(), imageWeight: Double, imageCount: Int
  ) -> Values {
    precondition(
      grid.count == targets.anchorCount,
      "\(targets.anchorCount) anchors for a grid of \(grid.count)")
    let places = OutputPlaces(outputs, grid)
    var classificationWeight = imageWeight
    if let picked = examples.pick(
      losses: examples == .all ? [] : places.anchorLosses(classification, targets, outputs),
      targets: targets, anchors: examples == .all ? [] : grid.makeAnchors())
    {
      places.writeLabels(targets, only: picked, &gradients)
      classificationWeight = 1 / (Double(max(1, picked.count)) * Double(imageCount))
    } else {
      places.writeLabels(targets, &gradients)
    }
    var values = Values()
    for level in grid.levels.indices {
      var labels = gradients[level].numbers
      values.classification += classification.evaluate(
        outputs[level].numbers, labels: &labels, scale: classificationWeight)
      gradients[grid.levels.count + level].fill(0)
    }
    values.classification *= classificationWeight
    for object in targets.objects {
      let place = places[object.anchorIndex]
      let (value, gradient) = box.evaluate(
        place.deltas(outputs), anchor: grid.anchor(at: object.anchorIndex), target: object.box,
        coder: coder)
      values.box += value
      place.write(deltaGradient: imageWeight * boxWeight * gradient, &gradients)
    }
    values.box *= imageWeight * boxWeight
    return values
  }
}

import Digests
import NeuralNetwork
import RetinaNetModel

/// What a training's weights follow from, as a digest that its state keeps.
///
/// The digest is of names and values that are written out here, and of no type's or field's own name: those may change.
/// A field that is added gets its line where it is not at its default only, so that the states of before stay good; where
/// a value begins to mean something else, the version has to rise.
enum TrainingFingerprint {
  /// Of the list of fields.
  static let version = 1

  /// - Parameters:
  ///   - configuration: what is chosen; how the training runs (threads, intervals) does not count.
  ///   - training: what is learnt.
  ///   - validation: what it is measured on: which model is the best follows from it.
  /// - Returns: 64 hexadecimal digits.
  static func digest(
    _ configuration: TrainingConfiguration, _ training: TrainingDataset,
    _ validation: TrainingDataset?
  ) -> String {
    var digest = SHA256Digest()
    digest.update("fields \(version)\n")
    for field in configuration.fields { digest.update("\(field.name) = \(field.value)\n") }
    digest.update(
      "instruction set = \(InstructionSet.effective?.rawValue ?? "none")\n"
        + Engine.arithmetic.map { "\($0)\n" }.joined())
    for (name, dataset) in [("training", training), ("validation", validation)] {
      guard let dataset else { continue }
      for image in dataset.images { digest.update(line(image, of: name)) }
    }
    return digest.hexadecimal()
  }

  static func line(_ image: TrainingDataset.Image, of dataset: String) -> String {
    let objects = image.objects.map {
      "\($0.classIndex) [\($0.box.minX), \($0.box.minY), \($0.box.maxX), \($0.box.maxY)]"
    }
    return "\(dataset): \(image.path) \(objects.joined(separator: "; "))\n"
  }
}

extension TrainingConfiguration {
  /// Everything but how it runs.
  var fields: [(name: String, value: String)] {
    func text(_ value: Double?) -> String { value.map { "\($0)" } ?? "none" }
    return description.fields + [
      ("frozen stages", "\(trained.frozenStages)"), ("batch norm", trained.batchNorm.rawValue),
      ("class loss", loss.classification.words), ("examples", loss.examples.words),
      ("box loss", loss.box.words), ("box weight", "\(loss.boxWeight)"),
      ("normalization", loss.normalization.rawValue),
      ("match from", "\(matcher.highThreshold)"), ("ignore from", "\(matcher.lowThreshold)"),
      ("low quality matches", "\(matcher.allowsLowQualityMatches)"), ("prior", text(prior)),
      ("rule", rule.words), ("weight decay", "\(weightDecay)"),
      ("norm weight decay", normWeightDecay.map { "\($0)" } ?? "none"),
      ("rate", "\(schedule.base)"), ("rate shape", schedule.shape.words),
      ("warm-up", "\(schedule.warmUp) from \(schedule.warmUpFactor)"),
      ("iterations", "\(schedule.iterations)"), ("clip norm", text(clipNorm)),
      ("average decay", text(averageDecay)), ("statistics momentum", "\(statisticsMomentum)"),
      ("batch size", "\(batchSize)"), ("accumulation", "\(accumulation)"),
      ("images per call", "\(imagesPerCall)"),
      ("sizes", sizes.map { "\($0)" }.joined(separator: " ")),
      ("flip", "\(augmentation.flip)"), ("quarter turns", "\(augmentation.quarterTurns)"),
      ("crop", "\(augmentation.crop) from \(augmentation.smallestCrop)"),
      ("brightness", "\(augmentation.brightness)"), ("contrast", "\(augmentation.contrast)"),
      ("saturation", "\(augmentation.saturation)"),
      ("scale", "\(augmentation.scale.lowerBound) to \(augmentation.scale.upperBound)"),
      ("seed", "\(seed)"), ("algorithm", algorithm == .direct ? "direct" : "winograd"),
    ]
  }
}

extension ModelDescription {
  /// All of it.
  fileprivate var fields: [(name: String, value: String)] {
    func list<Element>(_ elements: [Element]) -> String {
      elements.map { "\($0)" }.joined(separator: " ")
    }
    let labels = classes.map { label in label.map { "\($0.utf8.count):\($0)" } ?? "none" }
    let thresholds = postprocessing.classThresholds.sorted { $0.key < $1.key }
    var added: [(name: String, value: String)] = []
    if architecture.groups != 1 { added.append(("groups", "\(architecture.groups)")) }
    if let width = architecture.groupWidth { added.append(("group width", "\(width)")) }
    if conventions.network.strideIn1x1 { added.append(("stride", "in the 1x1")) }
    if postprocessing.classAgnosticNMS { added.append(("suppression", "between classes")) }
    added += conventions.unusual
    return added + [
      ("backbone", architecture.backbone.rawValue), ("base width", "\(architecture.baseWidth)"),
      ("norm epsilon", "\(conventions.network.normEpsilon)"),
      ("pyramid channels", "\(architecture.pyramidChannels)"),
      ("p6 source", conventions.network.p6Source.rawValue),
      ("head depth", "\(architecture.headDepth)"),
      ("head norm", architecture.headNorm.rawValue), ("classes", list(labels)),
      ("shorter side", "\(preprocessing.minSize)"), ("longer side", "\(preprocessing.maxSize)"),
      ("mean", list(conventions.input.mean)),
      ("standard deviation", list(conventions.input.standardDeviation)),
      ("anchor sizes", anchors.sizes.map { list($0.map(Anchors.text)) }.joined(separator: ", ")),
      ("anchor ratios", list(anchors.aspectRatios)),
      ("score threshold", "\(postprocessing.scoreThreshold)"),
      ("class thresholds", list(thresholds.map { "\($0.key.utf8.count):\($0.key) \($0.value)" })),
      ("candidates", "\(postprocessing.candidatesPerLevel)"),
      ("nms threshold", "\(postprocessing.nmsThreshold)"),
      ("detections", "\(postprocessing.detectionsPerImage)"),
    ]
  }
}

extension ClassificationLoss {
  fileprivate var words: String {
    func text(_ alpha: Double?) -> String { "alpha \(alpha.map { "\($0)" } ?? "none")" }
    return switch self {
    case .crossEntropy(let alpha): "cross-entropy \(text(alpha))"
    case .focal(let gamma, let alpha): "focal gamma \(gamma) \(text(alpha))"
    case .focalStar(let gamma, let beta, let alpha):
      "focal-star gamma \(gamma) beta \(beta) \(text(alpha))"
    }
  }
}

extension ExampleSelection {
  fileprivate var words: String {
    switch self {
    case .all: "all"
    case .hardest(let count, let nmsThreshold, let keepsOneToThree):
      "hardest \(count) nms \(nmsThreshold) one-to-three \(keepsOneToThree)"
    }
  }
}

extension BoxLoss {
  fileprivate var words: String {
    switch self {
    case .l1: "l1"
    case .smoothL1(let beta): "smooth-l1 beta \(beta)"
    case .giou: "giou"
    }
  }
}

extension Optimizer.Rule {
  fileprivate var words: String {
    switch self {
    case .sgd(let momentum): "sgd momentum \(momentum)"
    case .adamW(let beta1, let beta2, let epsilon):
      "adamw beta1 \(beta1) beta2 \(beta2) epsilon \(epsilon)"
    }
  }
}

extension LearningRateSchedule.Shape {
  fileprivate var words: String {
    switch self {
    case .steps(let iterations, let factor):
      "steps at \(iterations.map { "\($0)" }.joined(separator: " ")) factor \(factor)"
    case .cosine(let final): "cosine to \(final)"
    }
  }
}

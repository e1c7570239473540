import ArgumentParser
import Training

/// What is minimised.
struct TrainLossOptions: ParsableArguments {
  /// The word for a class loss, or for a choice of examples with one.
  enum Kind: String, CaseIterable {
    case focal
    case crossEntropy = "cross-entropy"
    case focalStar = "focal-star"
    case ohem
  }

  /// The word for a box loss.
  enum BoxKind: String, CaseIterable {
    case l1
    case smoothL1 = "smooth-l1"
    case giou
  }

  @Option(
    help: ArgumentHelp(
      "focal, cross-entropy, focal-star or ohem (cross entropy of the hardest). (default: focal)",
      valueName: "name"), transform: OptionValue.choice)
  var loss: Kind?

  @Option(
    help: ArgumentHelp("Of focal and focal-star. (default: 2)", valueName: "x"),
    transform: TrainOptionValue.nonNegative)
  var gamma: Double?

  @Option(
    help: ArgumentHelp(
      "Weight of objects, 1 less it that of background; none: both 1. "
        + "(default: 0.25, of cross-entropy and ohem none)", valueName: "x|none"),
    transform: TrainOptionValue.fractionOrNone)
  var alpha: TrainOptionValue.FractionOrNone?

  @Option(
    help: ArgumentHelp("Of focal-star. (default: 1)", valueName: "x"),
    transform: TrainOptionValue.nonNegative)
  var beta: Double?

  @Option(
    help: ArgumentHelp(
      "Score that a new class head starts with; none: 0.5. (default: 0.01)", valueName: "x|none"),
    transform: TrainOptionValue.fractionOrNone)
  var prior: TrainOptionValue.FractionOrNone?

  @Option(
    help: ArgumentHelp("Examples of an image that ohem keeps. (default: 128)", valueName: "n"),
    transform: OptionValue.positiveCount)
  var ohemBatch: Int?

  @Option(
    help: ArgumentHelp(
      "Overlap above which ohem drops the easier. (default: 0.5)", valueName: "iou"),
    transform: OptionValue.fraction)
  var ohemNms: Double?

  @Flag(help: "ohem keeps one object for three of background.")
  var ohemOneToThree = false

  @Option(
    help: ArgumentHelp("l1, smooth-l1 or giou. (default: l1)", valueName: "name"),
    transform: OptionValue.choice)
  var boxLoss: BoxKind?

  @Option(
    help: ArgumentHelp("Of smooth-l1. (default: 0.11)", valueName: "x"),
    transform: OptionValue.rate)
  var boxBeta: Double?

  @Option(
    help: ArgumentHelp("What the box loss is multiplied by. (default: 1)", valueName: "x"),
    transform: OptionValue.rate)
  var boxWeight: Double?

  @Option(
    help: ArgumentHelp(
      "What losses are divided by: each image's objects, or the batch's. (default: image)",
      valueName: "image|batch"), transform: OptionValue.choice)
  var normalization: DetectionLoss.Normalization?

  mutating func fill(from file: some OptionSource) throws {
    try file.fill(&loss, "loss", OptionValue.choice)
    try file.fill(&gamma, "gamma", TrainOptionValue.nonNegative)
    try file.fill(&alpha, "alpha", TrainOptionValue.fractionOrNone)
    try file.fill(&beta, "beta", TrainOptionValue.nonNegative)
    try file.fill(&prior, "prior", TrainOptionValue.fractionOrNone)
    try file.fill(&ohemBatch, "ohem-batch", OptionValue.positiveCount)
    try file.fill(&ohemNms, "ohem-nms", OptionValue.fraction)
    try file.fill(&ohemOneToThree, "ohem-one-to-three")
    try file.fill(&boxLoss, "box-loss", OptionValue.choice)
    try file.fill(&boxBeta, "box-beta", OptionValue.rate)
    try file.fill(&boxWeight, "box-weight", OptionValue.rate)
    try file.fill(&normalization, "normalization", OptionValue.choice)
  }

  /// The loss that these options describe.
  var detectionLoss: DetectionLoss {
    let kind = loss ?? .focal
    let isPlain = kind == .crossEntropy || kind == .ohem
    let alpha: Double? = if let alpha { alpha.value } else { isPlain ? nil : 0.25 }
    let classification: ClassificationLoss =
      switch kind {
      case .focal: .focal(gamma: gamma ?? 2, alpha: alpha)
      case .focalStar: .focalStar(gamma: gamma ?? 2, beta: beta ?? 1, alpha: alpha)
      case .crossEntropy, .ohem: .crossEntropy(alpha: alpha)
      }
    let box: BoxLoss =
      switch boxLoss ?? .l1 {
      case .l1: .l1
      case .smoothL1: .smoothL1(beta: boxBeta ?? 0.11)
      case .giou: .giou
      }
    return DetectionLoss(
      classification: classification,
      examples: kind == .ohem
        ? .hardest(
          count: ohemBatch ?? 128, nmsThreshold: ohemNms ?? 0.5, keepsOneToThree: ohemOneToThree)
        : .all, box: box, boxWeight: boxWeight ?? 1, normalization: normalization ?? .image)
  }

  /// The score that a new class head starts with.
  var chosenPrior: Double? {
    if let prior { prior.value } else { 0.01 }
  }
}

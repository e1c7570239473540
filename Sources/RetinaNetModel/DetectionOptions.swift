import BoxGeometry
import Failures

/// What of a network's outputs becomes a detection: the choices a user has for each run, over a model's defaults.
public struct DetectionOptions: Equatable, Sendable {
  /// Detections must score above this (strictly). nil: the model's threshold, with its per-class thresholds.
  public var scoreThreshold: Float?
  /// Thresholds of single labels, over all others.
  public var classThresholds: [String: Float]
  /// Only these labels are looked for: the others take no part in anything. nil: all.
  public var classes: Set<String>?
  /// IoU above which the lesser of two boxes goes. nil: the model's.
  public var nmsThreshold: Double?
  /// Whether boxes of different classes suppress each other. nil: as the model has it.
  public var classAgnosticNMS: Bool?
  /// At most this many detections per picture. nil: the model's.
  public var maxDetections: Int?
  /// Of each level, this many best-scoring (anchor, class) pairs go on to suppression. nil: the model's.
  public var candidatesPerLevel: Int?
  /// Pixels that the shorter side of a picture is brought to. nil: the model's.
  public var shorterSide: Int?
  /// Bound of the longer side. nil: the model's, in proportion to `shorterSide` if that is given.
  public var longerSide: Int?
  /// Looking at large pictures in parts. nil: as a whole. Without `maxDetections`, the model's limit then holds for each
  /// part, and there is none for the picture.
  public var tiling: Tiling?
  /// Whether the mirror image (left and right exchanged) is looked at as well; what both show is suppressed by
  /// `nmsThreshold`.
  public var flip: Bool
  /// Lowering scores of overlapping boxes instead of dropping them. nil: dropping.
  public var softNMS: SoftNMS?

  /// The two forms of soft suppression (Bodla et al. 2017).
  public enum SoftNMS: Equatable, Sendable {
    /// Times 1 - IoU, above `nmsThreshold`.
    case linear
    /// Times exp(-IoU² / sigma); 0.5 in the paper.
    case gaussian(sigma: Double)
  }

  /// Creates options; the defaults are the model's.
  public init(
    scoreThreshold: Float? = nil, classThresholds: [String: Float] = [:],
    classes: Set<String>? = nil, nmsThreshold: Double? = nil, classAgnosticNMS: Bool? = nil,
    maxDetections: Int? = nil, candidatesPerLevel: Int? = nil, shorterSide: Int? = nil,
    longerSide: Int? = nil, tiling: Tiling? = nil, flip: Bool = false, softNMS: SoftNMS? = nil
  ) {
    self.scoreThreshold = scoreThreshold
    self.classThresholds = classThresholds
    self.classes = classes
    self.nmsThreshold = nmsThreshold
    self.classAgnosticNMS = classAgnosticNMS
    self.maxDetections = maxDetections
    self.candidatesPerLevel = candidatesPerLevel
    self.shorterSide = shorterSide
    self.longerSide = longerSide
    self.tiling = tiling
    self.flip = flip
    self.softNMS = softNMS
  }
}

/// A label that the model does not have.
public struct UnknownLabelError: ClassifiedError, Equatable, Sendable {
  /// What was asked for.
  public let label: String
  /// What there is.
  public let labels: [String]

  /// The kind.
  public var kind: FailureKind { .usage }

  /// One line that lists the model's labels.
  public var description: String {
    "the model has no class '\(label)'; it has: \(labels.joined(separator: ", "))"
  }
}

extension DetectionOptions {
  /// Finds labels that a model does not have and sizes that it cannot take, before anything is done with it.
  ///
  /// - Parameter description: the model.
  /// - Returns: the model with the sizes that these options ask for.
  /// - Throws: `UnknownLabelError`, `InputSizeError`.
  @discardableResult
  public func applied(to description: ModelDescription) throws -> ModelDescription {
    _ = try OutputSelection(self, for: description)
    return try description.withInputSize(shorter: shorterSide, longer: longerSide)
  }
}

/// The options of a run, resolved against a model: a number for everything.
struct OutputSelection: Sendable {
  /// By column of the class head; infinity for a column that is not looked for.
  let scoreThresholds: [Float]
  let nmsThreshold: Double
  let classAgnosticNMS: Bool
  /// Of one look at a picture.
  let maxDetections: Int
  /// Of the picture.
  let pictureLimit: Int
  let candidatesPerLevel: Int
  /// nil where overlapping boxes are dropped.
  let scoreDecay: ScoreDecay?

  init(
    _ options: DetectionOptions, for description: ModelDescription
  ) throws(UnknownLabelError) {
    let defaults = description.postprocessing
    let labels = description.classes.compactMap { $0 }
    for label in options.classThresholds.keys.sorted() + (options.classes ?? []).sorted()
    where !labels.contains(label) {
      throw UnknownLabelError(label: label, labels: labels)
    }
    scoreThresholds = description.classes.map { label in
      guard let label, options.classes?.contains(label) ?? true else { return .infinity }
      return options.classThresholds[label] ?? options.scoreThreshold
        ?? defaults.classThresholds[label] ?? defaults.scoreThreshold
    }
    nmsThreshold = options.nmsThreshold ?? defaults.nmsThreshold
    classAgnosticNMS = options.classAgnosticNMS ?? defaults.classAgnosticNMS
    // Of several looks each may show all there is to find; which of it stays is known after they are merged.
    let hasSeveralLooks = options.tiling != nil || options.flip
    maxDetections =
      hasSeveralLooks
      ? max(options.maxDetections ?? 0, defaults.detectionsPerImage)
      : options.maxDetections ?? defaults.detectionsPerImage
    pictureLimit =
      options.maxDetections ?? (options.tiling == nil ? defaults.detectionsPerImage : .max)
    scoreDecay =
      switch options.softNMS {
      case nil: nil
      case .linear: .linear(threshold: options.nmsThreshold ?? defaults.nmsThreshold)
      case .gaussian(let sigma): .gaussian(sigma: sigma)
      }
    candidatesPerLevel = options.candidatesPerLevel ?? defaults.candidatesPerLevel
  }
}

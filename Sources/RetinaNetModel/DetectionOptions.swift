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

  /// Creates options; the defaults are the model's.
  public init(
    scoreThreshold: Float? = nil, classThresholds: [String: Float] = [:],
    classes: Set<String>? = nil, nmsThreshold: Double? = nil, classAgnosticNMS: Bool? = nil,
    maxDetections: Int? = nil, candidatesPerLevel: Int? = nil
  ) {
    self.scoreThreshold = scoreThreshold
    self.classThresholds = classThresholds
    self.classes = classes
    self.nmsThreshold = nmsThreshold
    self.classAgnosticNMS = classAgnosticNMS
    self.maxDetections = maxDetections
    self.candidatesPerLevel = candidatesPerLevel
  }
}

/// A label that the model does not have.
public struct UnknownLabelError: Error, Equatable, Sendable, CustomStringConvertible {
  /// What was asked for.
  public let label: String
  /// What there is.
  public let labels: [String]

  /// One line that lists the model's labels.
  public var description: String {
    "the model has no class '\(label)'; it has: \(labels.joined(separator: ", "))"
  }
}

extension DetectionOptions {
  /// Finds labels that a model does not have, before anything is done with it.
  ///
  /// - Parameter description: the model.
  /// - Throws: `UnknownLabelError`.
  public func requireLabels(of description: ModelDescription) throws(UnknownLabelError) {
    _ = try OutputSelection(self, for: description)
  }
}

/// The options of a run, resolved against a model: a number for everything.
struct OutputSelection: Sendable {
  /// By column of the class head; infinity for a column that is not looked for.
  let scoreThresholds: [Float]
  let nmsThreshold: Double
  let classAgnosticNMS: Bool
  let maxDetections: Int
  let candidatesPerLevel: Int

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
    maxDetections = options.maxDetections ?? defaults.detectionsPerImage
    candidatesPerLevel = options.candidatesPerLevel ?? defaults.candidatesPerLevel
  }
}

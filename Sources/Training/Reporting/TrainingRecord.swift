import JSONText

/// What one iteration, or one evaluation, gave: a line of `metrics.jsonl`.
///
///     {"iteration":120,"epoch":2.34,"loss":0.612,"classLoss":0.401,"boxLoss":0.211,"learningRate":0.01,"gradientNorm":1.93,"objectAnchors":214,"ignoredAnchors":388,"anchors":392832,"images":8,"seconds":3.21}
///     {"iteration":120,"AP":0.412,"AP50":0.711,"AP75":0.420,"APsmall":null,...,"classes":{"RBC":0.55},"seconds":9.1}
///
/// Iterations count from 1: the number of those done. A line stands alone; keys are only ever added.
public enum TrainingRecord: Equatable, Sendable {
  /// An iteration.
  case step(Step)
  /// An evaluation.
  case evaluation(Evaluation)

  /// What an iteration gave.
  public struct Step: Equatable, Sendable {
    /// Iterations done, this one included.
    public var iteration: Int
    /// Times that all pictures were seen.
    public var epoch: Double
    /// Loss of the class subnet.
    public var classLoss: Double
    /// Loss of the box subnet.
    public var boxLoss: Double
    /// Step size.
    public var learningRate: Double
    /// The gradient's length before it was clipped.
    public var gradientNorm: Double
    /// Anchors of all images that were objects.
    public var objectAnchors: Int
    /// Anchors of all images that were ignored.
    public var ignoredAnchors: Int
    /// Anchors of all images.
    public var anchors: Int
    /// Images.
    public var images: Int
    /// Time it took.
    public var seconds: Double

    /// What is minimised.
    public var loss: Double { classLoss + boxLoss }
  }

  /// What an evaluation gave.
  public struct Evaluation: Equatable, Sendable {
    /// Iterations done.
    public var iteration: Int
    /// COCO's twelve numbers by name, in their order; nil where there is nothing to measure.
    public var metrics: [(name: String, value: Double?)]
    /// AP of each class.
    public var classes: [(label: String, ap: Double?)]
    /// Time it took.
    public var seconds: Double

    /// AP over the overlaps 0.50 to 0.95; 0 where there is nothing to measure.
    public var ap: Double { (metrics.first { $0.name == "AP" }?.value ?? nil) ?? 0 }
    /// AP at overlap 0.50.
    public var ap50: Double { (metrics.first { $0.name == "AP50" }?.value ?? nil) ?? 0 }

    /// Equal in all numbers.
    public static func == (a: Evaluation, b: Evaluation) -> Bool {
      a.iteration == b.iteration && a.seconds == b.seconds
        && a.metrics.map(\.name) == b.metrics.map(\.name)
        && a.metrics.map(\.value) == b.metrics.map(\.value)
        && a.classes.map(\.label) == b.classes.map(\.label)
        && a.classes.map(\.ap) == b.classes.map(\.ap)
    }
  }

  /// Iterations done.
  public var iteration: Int {
    switch self {
    case .step(let step): step.iteration
    case .evaluation(let evaluation): evaluation.iteration
    }
  }

  /// The line, without its end.
  var line: String {
    switch self {
    case .step(let step):
      let fields: [(String, String)] = [
        ("iteration", "\(step.iteration)"), ("epoch", Self.number(step.epoch)),
        ("loss", Self.number(step.loss)), ("classLoss", Self.number(step.classLoss)),
        ("boxLoss", Self.number(step.boxLoss)), ("learningRate", Self.number(step.learningRate)),
        ("gradientNorm", Self.number(step.gradientNorm)),
        ("objectAnchors", "\(step.objectAnchors)"), ("ignoredAnchors", "\(step.ignoredAnchors)"),
        ("anchors", "\(step.anchors)"), ("images", "\(step.images)"),
        ("seconds", Self.number(step.seconds)),
      ]
      return Self.object(fields)
    case .evaluation(let evaluation):
      let classes = Self.object(
        evaluation.classes.map { ($0.label, $0.ap.map(Self.number) ?? "null") })
      return Self.object(
        [("iteration", "\(evaluation.iteration)")]
          + evaluation.metrics.map { ($0.name, $0.value.map(Self.number) ?? "null") }
          + [("classes", classes), ("seconds", Self.number(evaluation.seconds))])
    }
  }

  /// Six significant digits: what a person compares.
  private static func number(_ value: Double) -> String {
    guard value.isFinite else { return "null" }
    // Below that, the scale would be infinite.
    guard abs(value) > 1e-300 else { return "0" }
    var scale = 1.0
    while abs(value) * scale < 1e5 { scale *= 10 }
    while abs(value) * scale >= 1e6 && scale > 1 { scale /= 10 }
    return "\((value * scale).rounded() / scale)"
  }

  private static func object(_ fields: [(String, String)]) -> String {
    "{" + fields.map { "\(JSON.quoted($0.0)):\($0.1)" }.joined(separator: ",") + "}"
  }
}

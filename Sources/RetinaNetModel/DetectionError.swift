import Failures

/// Why a picture has no detections to report.
public enum DetectionError: ClassifiedError, Equatable, Sendable {
  /// The network gave NaN or infinity: overflow inside it, mostly because of damaged weights.
  case nonFiniteOutput(what: String, level: Int)

  /// The kind.
  public var kind: FailureKind { .unusableInput }

  /// One line: what, where.
  public var description: String {
    switch self {
    case .nonFiniteOutput(let what, let level):
      "the network's \(what) of level P\(level) are not finite: the model's weights do not fit "
        + "or are damaged"
    }
  }
}

import DetectionRecords
import Drawing

/// Which detections count.
public struct DetectionSelection: Equatable, Sendable {
  /// The least score; nil for all.
  public var scoreThreshold: Double?
  /// The only classes; nil for all.
  public var classes: Set<String>?

  /// Names both.
  public init(scoreThreshold: Double? = nil, classes: Set<String>? = nil) {
    self.scoreThreshold = scoreThreshold
    self.classes = classes
  }

  /// What counts of a record; nil for a frame that was not looked at.
  func annotations(of record: FrameRecord, labels: [String]) -> [Annotation]? {
    guard case .detections(let detections) = record.outcome else { return nil }
    return detections.compactMap { detection in
      let label = labels[detection.classIndex]
      if let scoreThreshold, detection.score < scoreThreshold { return nil }
      if let classes, !classes.contains(label) { return nil }
      return Annotation(
        box: AnnotatedBox(
          x: detection.x, y: detection.y, width: detection.width, height: detection.height),
        label: label, score: detection.score)
    }
  }
}

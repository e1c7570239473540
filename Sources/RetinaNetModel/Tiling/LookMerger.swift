import BoxGeometry

/// Puts together what several looks at one picture have found.
package struct LookMerger: Sendable {
  /// How overlap is counted.
  package var measure: OverlapMeasure
  /// Overlap above which the lesser detection goes.
  package var threshold: Double
  /// Whether detections of different classes suppress each other.
  package var isClassAgnostic: Bool
  /// Whether detections of one look are left to stand beside each other: soft suppression has kept and lowered them on
  /// purpose, and to suppress them here would undo it.
  package var sparesOneLook: Bool

  package init(
    measure: OverlapMeasure, threshold: Double, isClassAgnostic: Bool, sparesOneLook: Bool
  ) {
    self.measure = measure
    self.threshold = threshold
    self.isClassAgnostic = isClassAgnostic
    self.sparesOneLook = sparesOneLook
  }

  /// Merges detections whose boxes are in one frame.
  ///
  /// - Parameters:
  ///   - looks: what each look found, their anchor indices such that no two detections have the same.
  ///   - limit: at most this many are returned.
  /// - Returns: by falling score, then class, then anchor.
  package func merge(_ looks: [[Detection]], limit: Int = .max) -> [Detection] {
    var candidates = looks.enumerated().flatMap { look, found in
      found.map { (detection: $0, look: look) }
    }
    candidates.sort { $0.detection.precedes($1.detection) }
    return mergingSuppression(
      boxes: candidates.map(\.detection.box), scores: candidates.map(\.detection.score),
      classIndices: isClassAgnostic ? nil : candidates.map(\.detection.classIndex),
      looks: sparesOneLook ? candidates.map(\.look) : nil, measure: measure,
      threshold: threshold, limit: limit
    ).map { candidates[$0].detection }
  }
}

extension Detection {
  /// The documented order: falling score, then class, then anchor.
  func precedes(_ other: Detection) -> Bool {
    (other.score, classIndex, anchorIndex) < (score, other.classIndex, other.anchorIndex)
  }
}

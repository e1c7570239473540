import RetinaNetModel

/// How detections of the same pictures by two forms of a model differ.
struct DetectionChange: Equatable, Sendable {
  /// Pictures compared.
  private(set) var pictures = 0
  /// What the first form found.
  private(set) var expected = 0
  /// Of these, what the other found as well: the same class, boxes that overlap by at least half.
  private(set) var found = 0
  /// What only the other found.
  private(set) var added = 0
  private var scoreDifferences = 0.0
  private var overlaps = 0.0

  /// Least IoU of two boxes of one object.
  private static let overlap: Float = 0.5

  /// Compares what was found in one picture, best scores first: each takes the box that overlaps it most.
  mutating func add(_ first: [Detection], _ second: [Detection]) {
    pictures += 1
    expected += first.count
    var left = second
    for detection in first {
      let overlaps = left.indices.map { index in
        left[index].classIndex == detection.classIndex
          ? left[index].box.intersectionOverUnion(detection.box) : 0
      }
      guard let best = overlaps.indices.max(by: { overlaps[$0] < overlaps[$1] }),
        overlaps[best] >= Self.overlap
      else { continue }
      found += 1
      scoreDifferences += Double((left[best].score - detection.score).magnitude)
      self.overlaps += Double(overlaps[best])
      left.remove(at: best)
    }
    added += left.count
  }

  /// The mean difference of the scores of what both found; nil where there is nothing.
  var meanScoreDifference: Double? { found > 0 ? scoreDifferences / Double(found) : nil }
  /// The mean IoU of the boxes of what both found; nil where there is nothing.
  var meanOverlap: Double? { found > 0 ? overlaps / Double(found) : nil }
}

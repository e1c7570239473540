/// Suppression as its definition reads, one pair at a time: what the fast form is tested against.
///
/// - Parameters:
///   - boxes: corners in any one frame.
///   - scores: one per box, none NaN.
///   - classIndices: boxes of different classes never meet; nil for suppression across classes.
///   - threshold: IoU above which the lesser box goes.
/// - Returns: indices of the kept boxes by falling score, equal scores in the order they came.
/// - Complexity: O(n * n).
func nonMaximumSuppressionReference(
  boxes: [Box], scores: [Float], classIndices: [Int]? = nil, threshold: Double
) -> [Int] {
  let order = scores.indices.sorted {
    scores[$0] != scores[$1] ? scores[$0] > scores[$1] : $0 < $1
  }
  var isSuppressed = Array(repeating: false, count: boxes.count)
  var kept: [Int] = []
  for (rank, index) in order.enumerated() where !isSuppressed[index] {
    kept.append(index)
    for other in order[(rank + 1)...] {
      if let classIndices, classIndices[other] != classIndices[index] { continue }
      if Double(boxes[index].intersectionOverUnion(boxes[other])) > threshold {
        isSuppressed[other] = true
      }
    }
  }
  return kept
}

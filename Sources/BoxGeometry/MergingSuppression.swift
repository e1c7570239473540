/// Suppression among what several looks at one picture have found: at its tiles, at its mirror image.
///
/// Boxes are visited by falling score, equal ones in the order they came; a box goes where a kept one of its class
/// overlaps it by more than the threshold. Torchvision's `nms` on all of them class by class, where `measure` is `iou`.
///
/// - Parameters:
///   - boxes: corners in the picture's frame.
///   - scores: one per box.
///   - classIndices: boxes of different classes never meet; nil for suppression across classes.
///   - looks: from which look each box is; then boxes of one look do not suppress each other, whose own suppression has
///     kept them side by side. nil: they do.
///   - measure: how overlap is counted.
///   - threshold: overlap above which the lesser box goes, 0...1.
///   - limit: stops after this many kept boxes.
/// - Returns: indices of the kept boxes by falling score.
/// - Complexity: O(n log n + n * kept of one class).
public func mergingSuppression(
  boxes: [Box], scores: [Float], classIndices: [Int]?, looks: [Int]? = nil,
  measure: OverlapMeasure, threshold: Double, limit: Int = .max
) -> [Int] {
  precondition(
    boxes.count == scores.count && boxes.count == classIndices?.count ?? boxes.count
      && boxes.count == looks?.count ?? boxes.count,
    "\(boxes.count) boxes with \(scores.count) scores")
  // By class, then by look.
  var kept: [Int: [Int: KeptBoxes]] = [:]
  var result: [Int] = []
  for index in indicesByFallingScore(scores) {
    if result.count >= limit { break }
    let classIndex = classIndices?[index] ?? 0
    let look = looks?[index] ?? 0
    let isSuppressed = kept[classIndex]?.contains { other, rivals in
      (looks == nil || other != look) && rivals.overlaps(boxes[index])
    }
    if isSuppressed ?? false { continue }
    kept[classIndex, default: [:]][look, default: KeptBoxes(threshold: threshold, measure: measure)]
      .append(boxes[index])
    result.append(index)
  }
  return result
}

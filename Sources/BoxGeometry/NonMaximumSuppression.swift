/// Drops every box that overlaps a better-scored, kept box by more than a threshold, whatever its class
/// (torchvision `ops.nms`, `csrc/ops/cpu/nms_kernel.cpp`).
///
/// Boxes are visited by falling score; equal scores in the order they came, so a caller that passes them by
/// falling score, then class, then anchor gets its own order back. NaN scores come first, as torch sorts them. A box
/// is dropped when its IoU with a kept one is *greater* than the threshold; an IoU of NaN (boxes without area,
/// NaN corners) drops nothing.
///
/// - Parameters:
///   - boxes: corners in any one frame.
///   - scores: one per box.
///   - threshold: IoU above which the lesser box goes. A Double, compared with float32 IoUs exactly as
///     torchvision's kernel does: 0.3 here is not Float(0.3).
///   - limit: stops after this many kept boxes; the result is the beginning of the unlimited one.
/// - Returns: indices of the kept boxes by falling score.
/// - Complexity: O(n log n + n * kept); 5000 boxes that overlap little take a few milliseconds.
public func nonMaximumSuppression(
  boxes: [Box], scores: [Float], threshold: Double, limit: Int = .max
) -> [Int] {
  precondition(
    boxes.count == scores.count, "\(boxes.count) boxes with \(scores.count) scores")
  var kept = KeptBoxes(threshold: threshold)
  var result: [Int] = []
  for index in indicesByFallingScore(scores) {
    if result.count >= limit { break }
    if kept.insert(boxes[index]) { result.append(index) }
  }
  return result
}

/// As `nonMaximumSuppression(boxes:scores:threshold:limit:)`, with boxes dropped only by boxes of their own class,
/// on the coordinates as they are.
///
/// This is what every detector means by class-wise NMS; what they do is `ClassSeparation`.
///
/// - Parameters:
///   - boxes: corners in any one frame.
///   - scores: one per box.
///   - classIndices: column of the class head per box, 0 or more, not much larger than the number of classes.
///   - threshold: IoU above which the lesser box goes.
///   - limit: stops after this many kept boxes over all classes.
/// - Returns: indices of the kept boxes by falling score.
/// - Complexity: O(n log n + n * kept of one class).
public func classwiseNonMaximumSuppression(
  boxes: [Box], scores: [Float], classIndices: [Int], threshold: Double, limit: Int = .max
) -> [Int] {
  precondition(
    boxes.count == scores.count && boxes.count == classIndices.count,
    "\(boxes.count) boxes with \(scores.count) scores and \(classIndices.count) classes")
  guard let highestClass = classIndices.max() else { return [] }
  var kept = Array(repeating: KeptBoxes(threshold: threshold), count: highestClass + 1)
  var result: [Int] = []
  for index in indicesByFallingScore(scores) {
    if result.count >= limit { break }
    if kept[classIndices[index]].insert(boxes[index]) { result.append(index) }
  }
  return result
}

/// How class-wise suppression keeps the boxes of one class from meeting those of another, in arithmetic: an IoU near
/// the threshold can fall on its other side.
public enum ClassSeparation: String, CaseIterable, Sendable {
  /// Up to 1000 boxes (4000 coordinates) as `moved`, above that by class on the coordinates as they are: torchvision's
  /// `batched_nms` on a CPU, which Detectron2 calls too.
  case movedUpTo1000
  /// Every box is moved by class * (largest coordinate + 1) in float32, then classes do not matter: at class 90 of an
  /// image of 1333 pixels the moved corners are multiples of 1/128. MMDetection's, and torchvision's on a GPU up to
  /// 25 000 boxes.
  case moved
  /// By class on the coordinates as they are.
  case byClass
}

/// Class-wise suppression with the arithmetic of other programs, so that borderline IoUs fall as they do there.
///
/// - Parameters:
///   - boxes: corners in one frame.
///   - scores: one per box.
///   - classIndices: column of the class head per box, 0 or more, not much larger than the number of classes.
///   - separation: how classes are kept apart.
///   - threshold: IoU above which the lesser box goes.
///   - limit: stops after this many kept boxes over all classes.
/// - Returns: indices of the kept boxes by falling score.
public func classwiseNonMaximumSuppression(
  boxes: [Box], scores: [Float], classIndices: [Int], separation: ClassSeparation,
  threshold: Double, limit: Int = .max
) -> [Int] {
  precondition(
    boxes.count == scores.count && boxes.count == classIndices.count,
    "\(boxes.count) boxes with \(scores.count) scores and \(classIndices.count) classes")
  let moves =
    switch separation {
    case .movedUpTo1000: boxes.count <= 1000
    case .moved: true
    case .byClass: false
    }
  guard moves else {
    return classwiseNonMaximumSuppression(
      boxes: boxes, scores: scores, classIndices: classIndices, threshold: threshold, limit: limit)
  }
  let moved = boxesMovedApart(boxes, classIndices: classIndices)
  return nonMaximumSuppression(boxes: moved, scores: scores, threshold: threshold, limit: limit)
}

/// Moves the boxes of each class to a place of their own: by class * (largest coordinate + 1), in float32.
private func boxesMovedApart(_ boxes: [Box], classIndices: [Int]) -> [Box] {
  var largest = -Float.infinity
  for box in boxes {
    for coordinate in [box.minX, box.minY, box.maxX, box.maxY] {
      // torch's maximum is NaN if any element is: then no box suppresses any other.
      if coordinate.isNaN { return boxes.map { _ in Box.notANumber } }
      largest = max(largest, coordinate)
    }
  }
  let step = largest + 1
  return zip(boxes, classIndices).map { box, classIndex in
    let offset = Float(classIndex) * step
    return Box(
      minX: box.minX + offset, minY: box.minY + offset, maxX: box.maxX + offset,
      maxY: box.maxY + offset)
  }
}

/// Indices of scores in falling order, equal ones (0 and -0 too) in the order they came, NaN first.
///
/// - Parameter scores: any values.
/// - Returns: a permutation of the indices.
func indicesByFallingScore(_ scores: [Float]) -> [Int] {
  precondition(scores.count <= Int(UInt32.max), "\(scores.count) scores")
  // One 64-bit key holds rank and index: sorting integers is some four times as fast as sorting indices through
  // a closure that looks their scores up.
  var keys = scores.enumerated().map { index, score in
    UInt64(fallingRank(of: score)) << 32 | UInt64(index)
  }
  keys.sort()
  return keys.map { Int($0 & 0xffff_ffff) }
}

/// A number that is smaller the larger the score is; smallest for NaN.
private func fallingRank(of score: Float) -> UInt32 {
  if score.isNaN { return 0 }
  let bits = (score == 0 ? 0 : score).bitPattern
  // Float bit patterns order as integers once negative ones are flipped and positive ones are put above them.
  let rising = bits & 0x8000_0000 == 0 ? bits | 0x8000_0000 : ~bits
  return ~rising
}

extension Box {
  fileprivate static let notANumber = Box(minX: .nan, minY: .nan, maxX: .nan, maxY: .nan)
}

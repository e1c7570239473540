/// The boxes that suppression has kept so far, eight to a group, so that a new box meets eight at a time.
struct KeptBoxes {
  private struct Group {
    var minX: SIMD8<Float>
    var minY: SIMD8<Float>
    var maxX: SIMD8<Float>
    var maxY: SIMD8<Float>
    var area: SIMD8<Float>

    /// Lanes not yet filled hold NaN, which overlaps nothing.
    static let empty = Group(
      minX: .init(repeating: .nan), minY: .init(repeating: .nan), maxX: .init(repeating: .nan),
      maxY: .init(repeating: .nan), area: .init(repeating: .nan))
  }

  private var groups: [Group] = []
  private var filledLanes = 8
  private let threshold: SIMD8<Float>
  private let measure: OverlapMeasure

  /// Starts without boxes.
  ///
  /// - Parameters:
  ///   - threshold: overlap above which a box is refused.
  ///   - measure: how overlap is counted.
  init(threshold: Double, measure: OverlapMeasure = .iou) {
    precondition(!threshold.isNaN, "the overlap's threshold is NaN")
    self.measure = measure
    // The largest Float that is not above the threshold: a float32 overlap exceeds one if and only if it exceeds
    // the other, so the loop below compares without widening.
    let nearest = Float(threshold)
    self.threshold = .init(repeating: Double(nearest) > threshold ? nearest.nextDown : nearest)
  }

  /// Takes a box in unless one that is there overlaps it by more than the threshold.
  ///
  /// - Parameter box: the next box by falling score.
  /// - Returns: whether the box was taken in.
  mutating func insert(_ box: Box) -> Bool {
    if overlaps(box) { return false }
    append(box)
    return true
  }

  /// Whether one of the boxes overlaps this one by more than the threshold.
  func overlaps(_ box: Box) -> Bool {
    let area = box.area
    for group in groups where overlaps(group, box, area) { return true }
    return false
  }

  /// Takes a box in.
  mutating func append(_ box: Box) {
    if filledLanes == 8 {
      groups.append(.empty)
      filledLanes = 0
    }
    let last = groups.count - 1
    groups[last].minX[filledLanes] = box.minX
    groups[last].minY[filledLanes] = box.minY
    groups[last].maxX[filledLanes] = box.maxX
    groups[last].maxY[filledLanes] = box.maxY
    groups[last].area[filledLanes] = box.area
    filledLanes += 1
  }

  /// The arithmetic of `Box.overlap`, a lane per box.
  @inline(__always)
  private func overlaps(_ group: Group, _ box: Box, _ area: Float) -> Bool {
    let overlapWidth =
      smaller(group.maxX, .init(repeating: box.maxX))
      - larger(group.minX, .init(repeating: box.minX))
    let overlapHeight =
      smaller(group.maxY, .init(repeating: box.maxY))
      - larger(group.minY, .init(repeating: box.minY))
    let intersection = larger(.zero, overlapWidth) * larger(.zero, overlapHeight)
    let whole =
      switch measure {
      case .iou: (group.area + area) - intersection
      // NaN in lanes not yet filled, as the union is.
      case .ios: smaller(.init(repeating: area), group.area)
      }
    return any(intersection / whole .> threshold)
  }

  // A compare and a select become one instruction each; the library's pointwise functions stay loops over lanes. Where
  // one number is NaN the result is `b`.
  @inline(__always)
  private func smaller(_ a: SIMD8<Float>, _ b: SIMD8<Float>) -> SIMD8<Float> {
    b.replacing(with: a, where: a .< b)
  }

  @inline(__always)
  private func larger(_ a: SIMD8<Float>, _ b: SIMD8<Float>) -> SIMD8<Float> {
    b.replacing(with: a, where: a .> b)
  }
}

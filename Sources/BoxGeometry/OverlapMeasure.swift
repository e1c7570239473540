/// How the overlap of two boxes is counted where one suppresses the other.
public enum OverlapMeasure: String, CaseIterable, Sendable {
  /// Intersection over union: of boxes of one object that were found whole.
  case iou
  /// Intersection over the area of the smaller box (SAHI's IOS): 1 for a box inside another, as where a tile has cut a
  /// piece off an object that another tile has whole.
  case ios
}

extension Box {
  /// Intersection over the smaller box's area in float32; 0...1, or NaN where the smaller box has no area.
  ///
  /// - Parameter other: the box to compare with.
  /// - Returns: a value in 0...1, or NaN.
  public func intersectionOverSmaller(_ other: Box) -> Float {
    let overlapWidth = max(0, min(maxX, other.maxX) - max(minX, other.minX))
    let overlapHeight = max(0, min(maxY, other.maxY) - max(minY, other.minY))
    return overlapWidth * overlapHeight / min(area, other.area)
  }

  /// The overlap by either measure.
  ///
  /// - Parameters:
  ///   - other: the box to compare with.
  ///   - measure: what the intersection is divided by.
  /// - Returns: a value in 0...1, or NaN.
  public func overlap(_ other: Box, by measure: OverlapMeasure) -> Float {
    switch measure {
    case .iou: intersectionOverUnion(other)
    case .ios: intersectionOverSmaller(other)
    }
  }
}

import BoxGeometry

/// One object found in one picture.
public struct Detection: Equatable, Sendable {
  /// Index into the model's class list.
  public var classIndex: Int
  /// Sigmoid of the class logit, 0...1, unrounded.
  public var score: Float
  /// In pixels of the picture that was given to the detector, clipped to it.
  public var box: Box
  /// Ordinal of the anchor it came from, over all levels (P3 first) in (y, x, anchor-in-cell) order: the last
  /// key of the documented order of detections. Where there are several looks at one picture, 2^32 more for each look
  /// before: tiles row by row, then the whole picture, each before its mirror image.
  public var anchorIndex: Int

  /// Creates a detection from its parts.
  public init(classIndex: Int, score: Float, box: Box, anchorIndex: Int) {
    self.classIndex = classIndex
    self.score = score
    self.box = box
    self.anchorIndex = anchorIndex
  }
}

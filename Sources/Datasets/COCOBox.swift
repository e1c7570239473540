/// A box as COCO files hold it: left, top, width and height in pixels, in double precision.
public struct COCOBox: Equatable, Sendable {
  /// Left edge.
  public var x: Double
  /// Top edge.
  public var y: Double
  /// Width; a file may say 0 or less, and then the box overlaps nothing.
  public var width: Double
  /// Height, like the width.
  public var height: Double

  /// Creates a box from its corner and size.
  public init(x: Double, y: Double, width: Double, height: Double) {
    self.x = x
    self.y = y
    self.width = width
    self.height = height
  }

  /// Width times height.
  public var area: Double { width * height }

  /// Overlap of a detection (self) with an annotated box, 0...1: intersection over union, or over the
  /// detection's own area where the annotation is a crowd. The operations and their order are those of
  /// `bbIou` in COCO's maskApi.c, so that equal inputs give equal bits (NaN where areas underflow to 0).
  public func overlap(with truth: COCOBox, isCrowd: Bool) -> Double {
    let width = min(self.width + x, truth.width + truth.x) - max(x, truth.x)
    if width <= 0 { return 0 }
    let height = min(self.height + y, truth.height + truth.y) - max(y, truth.y)
    if height <= 0 { return 0 }
    let intersection = width * height
    return intersection / (isCrowd ? area : area + truth.area - intersection)
  }
}

/// An axis-aligned box by its corners, in pixels: `minX <= maxX`, `minY <= maxY` for any box that covers
/// something. No "+1" anywhere: a box from 0 to 10 is 10 wide (torchvision's and COCO's convention).
public struct Box: Equatable, Hashable, Sendable {
  /// Left edge.
  public var minX: Float
  /// Top edge.
  public var minY: Float
  /// Right edge.
  public var maxX: Float
  /// Bottom edge.
  public var maxY: Float

  /// Creates a box from its corners, in the order torchvision stores them: x1, y1, x2, y2.
  public init(minX: Float, minY: Float, maxX: Float, maxY: Float) {
    self.minX = minX
    self.minY = minY
    self.maxX = maxX
    self.maxY = maxY
  }

  /// `maxX - minX`; negative for an inverted box.
  public var width: Float { maxX - minX }
  /// `maxY - minY`; negative for an inverted box.
  public var height: Float { maxY - minY }
  /// `width * height`.
  public var area: Float { width * height }

  /// Intersection over union in float32, as torchvision computes it (`ops/boxes.py`): the sides of the
  /// intersection are clamped at 0, and two boxes without area give NaN (0/0), which exceeds no threshold.
  ///
  /// - Parameter other: the box to compare with.
  /// - Returns: a value in 0...1, or NaN.
  public func intersectionOverUnion(_ other: Box) -> Float {
    let overlapWidth = max(0, min(maxX, other.maxX) - max(minX, other.minX))
    let overlapHeight = max(0, min(maxY, other.maxY) - max(minY, other.minY))
    let intersection = overlapWidth * overlapHeight
    return intersection / (area + other.area - intersection)
  }
}

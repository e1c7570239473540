/// Where something is, in pixels of the upright picture: fractions count.
public struct AnnotatedBox: Equatable, Sendable {
  /// Left edge.
  public var x: Double
  /// Top edge.
  public var y: Double
  /// To the right edge.
  public var width: Double
  /// To the bottom edge.
  public var height: Double

  /// Names its edges.
  public init(x: Double, y: Double, width: Double, height: Double) {
    self.x = x
    self.y = y
    self.width = width
    self.height = height
  }

  /// The smallest box that holds both.
  public func union(_ other: AnnotatedBox) -> AnnotatedBox {
    let (left, top) = (min(x, other.x), min(y, other.y))
    return AnnotatedBox(
      x: left, y: top, width: max(x + width, other.x + other.width) - left,
      height: max(y + height, other.y + other.height) - top)
  }
}

/// Whole pixels: columns `left ..< right`, rows `top ..< bottom`; empty where they do not rise.
public struct PixelRectangle: Equatable, Sendable {
  /// First column.
  public var left: Int
  /// First row.
  public var top: Int
  /// Column after the last.
  public var right: Int
  /// Row after the last.
  public var bottom: Int

  /// Names its edges.
  public init(left: Int, top: Int, right: Int, bottom: Int) {
    self.left = left
    self.top = top
    self.right = right
    self.bottom = bottom
  }

  /// Every pixel that a box touches. Numbers may be anything: what lies beyond 2^30 is brought there, and no number is 0.
  public init(covering box: AnnotatedBox) {
    func whole(_ value: Double) -> Int { Int(min(max(value.isNaN ? 0 : value, -0x1p30), 0x1p30)) }
    self.init(
      left: whole(box.x.rounded(.down)), top: whole(box.y.rounded(.down)),
      right: whole((box.x + max(0, box.width)).rounded(.up)),
      bottom: whole((box.y + max(0, box.height)).rounded(.up)))
    // A box without area still is somewhere.
    right = max(right, left + 1)
    bottom = max(bottom, top + 1)
  }

  /// Columns.
  public var width: Int { right - left }
  /// Rows.
  public var height: Int { bottom - top }
  /// Holds no pixel.
  public var isEmpty: Bool { width <= 0 || height <= 0 }

  /// What both hold.
  public func intersection(_ other: PixelRectangle) -> PixelRectangle {
    PixelRectangle(
      left: max(left, other.left), top: max(top, other.top), right: min(right, other.right),
      bottom: min(bottom, other.bottom))
  }

  /// With every edge moved out.
  public func expanded(by pixels: Int) -> PixelRectangle {
    PixelRectangle(
      left: left - pixels, top: top - pixels, right: right + pixels, bottom: bottom + pixels)
  }

  /// Moved.
  public func moved(right columns: Int, down rows: Int) -> PixelRectangle {
    PixelRectangle(
      left: left + columns, top: top + rows, right: right + columns, bottom: bottom + rows)
  }
}

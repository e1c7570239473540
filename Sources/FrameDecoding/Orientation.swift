/// How a stored picture is turned to stand upright: the eight ways to lay a rectangle on its axes.
///
/// Raw values are those of the EXIF tag 0x0112 (Exif 2.32, 4.6.4 A): which side of the scene the first row and the
/// first column of stored pixels show.
public enum Orientation: Int, Sendable, CaseIterable {
  /// Stored upright.
  case upright = 1
  /// Mirrored left to right.
  case mirrored = 2
  /// Turned by half.
  case turnedHalf = 3
  /// Mirrored top to bottom.
  case flipped = 4
  /// Mirrored along the main diagonal.
  case transposed = 5
  /// To be turned clockwise by a quarter.
  case turnedRight = 6
  /// Mirrored along the other diagonal.
  case transversed = 7
  /// To be turned counterclockwise by a quarter.
  case turnedLeft = 8

  /// Width and height change places.
  public var swapsSides: Bool { rawValue >= 5 }
}

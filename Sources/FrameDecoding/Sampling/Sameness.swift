/// When a sampled frame is taken for the one that was looked at last, so that nobody need look at it.
public enum Sameness: Equatable, Sendable {
  /// Every pixel is equal: slides, screen recordings, doubled frames.
  case equalPixels
  /// No block of 16x16 pixels of luma differs by more than this on average, in levels of 0...255 as they are stored: a
  /// camera that looks at an empty yard.
  case still(Double)
}

/// The earlier frame that a frame is the same as.
public struct EarlierFrame: Equatable, Sendable {
  /// Its ordinal in the full decode; nil where frames are not counted.
  public let index: Int?
  /// Whether the source has given that frame, or one the same as it, before: the picture is then that one's once more.
  public let wasGiven: Bool

  /// Names it.
  public init(index: Int?, wasGiven: Bool) {
    self.index = index
    self.wasGiven = wasGiven
  }
}

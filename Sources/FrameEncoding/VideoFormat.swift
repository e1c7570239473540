import Media

/// What a video to be written is like.
public struct VideoFormat: Equatable, Sendable {
  /// Columns; an odd number gets one more in the file, since browsers play 4:2:0 only.
  public var width: Int
  /// Rows, as `width`.
  public var height: Int
  /// What luma and chroma mean.
  public var colour: ColourDescription
  /// Width of a pixel by its height on the screen; nil for square ones.
  public var pixelShape: Ratio?
  /// Seconds between two ticks of the clock that frames are placed on.
  public var timeBase: Ratio
  /// Frames a second on average; nil where unknown.
  public var averageFrameRate: Double?

  /// Names all of it.
  public init(
    width: Int, height: Int, colour: ColourDescription, pixelShape: Ratio? = nil, timeBase: Ratio,
    averageFrameRate: Double? = nil
  ) {
    self.width = width
    self.height = height
    self.colour = colour
    self.pixelShape = pixelShape
    self.timeBase = timeBase
    self.averageFrameRate = averageFrameRate
  }
}

/// How much is spent on a video.
public struct VideoQuality: Equatable, Sendable {
  /// x264's constant rate factor, 0 (lossless) to 51 (worst).
  public var rateFactor: Double
  /// x264's preset: what encoding may cost for a smaller file.
  public var preset: Preset
  /// Threads that encode, at least 1.
  public var threads: Int

  /// x264's presets, the fastest first.
  public enum Preset: String, CaseIterable, Sendable {
    /// The least work, and the largest files.
    case ultrafast
    /// See x264.
    case superfast, veryfast, faster, fast, medium, slow, slower, veryslow
  }

  /// Names all of it.
  public init(rateFactor: Double = 18, preset: Preset = .fast, threads: Int) {
    precondition((0...51).contains(rateFactor), "a rate factor of \(rateFactor)")
    precondition(threads >= 1, "\(threads) threads")
    self.rateFactor = rateFactor
    self.preset = preset
    self.threads = threads
  }
}

import Media

/// One frame as it is to be encoded again: its pixels as codecs keep them, and its place on its stream's own clock.
public struct SourceFrame: Sendable {
  /// Ordinal in the full decode of the file, from 0, whatever was sampled. It is that of records if frames were numbered
  /// (`FrameSampling.needsFrameNumbers`).
  public let index: Int
  /// Seconds from the container's start time, as records have it; nil without a timestamp and for still images.
  public let time: Double?
  /// Ticks of `MediaInfo.timeBase` from the container's start time; nil without a timestamp.
  public let timestamp: Int64?
  /// How long it is shown, in ticks; nil where nobody says.
  public let duration: Int64?
  /// Width of a pixel by its height on the screen (the sample aspect ratio), upright; nil where nobody says.
  public let pixelShape: Ratio?
  /// The picture, upright.
  public var picture: YUVPicture
}

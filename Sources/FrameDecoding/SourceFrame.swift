import Media

/// What is known of a frame that is to be encoded again, beside its pixels.
struct SourceFrameFacts: Equatable, Sendable {
  /// See `SourceFrame`.
  var index: Int
  var time: Double?
  var timestamp: Int64?
  var duration: Int64?
  var pixelShape: Ratio?
  /// Of the picture.
  var colour: ColourDescription
}

/// One frame as it is to be encoded again: its pixels as codecs keep them, and its place on its stream's own clock.
public struct SourceFrame: Sendable {
  /// Ordinal in the full decode of the file, from 0, whatever was sampled. It is that of records if frames were numbered
  /// (`FrameSampling.needsFrameNumbers`).
  public let index: Int
  /// Seconds from the container's start time, as records have it; nil without a timestamp and for still images.
  public let time: Double?
  /// Ticks of `MediaInfo.timeBase` from the container's start time; nil without a timestamp.
  public let timestamp: Int64?
  /// How long it is shown, in ticks, 1 to 2^40; nil where nobody says.
  public let duration: Int64?
  /// Width of a pixel by its height on the screen (the sample aspect ratio), upright; nil where nobody says.
  public let pixelShape: Ratio?
  /// The picture, upright.
  public var picture: YUVPicture

  /// A frame longer than this is forged.
  static let longest = Int64(1) << 40

  /// Puts one together from what is known of it and the planes of its upright picture.
  init(_ facts: SourceFrameFacts, width: Int, height: Int, bytes: [UInt8]) {
    index = facts.index
    time = facts.time
    timestamp = facts.timestamp
    duration = facts.duration
    pixelShape = facts.pixelShape
    picture = YUVPicture(width: width, height: height, bytes: bytes, colour: facts.colour)
  }
}

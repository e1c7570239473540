import Media

/// What is known of a frame beside its picture.
struct FrameFacts: Equatable, Sendable {
  /// See `DecodedFrame`.
  var index: Int?
  var time: Double?
  var isCorrupt: Bool
  var isKeyframe: Bool
  var same: EarlierFrame?
}

/// One frame of a video, or a picture of an image file.
public struct DecodedFrame: Sendable {
  /// Ordinal in the full decode of the file, from 0, whatever was sampled; nil where frames were skipped unseen
  /// (`FrameSampling.needsFrameNumbers`).
  public let index: Int?
  /// Seconds from the container's start time, from the best-effort timestamp; nil without a timestamp and for
  /// still images.
  public let time: Double?
  /// FFmpeg marked the frame as damaged, or concealed errors in it.
  public let isCorrupt: Bool
  /// The frame is a keyframe.
  public let isKeyframe: Bool
  /// The earlier frame that is looked at in this one's place (`FrameSampling.sameness`); nil: none.
  public let same: EarlierFrame?
  /// The picture, upright: that of the earlier frame where there is one.
  public let picture: RGBPicture

  /// Creates a frame from its parts.
  public init(
    index: Int?, time: Double?, isCorrupt: Bool, isKeyframe: Bool, same: EarlierFrame? = nil,
    picture: RGBPicture
  ) {
    self.index = index
    self.time = time
    self.isCorrupt = isCorrupt
    self.isKeyframe = isKeyframe
    self.same = same
    self.picture = picture
  }

  init(_ facts: FrameFacts, _ picture: RGBPicture) {
    self.init(
      index: facts.index, time: facts.time, isCorrupt: facts.isCorrupt,
      isKeyframe: facts.isKeyframe, same: facts.same, picture: picture)
  }
}

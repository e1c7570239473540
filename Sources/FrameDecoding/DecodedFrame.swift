/// An upright picture: 8-bit red, green, blue, interleaved, rows packed without padding, top row first.
public struct RGBPicture: Sendable {
  /// Width in stored pixels, after rotation; the sample aspect ratio is not applied.
  public let width: Int
  /// Height in stored pixels, after rotation.
  public let height: Int
  /// `height * width * 3` bytes.
  public let pixels: [UInt8]

  /// Wraps packed RGB bytes. `pixels.count` must be `width * height * 3`.
  public init(width: Int, height: Int, pixels: [UInt8]) {
    precondition(
      pixels.count == width * height * 3,
      "a \(width)x\(height) RGB picture needs \(width * height * 3) bytes, not \(pixels.count)")
    self.width = width
    self.height = height
    self.pixels = pixels
  }
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
  /// The picture, upright.
  public let picture: RGBPicture

  /// Creates a frame from its parts.
  public init(
    index: Int?, time: Double?, isCorrupt: Bool, isKeyframe: Bool, picture: RGBPicture
  ) {
    self.index = index
    self.time = time
    self.isCorrupt = isCorrupt
    self.isKeyframe = isKeyframe
    self.picture = picture
  }
}

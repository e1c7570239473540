import Media

/// What is known of an input when it is open.
public struct MediaInfo: Equatable, Sendable {
  /// FFmpeg's name of the container, such as `mov,mp4,m4a,3gp,3g2,mj2` or `png_pipe`; `tiff` and `heif` are read without it.
  public let container: String
  /// FFmpeg's name of the codec, such as `h264`.
  public let codec: String
  /// Width of the upright picture as the header says; a frame may differ. 0 where only decoding tells.
  public let width: Int
  /// Height of the upright picture, as `width`.
  public let height: Int
  /// How stored pictures are turned to stand upright, as the container says (or the picture, for a still image).
  public let orientation: Orientation
  /// Seconds from the container's start, estimated by FFmpeg; nil where unknown and for still images.
  public let duration: Double?
  /// Frames a second on average, as the container says; nil where unknown and for still images.
  public let averageFrameRate: Double?
  /// Seconds between two ticks of the stream's clock; nil for still images.
  public let timeBase: Ratio?
  /// Number of frames in the whole file, from the container's count, else duration x rate; 1 for a still image, nil
  /// where unknown, as for the pages of a TIFF file. An estimate: only decoding tells.
  public let estimatedFrames: Int?
  /// Pictures without a time: an image file (all pages of a TIFF), or an attached picture where there is no video.
  public let isStillImage: Bool
  /// What the user should know of how the input is read, such as that only a cover picture was found.
  public let remarks: [String]
}

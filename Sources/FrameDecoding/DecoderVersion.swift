import CFFmpeg

/// The libraries that decode.
public enum DecoderVersion {
  /// FFmpeg's version, as its builder calls it.
  public static var text: String { String(cString: av_version_info()) }
}

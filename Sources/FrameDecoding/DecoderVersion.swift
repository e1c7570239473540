import CFFmpeg

/// The libraries that decode.
public enum DecoderVersion {
  /// FFmpeg's version, as its builder calls it.
  public static var text: String { String(cString: av_version_info()) }

  /// The loaded libraries that decide which pixels and times come out, as `libavcodec 59.37`: major and minor version.
  /// A release of FFmpeg keeps them through all its corrections, so that a security update changes none.
  public static var series: [String] {
    [
      ("libavformat", avformat_version()), ("libavcodec", avcodec_version()),
      ("libswscale", swscale_version()),
    ].map { name, version in "\(name) \(version >> 16).\(version >> 8 & 0xff)" }
  }
}

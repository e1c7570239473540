import CFFmpeg

/// A file format of pictures.
public enum PictureFormat: String, CaseIterable, Sendable {
  /// JPEG, without a loss that can be seen: colours at full size.
  case jpeg
  /// PNG.
  case png
  /// WebP, as `jpeg` but with colours at half the size.
  case webp
  /// TIFF, one page.
  case tiff
  /// BMP.
  case bmp
  /// PPM.
  case ppm
  /// TGA.
  case targa
  /// SGI.
  case sgi
  /// PCX.
  case pcx
  /// QOI.
  case qoi

  /// The format whose pictures a decoder of FFmpeg's reads; nil where pictures of it cannot be written, or not without
  /// losing what matters (GIF has 256 colours).
  public init?(codec: String) {
    let name = codec == "mjpeg" ? "jpeg" : codec
    guard let format = PictureFormat(rawValue: name), format.isAvailable else { return nil }
    self = format
  }

  /// How file names end, without the dot.
  public var fileExtension: String {
    switch self {
    case .jpeg: "jpg"
    case .targa: "tga"
    case .tiff: "tif"
    default: rawValue
    }
  }

  /// Whether a file's extension says this format.
  public func isNamed(by fileExtension: String?) -> Bool {
    let name = fileExtension?.lowercased()
    return switch self {
    case .jpeg: ["jpg", "jpeg", "jpe", "jfif"].contains(name)
    case .tiff: ["tif", "tiff"].contains(name)
    default: name == self.fileExtension
    }
  }

  /// Whether this FFmpeg can write it.
  public var isAvailable: Bool { avcodec_find_encoder_by_name(encoder) != nil }

  /// FFmpeg's name of what writes it.
  var encoder: String {
    switch self {
    case .jpeg: "mjpeg"
    case .webp: "libwebp"
    default: rawValue
    }
  }

  /// The layout that the encoder takes.
  var pixelFormat: AVPixelFormat {
    switch self {
    case .jpeg: AV_PIX_FMT_YUVJ444P
    case .webp: AV_PIX_FMT_BGRA
    case .bmp, .targa: AV_PIX_FMT_BGR24
    default: AV_PIX_FMT_RGB24
    }
  }

  /// The encoder's options.
  var options: [(String, String)] {
    switch self {
    // 1 is the best, 31 the worst.
    case .jpeg: [("qmin", "2"), ("qmax", "2")]
    case .webp: [("quality", "95")]
    case .tiff: [("compression_algo", "deflate")]
    default: []
    }
  }
}

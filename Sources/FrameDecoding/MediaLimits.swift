/// Bounds that keep one input from taking the memory or the time of all others.
public struct MediaLimits: Equatable, Sendable {
  /// Most pixels (width x height) of a frame, as FFmpeg allocates it: sides are rounded up to multiples of at most 64. A
  /// larger one is a data failure before it is allocated. FFmpeg itself takes no more than about 2^28, of JPEG and PNG
  /// thus 16 000 x 16 000; TIFF and HEIF have libraries of their own.
  public var maxPixels = 1 << 29
  /// Most streams in a container.
  public var maxStreams = 1000
  /// Packets of the video stream in a row that may give no frame.
  public var maxPacketsWithoutFrame = 20_000
  /// Bytes read in a row that may give no frame; also the largest image file, but for TIFF, of whose
  /// pages each may be as large, and larger where it has so many pixels.
  public var maxBytesWithoutFrame = 512 << 20
  /// How long one open or read may block before the input counts as inaccessible; nil waits for ever.
  public var readTimeout: Duration?

  /// How many decoders may work on one video at once, where it can be shared out without a difference; 1...16. Each
  /// has one thread.
  public var decoders = 1
  /// More would be of no use to anybody.
  public static let mostDecoders = 16
  /// Bytes of frames that may be decoded before their turn comes, where several decoders work on one video.
  public var bytesAhead = 128 << 20

  /// Bytes of the largest packet of sound, or of its samples as 32-bit numbers; a larger one is passed over.
  static let maxSoundBytes = 32 << 20
  /// Bytes that a decoder of sound may need before the first packet, for the sound to be kept as it is.
  static let maxSoundHeader = 4096

  /// Asked before an image is decoded, for images may be large and many are decoded at once; nil decodes at once.
  public var pictureGate: PictureGate?

  /// The defaults: 2^29 pixels, 1000 streams, 20 000 packets, 512 MiB, no clock, one
  /// decoder.
  public init() {}
}

/// Lets an image be decoded once there is memory for it.
public final class PictureGate: Equatable, Sendable {
  private let pass: @Sendable (_ bytes: Int) -> Void

  /// A gate; `pass` is given the bytes that decoding and converting an image will take, and returns when they may be
  /// taken.
  public init(_ pass: @escaping @Sendable (_ bytes: Int) -> Void) { self.pass = pass }

  /// Waits until an image of so many pixels may be decoded, which takes `bitsPerPixel` as it is decoded, and 3 bytes more
  /// as it is handed over, and again 3 on the way there.
  func wait(pixels: Int, bitsPerPixel: Int) { wait(bytes: pixels * (bitsPerPixel / 8 + 6)) }

  /// Waits until so many bytes may be taken.
  func wait(bytes: Int) { pass(bytes) }

  /// Whether they are one.
  public static func == (left: PictureGate, right: PictureGate) -> Bool { left === right }
}

/// A picture as video codecs keep it: 8-bit luma, and chroma at half the width and height (4:2:0).
public struct YUVPicture: Sendable {
  /// Columns of luma.
  public let width: Int
  /// Rows of luma.
  public let height: Int
  /// `height` rows of `width` bytes of luma, then Cb and then Cr in `chromaHeight` rows of `chromaWidth` bytes each, all
  /// packed without padding, top row first.
  public var bytes: [UInt8]
  /// What the numbers mean.
  public let colour: ColourDescription

  /// Columns of each plane of chroma: an odd last column of luma has one of its own.
  public var chromaWidth: Int { (width + 1) / 2 }
  /// Rows of each plane of chroma.
  public var chromaHeight: Int { (height + 1) / 2 }

  /// Bytes of a picture of this size.
  public static func byteCount(width: Int, height: Int) -> Int {
    width * height + (width + 1) / 2 * ((height + 1) / 2) * 2
  }

  /// Wraps packed planes. `bytes.count` must be `byteCount(width:height:)`.
  public init(width: Int, height: Int, bytes: [UInt8], colour: ColourDescription) {
    precondition(
      width > 0 && height > 0 && bytes.count == Self.byteCount(width: width, height: height),
      "\(bytes.count) bytes for a picture of \(width)x\(height)")
    self.width = width
    self.height = height
    self.bytes = bytes
    self.colour = colour
  }
}

/// The kinds of files that are told apart by their first bytes, before FFmpeg is asked.
enum ImageSignature {
  case tiff
  /// One picture, or several of which one is primary: HEIC, AVIF. (Sequences of pictures are videos to FFmpeg.)
  case heif
  case cameraRaw

  /// Bytes that are looked at.
  static let length = 32

  /// Nil for a file of another kind.
  init?(_ start: [UInt8]) {
    if CameraRaw.isOne(start) {
      self = .cameraRaw
    } else if Self.startsOfTIFF.contains(where: { start.starts(with: $0) }) {
      self = .tiff
    } else if start.dropFirst(4).starts(with: "ftyp".utf8),
      Self.pictureBrands.contains(where: { start.dropFirst(8).starts(with: $0) })
    {
      self = .heif
    } else {
      return nil
    }
  }

  /// Both byte orders, and BigTIFF.
  private static let startsOfTIFF: [[UInt8]] = [
    [0x49, 0x49, 42, 0], [0x4d, 0x4d, 0, 42], [0x49, 0x49, 43, 0], [0x4d, 0x4d, 0, 43],
  ]

  /// Of the box ftyp (ISO 23008-12, 10.2 and annexes).
  private static let pictureBrands = ["heic", "heix", "heim", "heis", "mif1", "mif2", "avif"].map {
    Array($0.utf8)
  }
}

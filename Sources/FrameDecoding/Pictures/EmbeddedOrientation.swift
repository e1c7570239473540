/// Reads the orientation of PNG files, which FFmpeg 5.1 does not hand over.
enum EmbeddedOrientation {
  /// The orientation in the bytes of a PNG file; nil if it is none or says nothing valid.
  static func find(in file: [UInt8]) -> Orientation? {
    let file = file[...]
    guard file.starts(with: [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]) else { return nil }
    return exifChunk(ofPNG: file.dropFirst(8)).flatMap(orientation(ofTIFF:))
  }

  /// The content of the chunk eXIf (PNG 1.5 extensions, 3.7); chunks are length, type, content, checksum.
  private static func exifChunk(ofPNG chunks: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
    var rest = chunks
    while let length = number(in: rest, at: 0, bytes: 4, isBigEndian: true),
      length <= rest.count - 12
    {
      let content = rest.dropFirst(8).prefix(length)
      if rest.dropFirst(4).starts(with: "eXIf".utf8) { return content }
      rest = rest.dropFirst(12 + length)
    }
    return nil
  }

  /// EXIF is a TIFF file without a picture: tag 0x0112 of its first directory (TIFF 6.0, section 2) is a count, then entries of tag, type, count, value.
  private static func orientation(ofTIFF tiff: ArraySlice<UInt8>) -> Orientation? {
    let isBigEndian = tiff.starts(with: [0x4d, 0x4d, 0, 42])
    guard isBigEndian || tiff.starts(with: [0x49, 0x49, 42, 0]) else { return nil }
    func number(at offset: Int, bytes: Int) -> Int? {
      Self.number(in: tiff, at: offset, bytes: bytes, isBigEndian: isBigEndian)
    }
    guard let directory = number(at: 4, bytes: 4), let count = number(at: directory, bytes: 2)
    else {
      return nil
    }
    for entry in 0..<count {
      let offset = directory + 2 + entry * 12
      guard let tag = number(at: offset, bytes: 2) else { return nil }
      if tag == 0x0112 {
        return number(at: offset + 8, bytes: 2).flatMap(Orientation.init(rawValue:))
      }
    }
    return nil
  }

  /// An unsigned number at an offset from the start of `bytes`; nil past the end.
  private static func number(
    in bytes: ArraySlice<UInt8>, at offset: Int, bytes count: Int, isBigEndian: Bool
  ) -> Int? {
    guard offset >= 0, offset <= bytes.count - count else { return nil }
    let field = bytes.dropFirst(offset).prefix(count)
    let ordered = isBigEndian ? Array(field) : field.reversed()
    return ordered.reduce(0) { $0 << 8 | Int($1) }
  }
}

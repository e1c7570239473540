/// Writes PNG without compression: for small pictures inside other files.
package enum PNGFile {
  /// The file's bytes (PNG 1.2; zlib's stored blocks, RFC 1950 and 1951).
  ///
  /// - Parameters:
  ///   - pixels: `height * width * 3` bytes.
  ///   - width: Columns.
  ///   - height: Rows.
  /// - Returns: The file.
  package static func bytes(rgb pixels: [UInt8], width: Int, height: Int) -> [UInt8] {
    precondition(
      pixels.count == width * height * 3, "\(pixels.count) bytes for \(width)x\(height) RGB")
    var rows: [UInt8] = []
    for y in 0..<height {
      // Filter 0: the bytes as they are.
      rows.append(0)
      rows += pixels[y * width * 3..<(y + 1) * width * 3]
    }
    var data: [UInt8] = [0x78, 0x01]
    var start = 0
    repeat {
      let end = min(rows.count, start + 65_535)
      let length = UInt16(end - start)
      data.append(end == rows.count ? 1 : 0)
      data += [UInt8(length & 255), UInt8(length >> 8)]
      data += [UInt8(~length & 255), UInt8(~length >> 8)]
      data += rows[start..<end]
      start = end
    } while start < rows.count
    data += bigEndian(adler32(rows))
    let header =
      bigEndian(UInt32(width)) + bigEndian(UInt32(height)) + [8, 2, 0, 0, 0]
    return [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a] + chunk("IHDR", header)
      + chunk("IDAT", data) + chunk("IEND", [])
  }

  private static func chunk(_ name: String, _ data: [UInt8]) -> [UInt8] {
    let body = Array(name.utf8) + data
    return bigEndian(UInt32(data.count)) + body + bigEndian(crc32(body))
  }

  private static func bigEndian(_ number: UInt32) -> [UInt8] {
    [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: number >> $0) }
  }

  private static func adler32(_ bytes: [UInt8]) -> UInt32 {
    var (a, b): (UInt32, UInt32) = (1, 0)
    for byte in bytes {
      a = (a + UInt32(byte)) % 65_521
      b = (b + a) % 65_521
    }
    return b << 16 | a
  }

  private static let crcTable: [UInt32] = (0..<256).map { index in
    (0..<8).reduce(UInt32(index)) { value, _ in
      value & 1 == 1 ? 0xedb8_8320 ^ value >> 1 : value >> 1
    }
  }

  private static func crc32(_ bytes: [UInt8]) -> UInt32 {
    ~bytes.reduce(UInt32.max) { crcTable[Int(($0 ^ UInt32($1)) & 255)] ^ $0 >> 8 }
  }
}

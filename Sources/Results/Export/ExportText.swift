import JSONText

/// How names and numbers are written in the formats.
enum ExportText {
  /// Appends text as it is.
  @inline(__always)
  static func append(_ text: StaticString, to bytes: inout [UInt8]) {
    bytes.append(
      contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  /// A field of CSV (RFC 4180): in quotes where it holds a comma, a quote or the end of a line.
  static func csvField(_ text: String) -> [UInt8] {
    let bytes = Array(text.utf8)
    let special: Set<UInt8> = [0x22, 0x2c, 0x0a, 0x0d]
    // Blanks at its ends are cut by some readers.
    guard bytes.contains(where: special.contains) || bytes.first == 0x20 || bytes.last == 0x20
    else { return bytes }
    return [0x22] + bytes.flatMap { $0 == 0x22 ? [0x22, 0x22] : [$0] } + [0x22]
  }

  /// The left, top, right and bottom of boxes, and sides, as shares of the picture's: a share, 6 decimals.
  static func appendShare(_ value: Double, of side: Int, to bytes: inout [UInt8]) {
    JSON.append(value / Double(side), decimals: 6, to: &bytes)
  }
}

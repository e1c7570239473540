import Files

/// One character of a name: a scalar, or a byte that is not part of UTF-8.
struct GlobCharacter: Comparable, ExpressibleByUnicodeScalarLiteral, Sendable {
  /// The scalar's value; a byte outside of UTF-8 comes after all scalars.
  private let value: UInt32

  init(unicodeScalarLiteral scalar: Unicode.Scalar) { value = scalar.value }

  fileprivate init(scalar value: UInt32) { self.value = value }
  fileprivate init(strayByte byte: UInt8) { value = 0x11_0000 + UInt32(byte) }

  static func < (left: GlobCharacter, right: GlobCharacter) -> Bool { left.value < right.value }
}

/// Bytes, read character by character.
struct GlobText {
  private let bytes: ArraySlice<UInt8>

  init(_ bytes: ArraySlice<UInt8>) { self.bytes = bytes }

  var startIndex: Int { bytes.startIndex }
  var endIndex: Int { bytes.endIndex }

  /// The character that begins at a position before the end, and where the next one begins.
  func character(at position: Int) -> (value: GlobCharacter, end: Int) {
    let lead = bytes[position]
    let stray = (GlobCharacter(strayByte: lead), position + 1)
    let length: Int
    var value: UInt32
    switch lead {
    case 0x00...0x7f: return (GlobCharacter(scalar: UInt32(lead)), position + 1)
    case 0xc2...0xdf: (length, value) = (2, UInt32(lead & 0x1f))
    case 0xe0...0xef: (length, value) = (3, UInt32(lead & 0x0f))
    case 0xf0...0xf4: (length, value) = (4, UInt32(lead & 0x07))
    default: return stray
    }
    let end = position + length
    guard end <= bytes.endIndex else { return stray }
    for byte in bytes[(position + 1)..<end] {
      guard byte & 0xc0 == 0x80 else { return stray }
      value = value << 6 | UInt32(byte & 0x3f)
    }
    // Longer than it need be, a surrogate, or beyond Unicode: not UTF-8.
    let least: UInt32 = length == 2 ? 0x80 : length == 3 ? 0x800 : 0x1_0000
    guard value >= least, Unicode.Scalar(value) != nil else { return stray }
    return (GlobCharacter(scalar: value), end)
  }
}

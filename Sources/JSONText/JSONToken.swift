import Glibc

/// A string of a JSON text as it stands between its quotes, found to be valid; good as long as the bytes it was read
/// from.
public struct JSONString {
  /// The bytes between its quotes, as they stand.
  public let bytes: UnsafeRawBufferPointer
  /// Whether there are escapes among them, so that they are not what it says.
  public let hasEscapes: Bool

  /// What it says.
  public var text: String {
    if !hasEscapes { return String(decoding: bytes, as: UTF8.self) }
    var text = ""
    var start = 0
    var position = 0
    while position < bytes.count {
      guard bytes[position] == UInt8(ascii: "\\") else {
        position += 1
        continue
      }
      text += String(decoding: bytes[start..<position], as: UTF8.self)
      guard let scalar = JSONEscape.read(bytes, &position) else {
        preconditionFailure("an escape that was found to be valid is not")
      }
      text.unicodeScalars.append(scalar)
      start = position
    }
    return text + String(decoding: bytes[start...], as: UTF8.self)
  }

  /// Whether it says this.
  public static func == (string: JSONString, text: StaticString) -> Bool {
    if string.hasEscapes { return string.text == text.description }
    guard string.bytes.count == text.utf8CodeUnitCount else { return false }
    guard let start = string.bytes.baseAddress else { return true }
    return memcmp(start, text.utf8Start, string.bytes.count) == 0
  }

  /// For `switch`: whether it says this.
  public static func ~= (text: StaticString, string: JSONString) -> Bool { string == text }
}

/// A number of a JSON text.
public enum JSONNumber: Equatable, Sendable {
  /// Written without point and exponent, and within 64 bits.
  case integer(Int64)
  /// Any other, to the nearest double; finite.
  case double(Double)

  /// The nearest double.
  public var double: Double {
    switch self {
    case .integer(let value): Double(value)
    case .double(let value): value
    }
  }

  /// The whole number that it is, however it is written: 3.0 and 3e0 are 3.
  public var wholeNumber: Int? {
    switch self {
    case .integer(let value): Int(exactly: value)
    case .double(let value): Int(exactly: value)
    }
  }
}

/// A value of a JSON text that has no values in it, and what is known of one that has before it is read.
public enum JSONToken {
  case string(JSONString)
  case number(JSONNumber)
  case bool(Bool)
  case null
  /// An object begins, and is left to be read or skipped.
  case object
  /// An array begins, and is left to be read or skipped.
  case array
}

/// Escapes in strings.
enum JSONEscape {
  /// Reads an escape, or the two of a pair of surrogates.
  ///
  /// - Parameters:
  ///   - bytes: the inside of a string.
  ///   - position: of the backslash; then what follows the escape.
  /// - Returns: what it stands for; nil where it stands for nothing.
  static func read(_ bytes: UnsafeRawBufferPointer, _ position: inout Int) -> Unicode.Scalar? {
    guard position + 1 < bytes.count else { return nil }
    let character = bytes[position + 1]
    position += 2
    switch character {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(character)
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{c}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"):
      guard let first = codeUnit(bytes, &position) else { return nil }
      guard UTF16.isLeadSurrogate(first) else { return Unicode.Scalar(first) }
      guard position + 1 < bytes.count, bytes[position] == UInt8(ascii: "\\"),
        bytes[position + 1] == UInt8(ascii: "u")
      else { return nil }
      position += 2
      guard let second = codeUnit(bytes, &position), UTF16.isTrailSurrogate(second) else {
        return nil
      }
      return UTF16.decode(UTF16.EncodedScalar([first, second]))
    default: return nil
    }
  }

  /// Four hexadecimal digits.
  private static func codeUnit(_ bytes: UnsafeRawBufferPointer, _ position: inout Int) -> UInt16? {
    guard bytes.count - position >= 4 else { return nil }
    var unit: UInt16 = 0
    for byte in bytes[position..<position + 4] {
      let digit: UInt8
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
      case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
      case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = byte - UInt8(ascii: "A") + 10
      default: return nil
      }
      unit = unit << 4 | UInt16(digit)
    }
    position += 4
    return unit
  }
}

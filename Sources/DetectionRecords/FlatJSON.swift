import Glibc

/// Reads one JSON object whose values are strings, numbers, true, false and null: the lines of a manifest.
///
/// It takes what RFC 8259 takes and nothing more. Strings are decoded only where they are asked for, so that a line of
/// 500 bytes takes about a microsecond.
enum FlatJSON {
  /// One value.
  enum Value {
    case string(Text)
    case integer(Int64)
    case double(Double)
    case bool(Bool)
    case null

    /// Any number.
    var number: Double? {
      switch self {
      case .integer(let value): Double(value)
      case .double(let value): value
      case .string, .bool, .null: nil
      }
    }
  }

  /// A string as it stands between its quotes; good as long as the bytes it was read from.
  struct Text {
    fileprivate let bytes: UnsafeRawBufferPointer
    fileprivate let hasEscapes: Bool

    /// What it says; nil where that is not UTF-8, or an escape means nothing.
    var decoded: String? {
      if !hasEscapes { return String(validating: bytes, as: UTF8.self) }
      var reader = Reader(bytes: bytes)
      return reader.unescaped()
    }

    /// Whether it is this, written without escapes.
    func equals(_ text: StaticString) -> Bool {
      bytes.count == text.utf8CodeUnitCount && !hasEscapes
        && memcmp(
          bytes.baseAddress ?? UnsafeRawPointer(text.utf8Start), text.utf8Start, bytes.count)
          == 0
    }
  }

  /// Hands out the members of the object that the bytes hold, in order, white space around it allowed.
  ///
  /// - Returns: Whether the bytes hold such an object, and `member` took every one.
  static func scan(
    _ bytes: UnsafeRawBufferPointer, _ member: (_ key: Text, _ value: Value) -> Bool
  ) -> Bool {
    var reader = Reader(bytes: bytes)
    return reader.object(member)
  }

  private struct Reader {
    let bytes: UnsafeRawBufferPointer
    var position = 0

    mutating func object(_ member: (Text, Value) -> Bool) -> Bool {
      guard take("{") else { return false }
      if !take("}") {
        repeat {
          skipSpace()
          guard let key = string(), take(":"), let value = value(), member(key, value) else {
            return false
          }
        } while take(",")
        guard take("}") else { return false }
      }
      skipSpace()
      return position == bytes.count
    }

    /// Skips white space and takes the character if it is next.
    private mutating func take(_ character: Unicode.Scalar) -> Bool {
      skipSpace()
      guard position < bytes.count, bytes[position] == UInt8(ascii: character) else { return false }
      position += 1
      return true
    }

    private mutating func skipSpace() {
      while position < bytes.count {
        switch bytes[position] {
        case 0x20, 0x09, 0x0a, 0x0d: position += 1
        default: return
        }
      }
    }

    private mutating func value() -> Value? {
      skipSpace()
      guard position < bytes.count else { return nil }
      switch bytes[position] {
      case UInt8(ascii: "\""): return string().map(Value.string)
      case UInt8(ascii: "t"): return word("true", .bool(true))
      case UInt8(ascii: "f"): return word("false", .bool(false))
      case UInt8(ascii: "n"): return word("null", .null)
      default: return number()
      }
    }

    private mutating func word(_ word: StaticString, _ value: Value) -> Value? {
      let end = position + word.utf8CodeUnitCount
      guard end <= bytes.count,
        bytes[position..<end].elementsEqual(
          UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount))
      else { return nil }
      position = end
      return value
    }

    private mutating func number() -> Value? {
      let start = position
      if next(isIn: "-") { position += 1 }
      let whole = digits()
      guard whole > 0, whole == 1 || bytes[position - whole] != UInt8(ascii: "0") else {
        return nil
      }
      var isInteger = true
      if next(isIn: ".") {
        position += 1
        isInteger = false
        guard digits() > 0 else { return nil }
      }
      if next(isIn: "eE") {
        position += 1
        isInteger = false
        if next(isIn: "+-") { position += 1 }
        guard digits() > 0 else { return nil }
      }
      let text = String(decoding: bytes[start..<position], as: UTF8.self)
      if isInteger, let integer = Int64(text) { return .integer(integer) }
      return Double(text).flatMap { $0.isFinite ? .double($0) : nil }
    }

    private func next(isIn characters: StaticString) -> Bool {
      position < bytes.count
        && UnsafeBufferPointer(start: characters.utf8Start, count: characters.utf8CodeUnitCount)
          .contains(bytes[position])
    }

    /// Skips digits and says how many there were.
    private mutating func digits() -> Int {
      let start = position
      while position < bytes.count, (0x30...0x39).contains(bytes[position]) { position += 1 }
      return position - start
    }

    /// Takes a string with its quotes.
    private mutating func string() -> Text? {
      guard take("\"") else { return nil }
      let start = position
      var hasEscapes = false
      while position < bytes.count {
        switch bytes[position] {
        case UInt8(ascii: "\""):
          let text = UnsafeRawBufferPointer(rebasing: bytes[start..<position])
          position += 1
          return Text(bytes: text, hasEscapes: hasEscapes)
        case UInt8(ascii: "\\"):
          hasEscapes = true
          position += 2
        case ..<0x20: return nil
        default: position += 1
        }
      }
      return nil
    }

    /// What all of the bytes mean as the inside of a string.
    mutating func unescaped() -> String? {
      var text = ""
      var start = position
      func append(_ end: Int) -> Bool {
        guard let piece = String(validating: bytes[start..<end], as: UTF8.self) else {
          return false
        }
        text += piece
        return true
      }
      while position < bytes.count {
        guard bytes[position] == UInt8(ascii: "\\") else {
          position += 1
          continue
        }
        guard append(position), let scalar = escape() else { return nil }
        text.unicodeScalars.append(scalar)
        start = position
      }
      return append(position) ? text : nil
    }

    /// Reads an escape from its backslash on.
    private mutating func escape() -> Unicode.Scalar? {
      guard position + 1 < bytes.count else { return nil }
      let character = Unicode.Scalar(bytes[position + 1])
      position += 2
      switch character {
      case "\"", "\\", "/": return character
      case "b": return "\u{8}"
      case "f": return "\u{c}"
      case "n": return "\n"
      case "r": return "\r"
      case "t": return "\t"
      case "u":
        guard let first = codeUnit() else { return nil }
        guard UTF16.isLeadSurrogate(first) else { return Unicode.Scalar(first) }
        guard position + 1 < bytes.count, bytes[position] == UInt8(ascii: "\\"),
          bytes[position + 1] == UInt8(ascii: "u")
        else { return nil }
        position += 2
        guard let second = codeUnit(), UTF16.isTrailSurrogate(second) else { return nil }
        return UTF16.decode(UTF16.EncodedScalar([first, second]))
      default: return nil
      }
    }

    private mutating func codeUnit() -> UInt16? {
      guard position + 4 <= bytes.count else { return nil }
      let digits = bytes[position..<position + 4]
      guard digits.allSatisfy({ Unicode.Scalar($0).properties.isASCIIHexDigit }) else { return nil }
      position += 4
      return UInt16(String(decoding: digits, as: UTF8.self), radix: 16)
    }
  }
}

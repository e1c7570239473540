/// Reads the part of JSON that safetensors headers use (RFC 8259): objects, arrays, texts and whole numbers, each
/// where the caller expects it, so that nesting is no deeper than the caller's.
///
/// Foundation's readers keep one of two equal keys, where the format wants an error.
struct JSONScanner {
  /// Where the text is not what was expected.
  struct SyntaxError: Error {
    var offset: Int
    var expected: String
  }

  private let bytes: [UInt8]
  private var index = 0

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
  }

  /// Reads an object; `readValue` gets each key and has to read its value.
  mutating func readObject(_ readValue: (String, inout JSONScanner) throws -> Void) throws {
    try expect("{")
    if accept("}") { return }
    repeat {
      let key = try readText()
      try expect(":")
      try readValue(key, &self)
    } while accept(",")
    try expect("}")
  }

  /// Reads an array of whole numbers.
  mutating func readNumbers() throws -> [Int] {
    try expect("[")
    if accept("]") { return [] }
    var numbers: [Int] = []
    repeat { numbers.append(try readNumber()) } while accept(",")
    try expect("]")
    return numbers
  }

  /// Reads a whole number that is not negative.
  mutating func readNumber() throws -> Int {
    skipSpaces()
    let start = index
    while index < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[index]) {
      index += 1
    }
    guard let number = Int(String(decoding: bytes[start..<index], as: UTF8.self)) else {
      throw SyntaxError(offset: start, expected: "a whole number")
    }
    return number
  }

  /// Reads a text in quotes.
  mutating func readText() throws -> String {
    try expect("\"")
    var text: [UInt8] = []
    while index < bytes.count {
      let byte = bytes[index]
      index += 1
      switch byte {
      case UInt8(ascii: "\""):
        guard let result = String(validating: text, as: UTF8.self) else {
          throw SyntaxError(offset: index, expected: "UTF-8")
        }
        return result
      case UInt8(ascii: "\\"):
        text += try readEscape().utf8
      case 0x20...:
        text.append(byte)
      default:
        throw SyntaxError(offset: index - 1, expected: "no control characters in a text")
      }
    }
    throw SyntaxError(offset: index, expected: "the end of a text")
  }

  /// Reads a text, or a word or number up to the next comma or bracket, and forgets it.
  mutating func skipPlainValue() throws {
    skipSpaces()
    if index < bytes.count, bytes[index] == UInt8(ascii: "\"") {
      _ = try readText()
      return
    }
    let start = index
    while index < bytes.count, !Array(",}] \n\r\t{[\"".utf8).contains(bytes[index]) { index += 1 }
    if index == start { throw SyntaxError(offset: index, expected: "a text or a number") }
  }

  /// Reads the end: spaces only.
  mutating func readEnd() throws {
    skipSpaces()
    if index < bytes.count { throw SyntaxError(offset: index, expected: "the end") }
  }

  private mutating func readEscape() throws -> String {
    guard index < bytes.count else { throw SyntaxError(offset: index, expected: "an escape") }
    let byte = bytes[index]
    index += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"):
      return String(UnicodeScalar(byte))
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{c}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"):
      var units = [try readUnit()]
      if UTF16.isLeadSurrogate(units[0]), bytes[index...].starts(with: [0x5c, 0x75]) {
        index += 2
        units.append(try readUnit())
      }
      if let text = String(validating: units, as: UTF16.self) { return text }
      throw SyntaxError(offset: index, expected: "a pair of surrogates")
    default:
      throw SyntaxError(offset: index - 1, expected: "an escape")
    }
  }

  /// Four hexadecimal digits.
  private mutating func readUnit() throws -> UInt16 {
    let digits = bytes[index...].prefix(4)
    guard digits.count == 4, digits.allSatisfy({ Character(UnicodeScalar($0)).isHexDigit }),
      let unit = UInt16(String(decoding: digits, as: UTF8.self), radix: 16)
    else { throw SyntaxError(offset: index, expected: "four hexadecimal digits") }
    index += 4
    return unit
  }

  private mutating func skipSpaces() {
    while index < bytes.count, [0x20, 0x09, 0x0a, 0x0d].contains(bytes[index]) { index += 1 }
  }

  private mutating func accept(_ character: Character) -> Bool {
    skipSpaces()
    guard index < bytes.count, bytes[index] == character.asciiValue else { return false }
    index += 1
    return true
  }

  private mutating func expect(_ character: Character) throws {
    if !accept(character) { throw SyntaxError(offset: index, expected: "'\(character)'") }
  }
}

import Glibc

/// Reads JSON from bytes, value by value, as RFC 8259 has it and nothing more.
///
/// It builds no tree: whoever knows the schema asks for what is to come and passes over the rest, so that hundreds of
/// megabytes a second go through it. Whatever the bytes are, a fault is thrown and nothing traps.
struct JSONCursor {
  /// Levels of lists and objects that a value which is passed over may have.
  static let depthLimit = 512

  private let start: UnsafePointer<UInt8>
  private var position: UnsafePointer<UInt8>
  private let end: UnsafePointer<UInt8>

  /// A cursor at the first byte; good as long as the bytes are.
  init(_ bytes: UnsafeRawBufferPointer) {
    let bytes = bytes.bindMemory(to: UInt8.self)
    start = bytes.baseAddress ?? Self.nothing
    position = start
    end = start + bytes.count
  }

  /// Where a cursor over no bytes stands.
  private static var nothing: UnsafePointer<UInt8> {
    let nothing: StaticString = ""
    return nothing.utf8Start
  }

  /// Bytes before the position.
  var offset: Int { position - start }

  /// A fault at the position.
  func fault(_ problem: String) -> JSONFault { JSONFault(problem: problem, offset: offset) }

  /// Skips white space.
  @inline(__always)
  mutating func skipSpace() {
    while position < end, position.pointee <= 0x20 {
      guard Self.isSpace(position.pointee) else { return }
      position += 1
    }
  }

  private static func isSpace(_ byte: UInt8) -> Bool {
    byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09
  }

  /// Skips white space and says whether nothing is left.
  mutating func isAtEnd() -> Bool {
    skipSpace()
    return position == end
  }

  /// Skips white space, and takes the character if it is next.
  @inline(__always)
  mutating func take(_ character: Unicode.Scalar) -> Bool {
    skipSpace()
    guard position < end, position.pointee == UInt8(truncatingIfNeeded: character.value) else {
      return false
    }
    position += 1
    return true
  }

  /// Skips white space and takes the character.
  @inline(__always)
  mutating func require(_ character: Unicode.Scalar) throws(JSONFault) {
    guard take(character) else { throw fault("there should be a '\(character)'") }
  }

  /// Takes the members of an object one after another; `member` takes each value.
  @inline(__always)
  mutating func members(
    _ member: (inout JSONCursor, JSONString) throws(JSONFault) -> Void
  ) throws(JSONFault) {
    try require("{")
    if take("}") { return }
    repeat {
      let key = try string()
      try require(":")
      try member(&self, key)
    } while take(",")
    guard take("}") else { throw fault("there should be a ',' or a '}'") }
  }

  /// Takes the elements of a list one after another; `element` takes each.
  @inline(__always)
  mutating func elements(
    _ element: (inout JSONCursor) throws(JSONFault) -> Void
  ) throws(JSONFault) {
    try require("[")
    if take("]") { return }
    repeat { try element(&self) } while take(",")
    guard take("]") else { throw fault("there should be a ',' or a ']'") }
  }

  /// Takes a string with its quotes.
  @inline(__always)
  mutating func string() throws(JSONFault) -> JSONString {
    guard take("\"") else { throw fault("there should be a string") }
    let first = position
    var hasEscapes = false
    while position < end {
      let byte = position.pointee
      if byte == UInt8(ascii: "\"") {
        let bytes = UnsafeRawBufferPointer(start: first, count: position - first)
        position += 1
        return JSONString(bytes: bytes, hasEscapes: hasEscapes)
      }
      if byte < 0x20 { throw fault("there is a control character in a string") }
      if byte == UInt8(ascii: "\\") {
        hasEscapes = true
        position += 1
        // The byte after it, whatever it is, ends nothing.
        if position == end { break }
      }
      position += 1
    }
    throw fault("a string does not end")
  }

  /// Takes `null`, if that is next.
  @inline(__always)
  mutating func takeNull() -> Bool {
    skipSpace()
    guard position < end, position.pointee == UInt8(ascii: "n") else { return false }
    return takeWord("null")
  }

  /// Takes true or false.
  mutating func bool() throws(JSONFault) -> Bool {
    skipSpace()
    if takeWord("true") { return true }
    if takeWord("false") { return false }
    throw fault("there should be true or false")
  }

  private mutating func takeWord(_ word: StaticString) -> Bool {
    let count = word.utf8CodeUnitCount
    guard end - position >= count, memcmp(position, word.utf8Start, count) == 0 else {
      return false
    }
    position += count
    return true
  }

  /// Takes a number, as the double that is nearest to it.
  @inline(__always)
  mutating func double() throws(JSONFault) -> Double {
    let number = try number()
    if let value = number.quickValue { return value }
    return try slowValue(number)
  }

  /// Takes a whole number; one that is written with a fraction or an exponent is none.
  @inline(__always)
  mutating func integer() throws(JSONFault) -> Int {
    let number = try number()
    guard number.isWhole, let digits = number.digits, digits <= UInt64(Int64.max) else {
      throw fault("there should be a whole number of at most 18 digits")
    }
    // Bounded above.
    return number.isNegative ? -Int(digits) : Int(digits)
  }

  /// A number as it is written.
  private struct Number {
    /// The digits as one whole number, the point left out; nil where they are more than 18.
    var digits: UInt64?
    /// How many of them stand after the point.
    var decimals: Int
    var isNegative: Bool
    /// Whether there is neither a point nor an exponent.
    var isWhole: Bool
    var hasExponent: Bool
    var text: UnsafeRawBufferPointer

    /// The value where one correctly rounded division tells it (Clinger 1990, "How to read floating point numbers
    /// accurately"): both sides are whole numbers that a double holds.
    var quickValue: Double? {
      guard let digits, digits <= 1 << 53, decimals <= 22, !hasExponent else { return nil }
      let magnitude = Double(digits) / JSONCursor.powersOfTen[decimals]
      return isNegative ? -magnitude : magnitude
    }
  }

  private static let powersOfTen: [Double] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
  ]

  @inline(__always)
  private mutating func number() throws(JSONFault) -> Number {
    skipSpace()
    let first = position
    let isNegative = position < end && position.pointee == UInt8(ascii: "-")
    if isNegative { position += 1 }
    var digits: UInt64 = 0
    let whole = takeDigits(&digits)
    guard whole > 0 else { throw fault("there should be a number") }
    guard whole == 1 || (position - whole).pointee != UInt8(ascii: "0") else {
      throw fault("a number begins with a zero that means nothing")
    }
    var decimals = 0
    if position < end, position.pointee == UInt8(ascii: ".") {
      position += 1
      decimals = takeDigits(&digits)
      guard decimals > 0 else { throw fault("there should be digits after the point") }
    }
    var isWhole = decimals == 0
    var hasExponent = false
    if position < end, position.pointee | 0x20 == UInt8(ascii: "e") {
      position += 1
      (isWhole, hasExponent) = (false, true)
      if position < end, position.pointee == 0x2b || position.pointee == 0x2d { position += 1 }
      var exponent: UInt64 = 0
      guard takeDigits(&exponent) > 0 else { throw fault("there should be an exponent") }
    }
    return Number(
      digits: whole + decimals <= 18 ? digits : nil, decimals: decimals, isNegative: isNegative,
      isWhole: isWhole, hasExponent: hasExponent,
      text: UnsafeRawBufferPointer(start: first, count: position - first))
  }

  /// Takes digits and says how many; their value is right up to 18 of them, and wraps round after that.
  @inline(__always)
  private mutating func takeDigits(_ value: inout UInt64) -> Int {
    let first = position
    while position < end {
      let digit = position.pointee &- 0x30
      if digit > 9 { break }
      // Wraps for longer numbers, whose value is then not used.
      value = value &* 10 &+ UInt64(digit)
      position += 1
    }
    return position - first
  }

  @inline(never)
  private func slowValue(_ number: Number) throws(JSONFault) -> Double {
    // Longer ones are exact as well, but nobody measures with a thousand digits.
    guard number.text.count <= 1000,
      let value = Double(String(decoding: number.text, as: UTF8.self)), value.isFinite
    else { throw fault("a number is too large or too long") }
    return value
  }

  /// Passes over a value, whatever it is.
  mutating func skipValue() throws(JSONFault) {
    // Of each level, whether it is an object.
    var levels: [Bool] = []
    while true {
      skipSpace()
      guard position < end else { throw fault("there should be a value") }
      switch position.pointee {
      case UInt8(ascii: "\""): _ = try string()
      case UInt8(ascii: "{"), UInt8(ascii: "["):
        let isObject = position.pointee == UInt8(ascii: "{")
        position += 1
        guard levels.count < Self.depthLimit else {
          throw fault("lists and objects lie deeper in each other than \(Self.depthLimit) levels")
        }
        if !take(isObject ? "}" : "]") {
          levels.append(isObject)
          if isObject { try skipKey() }
          continue
        }
      case UInt8(ascii: "t"), UInt8(ascii: "f"): _ = try bool()
      case UInt8(ascii: "n"):
        guard takeNull() else { throw fault("there should be a value") }
      default: _ = try number()
      }
      // A value has ended, and with it perhaps what it is in.
      while let isObject = levels.last {
        if take(",") {
          if isObject { try skipKey() }
          break
        }
        guard take(isObject ? "}" : "]") else {
          throw fault("there should be a ',' or a '\(isObject ? "}" : "]")'")
        }
        levels.removeLast()
      }
      if levels.isEmpty { return }
    }
  }

  private mutating func skipKey() throws(JSONFault) {
    _ = try string()
    try require(":")
  }
}

/// Why bytes are not the JSON that was asked for.
struct JSONFault: Error {
  /// What is wrong, as a clause.
  var problem: String
  /// After so many bytes.
  var offset: Int
}

/// A string as it stands between its quotes; good as long as the bytes it was read from.
struct JSONString {
  let bytes: UnsafeRawBufferPointer
  let hasEscapes: Bool

  /// Whether it is this, written without escapes.
  @inline(__always)
  func equals(_ text: StaticString) -> Bool {
    guard bytes.count == text.utf8CodeUnitCount, let first = bytes.baseAddress else {
      return false
    }
    return memcmp(first, text.utf8Start, bytes.count) == 0
  }

  /// What it says; nil where that is not UTF-8, or an escape means nothing (half of a surrogate pair, say).
  var decoded: String? {
    guard hasEscapes else { return String(validating: bytes, as: UTF8.self) }
    var text: [UInt8] = []
    text.reserveCapacity(bytes.count)
    var rest = bytes[...]
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "\\") {
        guard let scalar = Self.escaped(&rest) else { return nil }
        text.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
      } else {
        text.append(byte)
      }
    }
    return String(validating: text, as: UTF8.self)
  }

  /// What an escape means whose backslash has been taken.
  private static func escaped(_ rest: inout Slice<UnsafeRawBufferPointer>) -> Unicode.Scalar? {
    switch rest.popFirst() {
    case UInt8(ascii: "\""): return "\""
    case UInt8(ascii: "\\"): return "\\"
    case UInt8(ascii: "/"): return "/"
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{c}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"):
      guard let first = codeUnit(&rest) else { return nil }
      guard UTF16.isLeadSurrogate(first) else { return Unicode.Scalar(first) }
      guard rest.popFirst() == UInt8(ascii: "\\"), rest.popFirst() == UInt8(ascii: "u"),
        let second = codeUnit(&rest), UTF16.isTrailSurrogate(second)
      else { return nil }
      return UTF16.decode(UTF16.EncodedScalar([first, second]))
    default: return nil
    }
  }

  private static func codeUnit(_ rest: inout Slice<UnsafeRawBufferPointer>) -> UInt16? {
    var unit: UInt16 = 0
    for _ in 0..<4 {
      guard let byte = rest.popFirst(),
        let digit = Character(Unicode.Scalar(byte)).hexDigitValue
      else { return nil }
      unit = unit << 4 | UInt16(digit)
    }
    return unit
  }
}

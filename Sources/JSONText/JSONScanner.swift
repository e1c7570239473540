/// Reads a JSON text (RFC 8259) from bytes, front to back, and builds nothing that is not asked for.
///
///     var scanner = JSONScanner(bytes)
///     try scanner.beginObject()
///     while let key = try scanner.nextKey() {
///       switch key {
///       case "source": source = try scanner.readString().text
///       default: try scanner.skipValue()
///       }
///     }
///     try scanner.readEnd()
///
/// It takes what the standard takes and nothing more: also what is skipped is checked, to the escapes and the UTF-8 of
/// its strings. Numbers beyond a double's range and more than `maxDepth` values within each other are refused. Keys
/// come as they stand, one that is there twice comes twice. A byte order mark is not skipped.
///
/// It does not own the bytes: they have to stay where they are while it, or a string that it gave, is in use.
public struct JSONScanner {
  /// The deepest nesting of arrays and objects.
  public static let maxDepth = 512

  let bytes: UnsafeRawBufferPointer
  /// Bytes that have been read.
  public internal(set) var offset = 0
  /// Arrays and objects that have begun and not ended.
  private var depth = 0
  /// Whether the innermost of them has just begun.
  private var isAtFirst = false

  /// Starts before the first byte.
  public init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  /// Takes the beginning of an object, whose members `nextKey` then hands out.
  public mutating func beginObject() throws(JSONError) { try begin(UInt8(ascii: "{")) }

  /// Takes the beginning of an array, whose elements `nextElement` then counts out.
  public mutating func beginArray() throws(JSONError) { try begin(UInt8(ascii: "[")) }

  /// Goes to the next member of the object; its value has to be read or skipped before the next call.
  ///
  /// - Returns: The member's key; nil at the end of the object, which is then read.
  public mutating func nextKey() throws(JSONError) -> JSONString? {
    guard try goesOn(until: UInt8(ascii: "}")) else { return nil }
    let key = try readString()
    guard take(UInt8(ascii: ":")) else { throw error("there should be a ':'") }
    return key
  }

  /// Goes to the next element of the array, which has to be read or skipped before the next call.
  ///
  /// - Returns: Whether there is one; else the end of the array is read.
  public mutating func nextElement() throws(JSONError) -> Bool {
    try goesOn(until: UInt8(ascii: "]"))
  }

  /// Reads a string.
  public mutating func readString() throws(JSONError) -> JSONString {
    guard peek() == UInt8(ascii: "\"") else { throw error("there should be a string") }
    return try stringAfterPeek()
  }

  /// Reads a number.
  public mutating func readNumber() throws(JSONError) -> JSONNumber {
    switch peek() {
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try numberAfterPeek()
    default: throw error("there should be a number")
    }
  }

  /// Reads a number that is a whole one, however it is written: 3.0 is 3.
  public mutating func readWholeNumber() throws(JSONError) -> Int {
    _ = peek()
    let start = offset
    guard let number = try? readNumber().wholeNumber else {
      offset = start
      throw error("there should be a whole number")
    }
    return number
  }

  /// Reads a number that is written as a whole one, without point or exponent, and within 64 bits.
  public mutating func readInteger() throws(JSONError) -> Int {
    _ = peek()
    let start = offset
    guard case .integer(let value) = try readNumber() else {
      offset = start
      throw error("there should be a whole number")
    }
    return Int(value)
  }

  /// Reads true or false.
  public mutating func readBool() throws(JSONError) -> Bool {
    switch peek() {
    case UInt8(ascii: "t"):
      try take(word: "true")
      return true
    case UInt8(ascii: "f"):
      try take(word: "false")
      return false
    default: throw error("there should be true or false")
    }
  }

  /// Reads a null, if there is one.
  ///
  /// - Returns: Whether there was.
  public mutating func takeNull() throws(JSONError) -> Bool {
    guard peek() == UInt8(ascii: "n") else { return false }
    try take(word: "null")
    return true
  }

  /// Reads a value that has no values in it; of one that has it tells the kind and reads nothing.
  public mutating func readToken() throws(JSONError) -> JSONToken {
    switch peek() {
    case UInt8(ascii: "\""): return .string(try stringAfterPeek())
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
      return .number(try numberAfterPeek())
    case UInt8(ascii: "t"), UInt8(ascii: "f"): return .bool(try readBool())
    case UInt8(ascii: "n"):
      try take(word: "null")
      return .null
    case UInt8(ascii: "{"): return .object
    case UInt8(ascii: "["): return .array
    default: throw error("there should be a value")
    }
  }

  /// Reads a value of any kind and forgets it.
  public mutating func skipValue() throws(JSONError) {
    switch try readToken() {
    case .string, .number, .bool, .null: return
    // As deep as `maxDepth` lets it be.
    case .object:
      try beginObject()
      while try nextKey() != nil { try skipValue() }
    case .array:
      try beginArray()
      while try nextElement() { try skipValue() }
    }
  }

  /// Reads the end of the text: nothing but white space.
  public mutating func readEnd() throws(JSONError) {
    _ = peek()
    if offset < bytes.count { throw error("there is more after the end") }
  }

  /// An error at the place where the scanner is.
  ///
  /// - Parameter problem: What is wrong, as a clause.
  /// - Returns: The error.
  public func error(_ problem: String) -> JSONError { JSONError(problem, offset: offset) }
}

extension JSONScanner {
  private mutating func begin(_ bracket: UInt8) throws(JSONError) {
    guard peek() == bracket else {
      throw error("there should be a '\(Character(Unicode.Scalar(bracket)))'")
    }
    guard depth < Self.maxDepth else {
      throw error("lists and objects lie deeper in each other than \(Self.maxDepth) levels")
    }
    offset += 1
    depth += 1
    isAtFirst = true
  }

  /// Takes the comma between members or elements, or the bracket that ends them.
  private mutating func goesOn(until bracket: UInt8) throws(JSONError) -> Bool {
    let next = peek()
    if next == bracket {
      offset += 1
      depth -= 1
      isAtFirst = false
      return false
    }
    if isAtFirst {
      isAtFirst = false
      return true
    }
    guard next == UInt8(ascii: ",") else {
      throw error("there should be a ',' or a '\(Character(Unicode.Scalar(bracket)))'")
    }
    offset += 1
    return true
  }

  /// Skips white space.
  ///
  /// - Returns: The byte behind it, which stays unread; at the end 0, which begins nothing.
  @inline(__always)
  private mutating func peek() -> UInt8 {
    while offset < bytes.count {
      let byte = bytes[offset]
      switch byte {
      case 0x20, 0x09, 0x0a, 0x0d: offset += 1
      default: return byte
      }
    }
    return 0
  }

  private mutating func take(_ byte: UInt8) -> Bool {
    guard peek() == byte else { return false }
    offset += 1
    return true
  }

  private mutating func take(word: StaticString) throws(JSONError) {
    let letters = UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount)
    guard bytes.count - offset >= letters.count,
      bytes[offset..<offset + letters.count].elementsEqual(letters)
    else { throw error("there should be a value") }
    offset += letters.count
  }
}

// MARK: - Strings

extension JSONScanner {
  private mutating func stringAfterPeek() throws(JSONError) -> JSONString {
    let start = offset + 1
    var position = start
    var hasEscapes = false
    var isASCII = true
    while true {
      position = endOfPlainText(from: position)
      guard position < bytes.count else {
        offset = position
        throw error("a string does not end")
      }
      let byte = bytes[position]
      if byte == UInt8(ascii: "\"") { break }
      if byte >= 0x80 {
        isASCII = false
        position += 1
      } else if byte == UInt8(ascii: "\\") {
        hasEscapes = true
        let place = position
        guard JSONEscape.read(bytes, &position) != nil else {
          offset = place
          throw error("an escape in a string stands for no character")
        }
      } else {
        offset = position
        throw error("there is a control character in a string")
      }
    }
    let text = UnsafeRawBufferPointer(rebasing: bytes[start..<position])
    if !isASCII, !Self.isUTF8(text) {
      offset = start
      throw error("a string is not UTF-8")
    }
    offset = position + 1
    return JSONString(bytes: text, hasEscapes: hasEscapes)
  }

  /// The place of the first byte that is a quote, a backslash, a control or not ASCII; eight at a time.
  private func endOfPlainText(from start: Int) -> Int {
    let ones: UInt64 = 0x0101_0101_0101_0101
    let highs: UInt64 = 0x8080_8080_8080_8080
    var position = start
    while bytes.count - position >= 8 {
      let word = UInt64(
        littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self))
      // A byte of `x &- ones` gets its high bit where x was 0, and above such a byte, which does no harm: the lowest
      // is what counts (Hacker's Delight, 6-1). Wrapping arithmetic is the method.
      let quote = word ^ (ones &* 0x22)
      let backslash = word ^ (ones &* 0x5c)
      let found =
        (((quote &- ones) & ~quote) | ((backslash &- ones) & ~backslash)
          | ((word &- ones &* 0x20) & ~word) | word) & highs
      if found != 0 { return position + found.trailingZeroBitCount / 8 }
      position += 8
    }
    while position < bytes.count {
      switch bytes[position] {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"), ..<0x20, 0x80...: return position
      default: position += 1
      }
    }
    return position
  }

  private static func isUTF8(_ bytes: UnsafeRawBufferPointer) -> Bool {
    bytes.withMemoryRebound(to: UInt8.self) { bytes in
      // What it throws says where; that it is not is enough here.
      (try? UTF8Span(validating: bytes.span)) != nil
    }
  }
}

// MARK: - Numbers

extension JSONScanner {
  private mutating func numberAfterPeek() throws(JSONError) -> JSONNumber {
    let start = offset
    let isNegative = take(UInt8(ascii: "-"))
    /// The digits without the point, as long as they fit.
    var digits: UInt64 = 0
    let first = offset
    readDigits(&digits)
    guard offset > first else { throw error("there should be a number") }
    guard offset == first + 1 || bytes[first] != UInt8(ascii: "0") else {
      throw error("a number begins with a zero that means nothing")
    }
    var digitCount = offset - first
    var exponent = 0
    var isInteger = true
    if next(is: UInt8(ascii: ".")) {
      isInteger = false
      let point = offset
      readDigits(&digits)
      guard offset > point else { throw error("there should be digits after the point") }
      exponent = point - offset
      digitCount += offset - point
    }
    if next(is: UInt8(ascii: "e")) || next(is: UInt8(ascii: "E")) {
      isInteger = false
      var power: UInt64 = 0
      let isPowerNegative = next(is: UInt8(ascii: "-"))
      if !isPowerNegative { _ = next(is: UInt8(ascii: "+")) }
      let start = offset
      readDigits(&power)
      guard offset > start else { throw error("there should be an exponent") }
      // No more than 4 digits: others are left to the slow way.
      if offset - start > 4 {
        digitCount = .max
      } else {
        exponent += Int(power) * (isPowerNegative ? -1 : 1)
      }
    }
    // 19 digits fit in 64 bits.
    if digitCount <= 19 {
      if isInteger, let whole = Int64(exactly: digits) {
        return .integer(isNegative ? -whole : whole)
      }
      // Both are exact as doubles, so that one operation rounds once (Clinger 1990).
      if !isInteger, digits < 1 << 53, abs(exponent) <= 22 {
        let whole = Double(digits)
        let value =
          exponent < 0
          ? whole / Self.powersOfTen[-exponent] : whole * Self.powersOfTen[exponent]
        return .double(isNegative ? -value : value)
      }
    }
    let text = String(decoding: bytes[start..<offset], as: UTF8.self)
    if isInteger, let whole = Int64(text) { return .integer(whole) }
    guard let value = Double(text), value.isFinite else {
      offset = start
      throw error("a number is too large")
    }
    return .double(value)
  }

  /// Takes digits, adding them to the number; wraps around after 19 of them.
  @inline(__always)
  private mutating func readDigits(_ number: inout UInt64) {
    while offset < bytes.count {
      // Wrapping: what is no digit becomes a large number.
      let digit = bytes[offset] &- UInt8(ascii: "0")
      guard digit < 10 else { return }
      number = number &* 10 &+ UInt64(digit)
      offset += 1
    }
  }

  /// Takes a byte if it is the very next one.
  @inline(__always)
  private mutating func next(is byte: UInt8) -> Bool {
    guard offset < bytes.count, bytes[offset] == byte else { return false }
    offset += 1
    return true
  }

  private static let powersOfTen: [Double] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17,
    1e18, 1e19, 1e20, 1e21, 1e22,
  ]
}

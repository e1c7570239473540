/// What is wrong with a message.
struct MessageError: Error, Equatable, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}

/// Puts the fields of a message one after another: numbers little-endian in 8 bytes, texts and lists after their length.
struct MessageWriter {
  private(set) var bytes: [UInt8]
  #if DEBUG
    /// Where each field begins, for tests that lie in each.
    private(set) var fields: [Int] = []
  #endif

  /// Begins a message with the version of all messages and its own kind.
  init(kind: UInt8) { bytes = [Message.version, kind] }

  mutating func put(_ number: Int) {
    begin()
    withUnsafeBytes(of: Int64(number).littleEndian) { bytes.append(contentsOf: $0) }
  }

  mutating func put(_ number: Double) { put(Int(bitPattern: UInt(number.bitPattern))) }

  mutating func put(_ truth: Bool) {
    begin()
    bytes.append(truth ? 1 : 0)
  }

  mutating func put(_ text: String) {
    // One that is too long is cut, not refused: it is for people.
    let text = text.utf8.prefix(Message.maxTextBytes)
    put(text.count)
    bytes.append(contentsOf: text)
  }

  /// Not more than the reader takes.
  mutating func put(bytes more: [UInt8]) {
    put(more.count)
    bytes.append(contentsOf: more)
  }

  private mutating func begin() {
    #if DEBUG
      fields.append(bytes.count)
    #endif
  }

  mutating func put<Value>(_ value: Value?, _ put: (inout Self, Value) -> Void) {
    self.put(value != nil)
    if let value { put(&self, value) }
  }
}

/// Takes the fields of a message in their order, and believes none of them.
struct MessageReader {
  let kind: UInt8
  private var rest: ArraySlice<UInt8>

  /// Begins with a whole message.
  ///
  /// - Throws: `MessageError` if it is of another version or too short.
  init(_ message: ArraySlice<UInt8>) throws(MessageError) {
    rest = message
    let version = try Self.byte(&rest)
    guard version == Message.version else { throw MessageError("a message of version \(version)") }
    kind = try Self.byte(&rest)
  }

  private static func byte(_ rest: inout ArraySlice<UInt8>) throws(MessageError) -> UInt8 {
    guard let byte = rest.popFirst() else { throw MessageError("a message that is too short") }
    return byte
  }

  private mutating func word() throws(MessageError) -> UInt64 {
    var word: UInt64 = 0
    for place in 0..<8 { word |= UInt64(try Self.byte(&rest)) << (8 * UInt64(place)) }
    return word
  }

  /// A number in a range.
  mutating func number(
    _ name: String, in range: ClosedRange<Int>
  ) throws(MessageError) -> Int {
    let number = Int(Int64(bitPattern: try word()))
    guard range.contains(number) else { throw MessageError("\(number) as \(name)") }
    return number
  }

  /// A finite number.
  mutating func decimal(_ name: String) throws(MessageError) -> Double {
    let number = Double(bitPattern: try word())
    guard number.isFinite else { throw MessageError("\(number) as \(name)") }
    return number
  }

  mutating func truth(_ name: String) throws(MessageError) -> Bool {
    switch try Self.byte(&rest) {
    case 0: return false
    case 1: return true
    case let byte: throw MessageError("\(byte) as \(name)")
    }
  }

  /// A text for people, in which nothing commands their terminal.
  mutating func text(_ name: String) throws(MessageError) -> String {
    let count = try number("length of the \(name)", in: 0...Message.maxTextBytes)
    guard rest.count >= count else { throw MessageError("a \(name) that is too short") }
    defer { rest = rest.dropFirst(count) }
    let text = String(decoding: rest.prefix(count), as: UTF8.self)
    let isPlain = text.unicodeScalars.allSatisfy { !Self.isControl($0) }
    return isPlain
      ? text
      : String(String.UnicodeScalarView(text.unicodeScalars.map { Self.isControl($0) ? " " : $0 }))
  }

  /// A list of bytes.
  mutating func bytes(_ name: String, atMost limit: Int) throws(MessageError) -> [UInt8] {
    let count = try number("length of the \(name)", in: 0...limit)
    guard rest.count >= count else { throw MessageError("a \(name) that is too short") }
    defer { rest = rest.dropFirst(count) }
    return Array(rest.prefix(count))
  }

  private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
    scalar.value < 0x20 || (0x7f..<0xa0).contains(scalar.value)
  }

  mutating func optional<Value>(
    _ name: String, _ take: (inout Self) throws(MessageError) -> Value
  ) throws(MessageError) -> Value? {
    try truth("whether there is a \(name)") ? try take(&self) : nil
  }

  /// Makes sure that nothing is left.
  func end() throws(MessageError) {
    guard rest.isEmpty else { throw MessageError("\(rest.count) bytes too many in a message") }
  }
}

/// What holds of every message.
enum Message {
  /// Of the form of all messages: both sides are one program, so that another version is no message of it.
  static let version: UInt8 = 1
  static let maxBytes = 64 << 10
  static let maxTextBytes = 4096
  /// Counts of frames, errors and bytes, far from where their sums could overflow.
  static let count = 0...(1 << 50)
  /// Of ITU-T H.273, and those that FFmpeg adds.
  static let codePoints = 0...0xffff
}

// The instructions of protocol 0, which write values as lines of text.

extension Unpickler {
  /// A number in digits: I (also 00 and 01 for truth values), L or F.
  mutating func writtenNumber(
    _ instruction: PickleInstruction
  ) throws(CheckpointError) -> PickleValue {
    let line = try reader.line()
    if instruction == .float {
      guard let number = Double(line) else { throw malformed("writes a number as '\(line)'") }
      return .float(number)
    }
    if instruction == .int, line == "00" || line == "01" { return .bool(line == "01") }
    guard let number = Int(line.hasSuffix("L") ? String(line.dropLast()) : line) else {
      return result.placeholder(.unsupported("a whole number '\(line)' in its pickle"))
    }
    return .int(number)
  }

  mutating func writtenIndex() throws(CheckpointError) -> Int {
    let line = try reader.line()
    guard let index = Int(line) else { throw malformed("counts its values as '\(line)'") }
    return index
  }

  /// A text on a line, S in quotes, V without: only what stands there as it is meant, without escapes, is a text here.
  mutating func pushWrittenText(isQuoted: Bool) throws(CheckpointError) {
    var range = try reader.skipLine()
    if isQuoted {
      guard range.count >= 2 else { throw malformed("has a text without quotes") }
      range = FileRange(offset: range.offset + 1, count: range.count - 2)
    }
    let bytes = try file.bytes(at: range.offset, count: min(range.count, Self.maxTextByteCount))
    guard bytes.count == range.count, bytes.allSatisfy({ (0x20..<0x7f).contains($0) && $0 != 0x5c })
    else {
      stack.append(
        result.placeholder(.unsupported("a text with escapes, as of pickle protocol 0")))
      return
    }
    stack.append(.text(String(decoding: bytes, as: UTF8.self), range))
  }
}

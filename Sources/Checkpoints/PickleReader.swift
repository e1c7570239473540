/// Reads a part of a file byte by byte through a window of 64 KiB.
struct PickleReader {
  private let file: CheckpointFile
  private let end: Int
  private var window: [UInt8] = []
  private var windowStart: Int
  private(set) var position: Int

  init(_ file: CheckpointFile, _ range: FileRange) {
    self.file = file
    position = range.offset
    windowStart = range.offset
    end = range.offset + range.count
  }

  mutating func byte() throws(CheckpointError) -> UInt8 {
    if position - windowStart >= window.count {
      guard position < end else { throw truncated() }
      window = try file.bytes(at: position, count: min(1 << 16, end - position))
      windowStart = position
    }
    position += 1
    return window[position - 1 - windowStart]
  }

  /// An unsigned number, least significant byte first.
  mutating func number(bytes count: Int) throws(CheckpointError) -> UInt64 {
    var result: UInt64 = 0
    for index in 0..<count { result |= UInt64(try byte()) << (8 * UInt64(index)) }
    return result
  }

  /// A signed number of 32 bits.
  mutating func signedNumber() throws(CheckpointError) -> Int {
    Int(Int32(truncatingIfNeeded: try number(bytes: 4)))
  }

  /// The next `count` bytes, which stay in the file.
  mutating func skip(_ count: UInt64) throws(CheckpointError) -> FileRange {
    guard count <= UInt64(end - position) else { throw truncated() }
    defer { position += Int(count) }
    return FileRange(offset: position, count: Int(count))
  }

  /// The next few bytes.
  mutating func bytes(_ count: Int) throws(CheckpointError) -> [UInt8] {
    guard count <= end - position else { throw truncated() }
    var result: [UInt8] = []
    for _ in 0..<count { result.append(try byte()) }
    return result
  }

  /// Bytes to the end of a line, without it.
  mutating func line() throws(CheckpointError) -> String {
    var result: [UInt8] = []
    while true {
      let byte = try byte()
      if byte == UInt8(ascii: "\n") { return String(decoding: result, as: UTF8.self) }
      guard result.count < 256 else {
        throw file.error(.malformed("a name of more than 256 bytes in its pickle"))
      }
      result.append(byte)
    }
  }

  /// The bytes to the end of a line, without it; they stay in the file.
  mutating func skipLine() throws(CheckpointError) -> FileRange {
    let start = position
    while try byte() != UInt8(ascii: "\n") {}
    return FileRange(offset: start, count: position - 1 - start)
  }

  private func truncated() -> CheckpointError {
    file.error(.truncated("its pickle ends at byte \(end)"))
  }
}

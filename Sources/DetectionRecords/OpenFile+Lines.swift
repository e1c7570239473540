import Glibc

extension OpenFile {
  /// Reads the file's whole lines in order, in memory bounded by the longest one.
  ///
  /// - Parameters:
  ///   - limit: Bytes that a line may have; a longer one ends the scan, as damage does.
  ///   - body: Is handed each line, its LF included, and says whether it is good; the first that is not ends the scan.
  /// - Returns: The offset after the last good line.
  /// - Throws: Why the file cannot be read.
  func scanLines(
    limit: Int = 64 << 20, _ body: (UnsafeRawBufferPointer) -> Bool
  ) throws(RecordsError) -> Int64 {
    var buffer = [UInt8](repeating: 0, count: 1 << 18)
    var pending: [UInt8] = []
    var goodEnd: Int64 = 0
    var offset: Int64 = 0
    while true {
      let count = try read(at: offset, into: &buffer)
      if count == 0 { return goodEnd }
      offset += Int64(count)
      // Only the new bytes are searched for the end of a line.
      var searched = pending.count
      pending.append(contentsOf: buffer[..<count])
      var start = 0
      let isGood = pending.withUnsafeBytes { bytes -> Bool in
        while let end = bytes[searched...].firstIndex(of: 0x0a) {
          if !body(UnsafeRawBufferPointer(rebasing: bytes[start...end])) { return false }
          start = end + 1
          searched = start
        }
        return bytes.count - start <= limit
      }
      goodEnd += Int64(start)
      if !isGood { return goodEnd }
      pending.removeSubrange(..<start)
    }
  }
}

extension UnsafeRawBufferPointer {
  /// Whether the bytes begin with these.
  func hasPrefix(_ prefix: [UInt8]) -> Bool {
    guard count >= prefix.count, let baseAddress else { return prefix.isEmpty }
    return memcmp(baseAddress, prefix, prefix.count) == 0
  }

  /// How many times the bytes hold these, none of them overlapping; `part` must not be empty.
  func count(of part: [UInt8]) -> Int {
    guard var position = baseAddress else { return 0 }
    let end = position + count
    var found = 0
    while end - position >= part.count,
      let next = memchr(position, Int32(part[0]), end - position - part.count + 1)
    {
      if memcmp(next, part, part.count) == 0 {
        found += 1
        position = UnsafeRawPointer(next) + part.count
      } else {
        position = UnsafeRawPointer(next) + 1
      }
    }
    return found
  }
}

extension OpenFile {
  /// Reads the file's whole lines in order, in memory bounded by the longest one.
  ///
  /// - Parameters:
  ///   - limit: Bytes that a line may have; a longer one ends the scan, as damage does.
  ///   - body: Is handed each line, its LF included, and says whether it is good; the first that is not ends the scan.
  /// - Returns: The offset after the last good line.
  /// - Throws: Why the file cannot be read.
  public func scanLines(
    limit: Int = 64 << 20, _ body: (UnsafeRawBufferPointer) -> Bool
  ) throws(FileError) -> Int64 {
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

import Glibc

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

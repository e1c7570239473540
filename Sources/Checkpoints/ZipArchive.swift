/// The entries of a zip archive, by its central directory (APPNOTE.TXT 6.3): local headers are allowed to hold zeros
/// where sizes belong, and PyTorch's do. Stored entries only; checksums are not compared, because writers may leave
/// them out.
struct ZipArchive {
  private let file: CheckpointFile
  private var entries: [String: Entry] = [:]

  private struct Entry {
    var isPlain: Bool
    /// Bytes in the archive.
    var size: Int
    var headerOffset: Int
  }

  init(_ file: CheckpointFile) throws(CheckpointError) {
    self.file = file
    let directory = try Self.locateDirectory(file)
    let bytes = try file.bytes(at: directory.offset, count: directory.count)
    var position = 0
    while position < bytes.count {
      guard position + 46 <= bytes.count,
        bytes.littleEndian(at: position, count: 4) == 0x0201_4b50
      else { throw file.error(.malformed("its directory of entries")) }
      func field(_ offset: Int, _ count: Int) -> Int {
        Int(bytes.littleEndian(at: position + offset, count: count))
      }
      let (nameSize, extraSize) = (field(28, 2), field(30, 2))
      let next = position + 46 + nameSize + extraSize + field(32, 2)
      guard next <= bytes.count else { throw file.error(.malformed("its directory of entries")) }
      let extra = position + 46 + nameSize
      guard
        let sizes = Self.wideFields(
          [field(24, 4), field(20, 4), field(42, 4)], Array(bytes[extra..<extra + extraSize])),
        let name = String(validating: bytes[position + 46..<extra], as: UTF8.self)
      else { throw file.error(.malformed("its directory of entries")) }
      // Bit 0 of the flags: encrypted. Method 0: stored, both sizes equal.
      let isPlain = field(8, 2) & 1 == 0 && field(10, 2) == 0 && sizes[0] == sizes[1]
      let entry = Entry(isPlain: isPlain, size: sizes[1], headerOffset: sizes[2])
      guard entries.updateValue(entry, forKey: name) == nil else {
        throw file.error(.malformed("two entries named '\(name)'"))
      }
      position = next
    }
    try refuseOverlaps(before: directory.offset)
  }

  /// All names, sorted.
  var names: [String] { entries.keys.sorted() }

  /// Where the bytes of an entry lie; nil where there is no such entry.
  func range(_ name: String) throws(CheckpointError) -> FileRange? {
    guard let entry = entries[name] else { return nil }
    guard entry.isPlain else {
      throw file.error(.unsupported("the entry '\(name)' is compressed or encrypted"))
    }
    let header = try file.bytes(at: entry.headerOffset, count: 30)
    guard header.littleEndian(at: 0, count: 4) == 0x0403_4b50 else {
      throw file.error(.malformed("no header of the entry '\(name)' at \(entry.headerOffset)"))
    }
    // The local extra field, which aligns the data, differs from the directory's.
    let offset =
      entry.headerOffset + 30 + Int(header.littleEndian(at: 26, count: 2))
      + Int(header.littleEndian(at: 28, count: 2))
    guard entry.size <= file.size - offset else {
      throw file.error(.truncated("the entry '\(name)' of \(entry.size) bytes at \(offset)"))
    }
    return FileRange(offset: offset, count: entry.size)
  }

  /// Entries that share bytes cannot come from an honest writer.
  private func refuseOverlaps(before end: Int) throws(CheckpointError) {
    var limit = end
    for (name, entry) in entries.sorted(by: { $0.value.headerOffset > $1.value.headerOffset }) {
      guard entry.headerOffset <= limit - 30, entry.size <= limit - entry.headerOffset - 30 else {
        throw file.error(.malformed("the entry '\(name)' lies over another or past the end"))
      }
      limit = entry.headerOffset
    }
  }

  /// Finds the directory through the record at the end of the file, in its 64-bit form where there is one.
  private static func locateDirectory(
    _ file: CheckpointFile
  ) throws(CheckpointError) -> FileRange {
    // A comment of up to 65535 bytes may follow the record of 22; before it lies a locator of 20.
    let tailSize = min(file.size, 65_535 + 22 + 20)
    let tail = try file.bytes(at: file.size - tailSize, count: tailSize)
    guard
      let end = stride(from: tail.count - 22, through: 0, by: -1).first(where: {
        tail[$0] == 0x50 && tail.littleEndian(at: $0, count: 4) == 0x0605_4b50
      })
    else { throw file.error(.truncated("no end of a zip archive")) }
    var size = tail.littleEndian(at: end + 12, count: 4)
    var offset = tail.littleEndian(at: end + 16, count: 4)
    if end >= 20, tail.littleEndian(at: end - 20, count: 4) == 0x0706_4b50 {
      let record = tail.littleEndian(at: end - 12, count: 8)
      guard let position = Int(exactly: record) else {
        throw file.error(.malformed("its 64-bit end record"))
      }
      let wide = try file.bytes(at: position, count: 56)
      guard wide.littleEndian(at: 0, count: 4) == 0x0606_4b50 else {
        throw file.error(.malformed("its 64-bit end record"))
      }
      size = wide.littleEndian(at: 40, count: 8)
      offset = wide.littleEndian(at: 48, count: 8)
    }
    guard let size = Int(exactly: size), let offset = Int(exactly: offset) else {
      throw file.error(.malformed("its end record"))
    }
    return FileRange(offset: offset, count: size)
  }

  /// Replaces fields that are 0xffffffff by the next 64-bit numbers of the extra field; nil where they are missing.
  private static func wideFields(_ narrow: [Int], _ extra: [UInt8]) -> [Int]? {
    guard narrow.contains(0xffff_ffff) else { return narrow }
    var wide: [UInt64] = []
    var position = 0
    while position + 4 <= extra.count {
      let kind = extra.littleEndian(at: position, count: 2)
      let size = Int(extra.littleEndian(at: position + 2, count: 2))
      guard position + 4 + size <= extra.count else { return nil }
      if kind == 1 {
        wide = (0..<size / 8).map { extra.littleEndian(at: position + 4 + 8 * $0, count: 8) }
      }
      position += 4 + size
    }
    var numbers: [Int] = []
    for field in narrow {
      if field != 0xffff_ffff {
        numbers.append(field)
      } else if let next = wide.first, let number = Int(exactly: next) {
        numbers.append(number)
        wide.removeFirst()
      } else {
        return nil
      }
    }
    return numbers
  }
}

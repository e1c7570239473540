import Glibc
import SystemPackage

/// The names in a directory, as bytes, in no order.
public struct DirectoryListing: Sendable {
  /// One name.
  public struct Entry: Sendable {
    /// The name's bytes.
    public let name: [UInt8]
    /// What the directory says that it is; nil where it does not say, and for a symbolic link, which may lead to
    /// anything.
    public let type: FileType?
  }

  /// The names, without `.` and `..`.
  public let entries: [Entry]
  /// The directory itself.
  public let metadata: Stat

  /// Reads a directory.
  public init(_ path: FilePath) throws(Errno) {
    guard let stream = path.withPlatformString({ opendir($0) }) else {
      throw Errno(rawValue: errno)
    }
    defer { closedir(stream) }
    metadata = try Stat(FileDescriptor(rawValue: dirfd(stream)))
    var entries: [Entry] = []
    while true {
      // The end and a failure differ in this alone.
      errno = 0
      guard let entry = readdir(stream) else {
        if errno != 0 { throw Errno(rawValue: errno) }
        break
      }
      let name = Self.name(of: entry)
      if name == [0x2e] || name == [0x2e, 0x2e] { continue }
      let type: FileType? =
        switch Int(entry.pointee.d_type) {
        case DT_DIR: .directory
        case DT_REG: .regular
        case DT_CHR: .characterSpecial
        case DT_BLK: .blockSpecial
        case DT_FIFO: .fifo
        case DT_SOCK: .socket
        default: nil
        }
      entries.append(Entry(name: name, type: type))
    }
    self.entries = entries
  }

  /// The bytes of a name up to its zero. The entry is only as long as its name, so that its whole type, which has room
  /// for the longest, must never be copied.
  private static func name(of entry: UnsafeMutablePointer<dirent>) -> [UInt8] {
    guard let offset = MemoryLayout<dirent>.offset(of: \.d_name) else {
      preconditionFailure("struct dirent has no d_name")
    }
    let start = UnsafeRawPointer(entry) + offset
    return [UInt8](
      UnsafeRawBufferPointer(start: start, count: strlen(start.assumingMemoryBound(to: CChar.self)))
    )
  }
}

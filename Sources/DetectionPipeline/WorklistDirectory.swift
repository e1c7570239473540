import DetectionRecords
import Glibc
import SystemPackage

/// The names in a directory, in no order.
struct DirectoryListing {
  /// One name.
  struct Entry {
    let name: [UInt8]
    /// What the directory says that it is; nil where it does not say, and for a symbolic link, which may be anything.
    let type: FileType?

    var isHidden: Bool { name.first == UInt8(ascii: ".") }
  }

  let entries: [Entry]
  /// The directory itself.
  let identity: FileIdentity

  /// Reads a directory, without `.` and `..`.
  init(_ path: FilePath) throws(Errno) {
    guard let stream = path.withPlatformString({ opendir($0) }) else {
      throw Errno(rawValue: errno)
    }
    defer { closedir(stream) }
    identity = FileIdentity(try Stat(FileDescriptor(rawValue: dirfd(stream))))
    var entries: [Entry] = []
    while true {
      // The end and a failure differ in this alone.
      errno = 0
      guard let entry = readdir(stream) else {
        if errno != 0 { throw Errno(rawValue: errno) }
        break
      }
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { $0.prefix { $0 != 0 }.map { $0 } }
      if name == [0x2e] || name == [0x2e, 0x2e] { continue }
      let type: FileType? =
        switch Int(entry.pointee.d_type) {
        case DT_DIR: .directory
        case DT_REG: .regular
        case DT_UNKNOWN, DT_LNK: nil
        default: .socket
        }
      entries.append(Entry(name: name, type: type))
    }
    self.entries = entries
  }
}

/// Which file a path leads to, whatever the path.
struct FileIdentity: Hashable {
  private let device: DeviceID
  private let inode: Inode

  init(_ metadata: Stat) {
    device = metadata.deviceID
    inode = metadata.inode
  }

  /// The file that a path leads to, symbolic links followed; nil where there is none or it cannot be seen.
  init?(of path: FilePath) {
    guard let metadata = try? Stat(path) else { return nil }
    self.init(metadata)
  }

  /// Whether there is something of this name, be it a symbolic link to nothing.
  static func exists(_ path: FilePath) -> Bool {
    (try? Stat(path, followTargetSymlink: false)) != nil
  }

  /// Whether the path leads to a directory.
  static func isDirectory(_ path: FilePath) -> Bool { (try? Stat(path))?.type == .directory }

  /// Whether the path names a directory and no symbolic link.
  static func isDirectoryItself(_ path: FilePath) -> Bool {
    (try? Stat(path, followTargetSymlink: false))?.type == .directory
  }
}

import Glibc
import SystemPackage

/// A file of the output that this process has open; closed when the last reference goes.
///
/// Every call that may be interrupted is repeated, every short write continued, and every failure carries the path.
final class OpenFile: Sendable {
  let path: FilePath
  private let descriptor: FileDescriptor

  /// Opens a file; other programs that this one starts do not inherit it.
  init(
    _ path: FilePath, _ mode: FileDescriptor.AccessMode, options: FileDescriptor.OpenOptions = []
  ) throws(RecordsError) {
    do {
      descriptor = try FileDescriptor.open(
        path, mode, options: options.union(.closeOnExec),
        permissions: [.ownerReadWrite, .groupReadWrite, .otherReadWrite])
    } catch let error {
      throw .creating(path, error.code)
    }
    self.path = path
  }

  deinit { _ = Glibc.close(descriptor.rawValue) }

  /// Bytes that the file has.
  func size() throws(RecordsError) -> Int64 {
    do { return try Stat(descriptor).size } catch {
      throw .cannotCreate(path, reason: error.description)
    }
  }

  /// Whether the file still has a name.
  func hasName() throws(RecordsError) -> Bool {
    do { return try Stat(descriptor).linkCount > 0 } catch {
      throw .cannotCreate(path, reason: error.description)
    }
  }

  /// Writes all the bytes at the file's position (its end, when opened to append).
  func write(_ bytes: [UInt8]) throws(RecordsError) {
    do { _ = try descriptor.writeAll(bytes) } catch let error {
      throw .writeFailed(path.oneLine, error.code)
    }
  }

  /// Reads at most `buffer.count` bytes from `offset`; 0 at the end.
  func read(at offset: Int64, into buffer: inout [UInt8]) throws(RecordsError) -> Int {
    do {
      return try buffer.withUnsafeMutableBytes {
        try descriptor.read(fromAbsoluteOffset: offset, into: $0)
      }
    } catch let error {
      throw .cannotCreate(path, reason: "reading it failed: \(error.code)")
    }
  }

  /// Cuts the file to `size` bytes.
  func truncate(to size: Int64) throws(RecordsError) {
    do { try descriptor.resize(to: size) } catch let error {
      throw .writeFailed(path.oneLine, error.code)
    }
  }

  /// Returns when the file's bytes and length, or the directory's names, are on the disk. (Not fdatasync, which on
  /// ext4 does not wait for a directory's names.)
  func sync() throws(RecordsError) {
    while fsync(descriptor.rawValue) != 0 {
      let code = Errno(rawValue: errno)
      // Some file systems have nothing to synchronise.
      if code == .invalidArgument { return }
      if code != .interrupted { throw .writeFailed(path.oneLine, code) }
    }
  }

  /// Tries to lock the file against other open files of the same name (`flock`), without waiting.
  ///
  /// - Returns: False when another holds a lock that excludes this one.
  func tryLock(_ kind: LockKind) throws(RecordsError) -> Bool {
    while true {
      if flock(descriptor.rawValue, kind.rawValue | LOCK_NB) == 0 { return true }
      let code = Errno(rawValue: errno)
      if code == .wouldBlock { return false }
      if code != .interrupted { throw .cannotCreate(path, reason: "locking it failed: \(code)") }
    }
  }

  /// Waits until the file is locked for this open file alone.
  func lock() throws(RecordsError) {
    while flock(descriptor.rawValue, LOCK_EX) != 0 {
      let code = Errno(rawValue: errno)
      if code != .interrupted { throw .cannotCreate(path, reason: "locking it failed: \(code)") }
    }
  }

  /// The kinds of lock.
  struct LockKind {
    let rawValue: Int32
    static let shared = LockKind(rawValue: LOCK_SH)
    static let exclusive = LockKind(rawValue: LOCK_EX)
    static let none = LockKind(rawValue: LOCK_UN)
  }

  /// Makes the names in a directory durable.
  static func syncDirectory(_ path: FilePath) throws(RecordsError) {
    try OpenFile(path, .readOnly, options: .directory).sync()
  }

  /// Gives a file another name, in place of what has that name.
  static func rename(_ old: FilePath, to new: FilePath) throws(RecordsError) {
    let result = old.withPlatformString { old in new.withPlatformString { Glibc.rename(old, $0) } }
    if result != 0 { throw .creating(new, Errno(rawValue: errno)) }
  }

  /// Removes a file, if it is there.
  static func remove(_ path: FilePath) throws(RecordsError) {
    if path.withPlatformString({ unlink($0) }) == 0 { return }
    let code = Errno(rawValue: errno)
    if code != .noSuchFileOrDirectory {
      throw .cannotCreate(path, reason: "an old file of that name cannot be removed: \(code)")
    }
  }

  /// Makes a directory and those above it that are missing, each one durable.
  static func createDirectories(_ path: FilePath) throws(RecordsError) {
    if try createDirectory(path, mayLackParent: true) { return }
    try createDirectories(path.removingLastComponent())
    _ = try createDirectory(path, mayLackParent: false)
  }

  /// Makes one directory, unless it is there.
  ///
  /// - Returns: False when what it has to be in is missing, and that may be.
  private static func createDirectory(
    _ path: FilePath, mayLackParent: Bool
  ) throws(RecordsError) -> Bool {
    let parent = path.removingLastComponent()
    if path.withPlatformString({ mkdir($0, 0o777) }) == 0 {
      try syncDirectory(parent.isEmpty ? "." : parent)
      return true
    }
    let code = Errno(rawValue: errno)
    switch code {
    case .fileExists:
      // What cannot be looked at is no directory that could be used.
      if (try? Stat(path))?.type != .directory { throw .creating(path, .notDirectory) }
      return true
    case .noSuchFileOrDirectory where mayLackParent && !parent.isEmpty && parent != path:
      return false
    default: throw .creating(path, code)
    }
  }

  /// What a path names, symbolic links followed; nil where there is nothing.
  static func metadata(_ path: FilePath) throws(RecordsError) -> Stat? {
    do {
      return try Stat(path)
    } catch .noSuchFileOrDirectory, .notDirectory {
      return nil
    } catch {
      throw .creating(path, error)
    }
  }

  /// The names in a directory; nil where there is no directory.
  static func names(in path: FilePath) throws(RecordsError) -> [[UInt8]]? {
    do {
      return try DirectoryListing(path).entries.map(\.name)
    } catch .noSuchFileOrDirectory {
      return nil
    } catch {
      throw .cannotCreate(path, reason: "its names cannot be read: \(error)")
    }
  }
}

extension Error {
  /// The error number of a call of swift-system, which throws nothing else.
  fileprivate var code: Errno {
    guard let code = self as? Errno else { preconditionFailure("swift-system threw \(self)") }
    return code
  }
}

import Glibc
import SystemPackage

/// A file that this process has open; closed when the last reference goes.
///
/// Every call that may be interrupted is repeated, every short write continued, and every failure carries the path.
public final class OpenFile: Sendable {
  /// Its path.
  public let path: FilePath
  private let descriptor: FileDescriptor

  /// Opens a file; other programs that this one starts do not inherit it.
  public init(
    _ path: FilePath, _ mode: FileDescriptor.AccessMode, options: FileDescriptor.OpenOptions = []
  ) throws(FileError) {
    do {
      descriptor = try FileDescriptor.open(
        path, mode, options: options.union(.closeOnExec),
        permissions: [.ownerReadWrite, .groupReadWrite, .otherReadWrite])
    } catch let error {
      throw .creating(path, Errno(error))
    }
    self.path = path
  }

  deinit { _ = Glibc.close(descriptor.rawValue) }

  /// Bytes that the file has.
  public func size() throws(FileError) -> Int64 {
    do { return try Stat(descriptor).size } catch {
      throw .cannotCreate(path, reason: error.description)
    }
  }

  /// Whether the file still has a name.
  public func hasName() throws(FileError) -> Bool {
    do { return try Stat(descriptor).linkCount > 0 } catch {
      throw .cannotCreate(path, reason: error.description)
    }
  }

  /// Writes all the bytes at the file's position (its end, when opened to append).
  public func write(_ bytes: [UInt8]) throws(FileError) {
    do { _ = try descriptor.writeAll(bytes) } catch let error {
      throw .writeFailed(path.oneLine, Errno(error))
    }
  }

  /// Reads at most `buffer.count` bytes from `offset`; 0 at the end.
  public func read(at offset: Int64, into buffer: inout [UInt8]) throws(FileError) -> Int {
    do {
      return try buffer.withUnsafeMutableBytes {
        try descriptor.read(fromAbsoluteOffset: offset, into: $0)
      }
    } catch let error {
      throw .cannotCreate(path, reason: "reading it failed: \(Errno(error))")
    }
  }

  /// Cuts the file to `size` bytes.
  public func truncate(to size: Int64) throws(FileError) {
    do { try descriptor.resize(to: size) } catch let error {
      throw .writeFailed(path.oneLine, Errno(error))
    }
  }

  /// Returns when the file's bytes and length, or the directory's names, are on the disk. (Not fdatasync, which on
  /// ext4 does not wait for a directory's names.)
  public func sync() throws(FileError) {
    do throws(Errno) { try descriptor.synchronize() } catch {
      throw .writeFailed(path.oneLine, error)
    }
  }

  /// Tries to lock the file against other open files of the same name (`flock`), without waiting.
  ///
  /// - Returns: False when another holds a lock that excludes this one.
  public func tryLock(_ kind: LockKind) throws(FileError) -> Bool {
    while true {
      if flock(descriptor.rawValue, kind.rawValue | LOCK_NB) == 0 { return true }
      let code = Errno(rawValue: errno)
      if code == .wouldBlock { return false }
      if code != .interrupted { throw .cannotCreate(path, reason: "locking it failed: \(code)") }
    }
  }

  /// Waits until the file is locked for this open file alone.
  public func lock() throws(FileError) {
    while flock(descriptor.rawValue, LOCK_EX) != 0 {
      let code = Errno(rawValue: errno)
      if code != .interrupted { throw .cannotCreate(path, reason: "locking it failed: \(code)") }
    }
  }

  /// The kinds of lock.
  public struct LockKind: Sendable {
    let rawValue: Int32
    /// With others that share it.
    public static let shared = LockKind(rawValue: LOCK_SH)
    /// Alone.
    public static let exclusive = LockKind(rawValue: LOCK_EX)
    /// Gives a lock up.
    public static let none = LockKind(rawValue: LOCK_UN)
  }

  /// Makes the names in a directory durable.
  public static func syncDirectory(_ path: FilePath) throws(FileError) {
    try OpenFile(path, .readOnly, options: .directory).sync()
  }

  /// Gives a file another name, in place of what has that name.
  public static func rename(_ old: FilePath, to new: FilePath) throws(FileError) {
    let result = old.withPlatformString { old in new.withPlatformString { Glibc.rename(old, $0) } }
    if result != 0 { throw .creating(new, Errno(rawValue: errno)) }
  }

  /// As `rename`; to another file system, where a link or a mount leads, goes a copy that is on the disk before the file is
  /// removed. Done again after a crash it comes to the same.
  public static func move(_ old: FilePath, to new: FilePath) throws(FileError) {
    let result = old.withPlatformString { old in new.withPlatformString { Glibc.rename(old, $0) } }
    if result == 0 { return }
    let code = Errno(rawValue: errno)
    guard code == .improperLink else { throw .creating(new, code) }
    try copy(old, to: new)
    try remove(old)
  }

  private static func copy(_ old: FilePath, to new: FilePath) throws(FileError) {
    let source = try OpenFile(old, .readOnly)
    do {
      try AtomicFile.replace(new) { file in
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        var offset: Int64 = 0
        while true {
          let count = try source.read(at: offset, into: &buffer)
          if count == 0 { return }
          try file.append(Array(buffer[..<count]))
          offset += Int64(count)
        }
      }
    } catch let failure as AtomicFile.Failure {
      throw failure.error(of: new)
    } catch let error as FileError {
      throw error
    } catch {
      preconditionFailure("copying threw \(error)")
    }
  }

  /// Removes a file, if it is there.
  public static func remove(_ path: FilePath) throws(FileError) {
    if path.withPlatformString({ unlink($0) }) == 0 { return }
    let code = Errno(rawValue: errno)
    if code != .noSuchFileOrDirectory {
      throw .cannotCreate(path, reason: "an old file of that name cannot be removed: \(code)")
    }
  }

  /// Makes a directory and those above it that are missing, each one durable.
  public static func createDirectories(_ path: FilePath) throws(FileError) {
    if try createDirectory(path, mayLackParent: true) { return }
    try createDirectories(path.removingLastComponent())
    _ = try createDirectory(path, mayLackParent: false)
  }

  /// Makes one directory, unless it is there.
  ///
  /// - Returns: False when what it has to be in is missing, and that may be.
  private static func createDirectory(
    _ path: FilePath, mayLackParent: Bool
  ) throws(FileError) -> Bool {
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
  public static func metadata(_ path: FilePath) throws(FileError) -> Stat? {
    do {
      return try Stat(path)
    } catch .noSuchFileOrDirectory, .notDirectory {
      return nil
    } catch {
      throw .creating(path, error)
    }
  }

  /// The names in a directory; nil where there is no directory.
  public static func names(in path: FilePath) throws(FileError) -> [[UInt8]]? {
    do {
      return try DirectoryListing(path).entries.map(\.name)
    } catch .noSuchFileOrDirectory {
      return nil
    } catch {
      throw .cannotCreate(path, reason: "its names cannot be read: \(error)")
    }
  }
}

extension FileDescriptor {
  /// `fsync`, repeated where it was interrupted; some file systems have nothing to synchronise, and say so.
  func synchronize() throws(Errno) {
    while fsync(rawValue) != 0 {
      let code = Errno(rawValue: errno)
      if code == .invalidArgument { return }
      if code != .interrupted { throw code }
    }
  }
}

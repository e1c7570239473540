import FrameEncoding
import Glibc
import SystemPackage

/// Places outputs below a directory: under another name until they are whole, never one over another.
final class OutputFiles {
  private let directory: FilePath
  private let existing: DrawConfiguration.ExistingOutput
  private var made: Set<FilePath> = []

  /// Below a directory, which is made when it is needed.
  init(_ directory: FilePath, existing: DrawConfiguration.ExistingOutput) {
    self.directory = directory
    self.existing = existing
  }

  /// Looks what is in an output's place, which may be there and stay.
  ///
  /// - Parameters:
  ///   - name: Below the directory.
  ///   - source: What it is made from; nil for what is made of many.
  /// - Returns: Whether it is to be made.
  /// - Throws: `DrawError.exists`, `.twice` or `.source`.
  func isWanted(_ name: FilePath, madeFrom source: FilePath?) throws(DrawError) -> Bool {
    let path = directory.pushing(name)
    if made.contains(path) { throw .twice(path) }
    guard let there = Self.identity(path) else { return true }
    if let source, let original = Self.identity(source), original == there { throw .source(path) }
    switch existing {
    case .skip: return false
    case .error: throw .exists(path)
    case .always: return true
    }
  }

  /// Makes an output; what `body` wrote is gone if it throws.
  ///
  /// - Parameters:
  ///   - name: Below the directory.
  ///   - body: Writes the file that it is given.
  /// - Throws: What `body` throws, `DrawError.cannotCreate` or `.writeFailed`.
  func make(_ name: FilePath, _ body: (FilePath) throws -> Void) throws {
    let output = try begin(name)
    try body(output.path)
    try output.commit()
  }

  /// Begins an output that is committed later; it is taken away with the last reference if it is not.
  ///
  /// - Throws: `DrawError.cannotCreate`.
  func begin(_ name: FilePath) throws(DrawError) -> PendingOutput {
    let path = directory.pushing(name)
    try Self.createDirectories(path.removingLastComponent())
    made.insert(path)
    return PendingOutput(path)
  }

  private static func identity(_ path: FilePath) -> [UInt64]? {
    var status = stat()
    guard path.withPlatformString({ stat($0, &status) }) == 0 else { return nil }
    return [UInt64(status.st_dev), UInt64(status.st_ino)]
  }

  private static func createDirectories(_ path: FilePath) throws(DrawError) {
    if path.isEmpty { return }
    if path.withPlatformString({ mkdir($0, 0o777) }) == 0 || errno == EEXIST { return }
    guard errno == ENOENT, path.lastComponent != nil else {
      throw .cannotCreate(path, Errno(rawValue: errno))
    }
    try createDirectories(path.removingLastComponent())
    if path.withPlatformString({ mkdir($0, 0o777) }) != 0, errno != EEXIST {
      throw .cannotCreate(path, Errno(rawValue: errno))
    }
  }
}

/// An output that does not have its name yet.
final class PendingOutput {
  /// Where it is written.
  let path: FilePath
  private let finalPath: FilePath
  private var isCommitted = false

  fileprivate init(_ finalPath: FilePath) {
    self.finalPath = finalPath
    let name = finalPath.lastComponent?.string ?? ""
    // A name may be as long as a name can be: what is added must not make it too long.
    let stem = String(name.utf8.prefix(200)) ?? "output"
    path = finalPath.removingLastComponent().appending(".\(stem).\(getpid()).tmp")
  }

  deinit {
    // What is not whole is nobody's.
    if !isCommitted { _ = path.withPlatformString { unlink($0) } }
  }

  /// Brings it to the disk and gives it its name.
  ///
  /// - Throws: `DrawError.writeFailed`.
  func commit() throws(DrawError) {
    let descriptor = path.withPlatformString { open($0, O_RDONLY | O_CLOEXEC) }
    guard descriptor >= 0 else { throw .writeFailed(finalPath, Errno(rawValue: errno)) }
    defer { close(descriptor) }
    let isMoved =
      fsync(descriptor) == 0
      && path.withPlatformString { from in finalPath.withPlatformString { rename(from, $0) } } == 0
    guard isMoved else { throw .writeFailed(finalPath, Errno(rawValue: errno)) }
    isCommitted = true
  }
}

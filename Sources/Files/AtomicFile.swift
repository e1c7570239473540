import Failures
import Glibc
import SystemPackage

/// A file that gets its name only when all of it is there: who opens the name meets the old bytes or the new ones,
/// whatever happens.
public struct AtomicFile {
  /// Why a file could not be replaced.
  public struct Failure: ClassifiedError, Equatable, Sendable {
    /// What failed, as "writing".
    public let doing: String
    /// What the system says.
    public let code: Errno

    /// As the class of errors that tells a full disk from a path that cannot be used.
    public func error(of path: FilePath) -> FileError { .creating(path, code) }

    /// The kind.
    public var kind: FailureKind { code.kindForOutput }

    /// What failed and why, without the path.
    public var description: String { "\(doing) failed: \(code)" }
  }

  private let pending: PendingFile
  private let descriptor: FileDescriptor

  /// Writes through a temporary file in the same folder; where `body` or the system fails, only that is lost.
  ///
  /// - Parameters:
  ///   - path: Replaced if it is there.
  ///   - isDurable: Whether the bytes and the name are on the disk when this returns, come what may.
  ///   - body: Appends what the file is to hold.
  /// - Throws: `Failure`, or what `body` throws.
  public static func replace(
    _ path: FilePath, isDurable: Bool = true, _ body: (borrowing AtomicFile) throws -> Void
  ) throws {
    let file = try AtomicFile(path)
    do {
      defer {
        // What close could report of a write was reported by fsync before, where that matters.
        try? file.descriptor.close()
      }
      try body(file)
      if isDurable { try PendingFile.synchronize(file.descriptor) }
    }
    try file.pending.publish(isDurable: isDurable)
  }

  /// As above, of bytes that are there already.
  ///
  /// - Parameters:
  ///   - path: Replaced if it is there.
  ///   - bytes: What it is to hold.
  ///   - isDurable: Whether the bytes and the name are on the disk when this returns, come what may.
  ///   - permissions: What it gets whatever the process masks; nil: what is usual.
  /// - Throws: `Failure`.
  public static func replace(
    _ path: FilePath, with bytes: some Sequence<UInt8>, isDurable: Bool = true,
    permissions: FilePermissions? = nil
  ) throws(Failure) {
    do {
      try replace(path, isDurable: isDurable) { file in
        if let permissions { try file.set(permissions) }
        try file.append(Array(bytes))
      }
    } catch let failure as Failure {
      throw failure
    } catch {
      preconditionFailure("writing bytes threw \(error)")
    }
  }

  private init(_ path: FilePath) throws(Failure) {
    pending = try PendingFile(path)
    do {
      descriptor = try FileDescriptor.open(
        pending.temporaryPath, .writeOnly, options: [.create, .exclusiveCreate, .closeOnExec],
        permissions: [.ownerReadWrite, .groupRead, .otherRead])
    } catch {
      throw Failure(doing: "creating it", code: Errno(error))
    }
  }

  private func set(_ permissions: FilePermissions) throws(Failure) {
    guard fchmod(descriptor.rawValue, mode_t(permissions.rawValue)) == 0 else {
      throw Failure(doing: "setting its permissions", code: Errno(rawValue: errno))
    }
  }

  /// Adds bytes at the end.
  public func append(_ bytes: [UInt8]) throws(Failure) {
    do {
      try descriptor.writeAll(bytes)
    } catch {
      throw Failure(doing: "writing", code: Errno(error))
    }
  }
}

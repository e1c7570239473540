import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A file that gets its name only when all of it is on the disk.
struct AtomicFile {
  private let path: FilePath
  private let temporaryPath: FilePath
  private let descriptor: FileDescriptor

  /// Writes through a temporary file in the same folder; where `body` or the system fails, only that is lost.
  static func write(to path: FilePath, _ body: (AtomicFile) throws -> Void) throws {
    let file = try AtomicFile(path)
    do {
      do {
        defer {
          // What close could report of a write was reported by fsync before.
          try? file.descriptor.close()
        }
        try body(file)
        try file.check("writing to disk") { fsync(file.descriptor.rawValue) }
      }
      try file.check("renaming") {
        file.temporaryPath.withPlatformString { from in
          path.withPlatformString { to in rename(from, to) }
        }
      }
    } catch {
      _ = file.temporaryPath.withPlatformString { unlink($0) }
      throw error
    }
    try file.makeNameDurable()
  }

  private init(_ path: FilePath) throws(CheckpointError) {
    self.path = path
    guard let name = path.lastComponent else {
      throw CheckpointError(
        file: path.string, problem: .unwritable(.isDirectory, doing: "creating it"))
    }
    temporaryPath = path.removingLastComponent().appending(".\(name.string).\(getpid()).tmp")
    do {
      descriptor = try FileDescriptor.open(
        temporaryPath, .writeOnly, options: [.create, .truncate, .closeOnExec],
        permissions: [.ownerReadWrite, .groupRead, .otherRead])
    } catch {
      throw CheckpointError(
        file: path.string,
        problem: .unwritable(error as? Errno ?? .ioError, doing: "creating it"))
    }
  }

  /// Adds bytes at the end.
  func append(_ bytes: [UInt8]) throws(CheckpointError) {
    do {
      try descriptor.writeAll(bytes)
    } catch {
      throw CheckpointError(
        file: path.string, problem: .unwritable(error as? Errno ?? .ioError, doing: "writing"))
    }
  }

  private func makeNameDurable() throws(CheckpointError) {
    let folder = path.removingLastComponent()
    do {
      let descriptor = try FileDescriptor.open(
        folder.isEmpty ? "." : folder, .readOnly, options: .closeOnExec)
      defer {
        // Nothing was written through it.
        try? descriptor.close()
      }
      try check("writing its folder to disk") { fsync(descriptor.rawValue) }
    } catch let error as CheckpointError {
      throw error
    } catch {
      throw CheckpointError(
        file: path.string,
        problem: .unwritable(error as? Errno ?? .ioError, doing: "opening its folder"))
    }
  }

  private func check(_ doing: String, _ call: () -> CInt) throws(CheckpointError) {
    guard call() != 0 else { return }
    throw CheckpointError(
      file: path.string, problem: .unwritable(Errno(rawValue: errno), doing: doing))
  }
}

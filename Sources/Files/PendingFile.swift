import Glibc
import SystemPackage

/// A name that a file is to have, and the path beside it at which somebody writes that file until it is whole: for
/// libraries that write to paths of their own (else see `AtomicFile`). With the last reference what is there is taken
/// away, unless it was published.
public final class PendingFile {
  /// What the file is to be called.
  public let path: FilePath
  /// Where it is written.
  public let temporaryPath: FilePath
  private var isPublished = false

  /// Chooses the temporary path; nothing is made.
  ///
  /// - Throws: `AtomicFile.Failure` for a path that ends in no name.
  public init(_ path: FilePath) throws(AtomicFile.Failure) {
    // Two runs may replace one file at once: with the same text, or the last one's stays.
    guard let temporary = path.temporaryNeighbour else {
      throw AtomicFile.Failure(doing: "creating it", code: .isDirectory)
    }
    self.path = path
    temporaryPath = temporary
  }

  deinit {
    // What is not whole is nobody's.
    if !isPublished { _ = temporaryPath.withPlatformString { unlink($0) } }
  }

  /// Brings what was written to the disk, by whomever.
  ///
  /// - Throws: `AtomicFile.Failure`.
  public func synchronize() throws(AtomicFile.Failure) {
    try Self.synchronize(temporaryPath, "opening what was written", "writing to disk")
  }

  /// Gives the file its name; who opens that meets the old bytes or the new ones.
  ///
  /// - Parameter isDurable: Whether the name is on the disk when this returns.
  /// - Throws: `AtomicFile.Failure`.
  public func publish(isDurable: Bool) throws(AtomicFile.Failure) {
    try Self.check("renaming") {
      temporaryPath.withPlatformString { from in path.withPlatformString { rename(from, $0) } }
    }
    isPublished = true
    if isDurable {
      let folder = path.removingLastComponent()
      try Self.synchronize(
        folder.isEmpty ? "." : folder, "opening its folder", "writing its folder to disk")
    }
  }

  /// Brings what was written to the disk.
  static func synchronize(
    _ descriptor: FileDescriptor, _ doing: String = "writing to disk"
  ) throws(AtomicFile.Failure) {
    do throws(Errno) { try descriptor.synchronize() } catch {
      throw AtomicFile.Failure(doing: doing, code: error)
    }
  }

  private static func synchronize(
    _ path: FilePath, _ opening: String, _ writing: String
  ) throws(AtomicFile.Failure) {
    let descriptor: FileDescriptor
    do {
      descriptor = try FileDescriptor.open(path, .readOnly, options: .closeOnExec)
    } catch {
      throw AtomicFile.Failure(doing: opening, code: Errno(error))
    }
    defer {
      // Nothing was written through it.
      try? descriptor.close()
    }
    try synchronize(descriptor, writing)
  }

  private static func check(_ doing: String, _ call: () -> CInt) throws(AtomicFile.Failure) {
    guard call() != 0 else { return }
    throw AtomicFile.Failure(doing: doing, code: Errno(rawValue: errno))
  }
}

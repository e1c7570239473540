import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// An open checkpoint, read by position: never mapped, because a mapped file that is cut kills the process.
final class CheckpointFile: Sendable {
  let path: FilePath
  /// Bytes when it was opened.
  let size: Int
  private let descriptor: FileDescriptor

  init(_ path: FilePath) throws(CheckpointError) {
    self.path = path
    do {
      // Without nonBlocking, opening a FIFO would wait for a writer.
      descriptor = try FileDescriptor.open(path, .readOnly, options: [.closeOnExec, .nonBlocking])
    } catch {
      throw Self.unreadable(path, error)
    }
    var status = stat()
    guard fstat(descriptor.rawValue, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      // Nothing was written, so closing has nothing to report.
      try? descriptor.close()
      let isDirectory = status.st_mode & S_IFMT == S_IFDIR
      throw CheckpointError(
        file: path.string,
        problem: .unknownFormat(isDirectory ? "a directory" : "not a regular file"))
    }
    size = Int(status.st_size)
  }

  deinit {
    // Nothing was written, so closing has nothing to report.
    try? descriptor.close()
  }

  /// Fills `buffer` from `offset` on, or throws.
  func read(at offset: Int, into buffer: UnsafeMutableRawBufferPointer) throws(CheckpointError) {
    var done = 0
    while done < buffer.count {
      let count: Int
      do {
        count = try descriptor.read(
          fromAbsoluteOffset: Int64(offset + done),
          into: UnsafeMutableRawBufferPointer(rebasing: buffer[done...]))
      } catch {
        throw Self.unreadable(path, error)
      }
      guard count > 0 else {
        throw self.error(.truncated("no byte at \(offset + done) of \(size)"))
      }
      done += count
    }
  }

  /// `count` bytes from `offset` on.
  func bytes(at offset: Int, count: Int) throws(CheckpointError) -> [UInt8] {
    guard offset >= 0, count >= 0, count <= size, offset <= size - count else {
      throw error(.truncated("\(count) bytes from \(offset) on of \(size)"))
    }
    var result = [UInt8](repeating: 0, count: count)
    // An array's bytes can only be lent to a closure, and errors of a type do not pass through this one.
    let outcome = result.withUnsafeMutableBytes { buffer in
      Result { () throws(CheckpointError) in try read(at: offset, into: buffer) }
    }
    try outcome.get()
    return result
  }

  func error(_ problem: CheckpointError.Problem) -> CheckpointError {
    CheckpointError(file: path.string, problem: problem)
  }

  private static func unreadable(_ path: FilePath, _ error: any Error) -> CheckpointError {
    CheckpointError(file: path.string, problem: .unreadable(error as? Errno ?? .ioError))
  }
}

/// Bytes of a file.
struct FileRange: Equatable, Sendable {
  var offset: Int
  var count: Int
}

extension Array where Element == UInt8 {
  /// The unsigned number of `count` bytes, least significant first, at `offset`.
  func littleEndian(at offset: Int, count: Int) -> UInt64 {
    self[offset..<offset + count].reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }
}

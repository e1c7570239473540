import Files
import Glibc
import SystemPackage

/// Records on standard output: whole lines, in the order of the calls, nothing kept back.
///
/// The process must ignore SIGPIPE, so that a reader that goes away is an error here and not the end. Used by one
/// thread at a time.
public final class StandardOutput: Sendable {
  private let descriptor: FileDescriptor

  /// Writes to standard output, or, in tests, to another open file, which stays the caller's.
  public init(_ descriptor: FileDescriptor = .standardOutput) { self.descriptor = descriptor }

  /// Writes lines, each ended by LF.
  ///
  /// - Throws: `FileError.readerGone` when nobody can read any more, `.writeFailed` for all else.
  public func append(_ lines: [UInt8]) throws(FileError) {
    var written = 0
    while written < lines.count {
      let count = lines.withUnsafeBytes { bytes in
        Glibc.write(
          descriptor.rawValue, bytes.baseAddress.map { $0 + written }, bytes.count - written)
      }
      if count >= 0 {
        written += count
        continue
      }
      let code = Errno(rawValue: errno)
      switch code {
      case .interrupted: continue
      case .brokenPipe: throw .readerGone
      // Whoever shares the pipe or terminal made it non-blocking: wait until there is room.
      case .wouldBlock: waitUntilWritable()
      default: throw .writeFailed("standard output", code)
      }
    }
  }

  private func waitUntilWritable() {
    var request = pollfd(fd: descriptor.rawValue, events: Int16(POLLOUT), revents: 0)
    poll(&request, 1, -1)
  }
}

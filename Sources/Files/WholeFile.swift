import SystemPackage

/// Files that are read whole, each with a bound on what it may have.
public enum WholeFile {
  /// The bytes of a file, a pipe or anything else that can be opened and read to its end.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - limit: The most bytes it may have.
  /// - Returns: All of it.
  /// - Throws: `Errno.fileTooLarge` where it has more, or what the system says.
  public static func read(_ path: FilePath, limit: Int) throws(Errno) -> [UInt8] {
    do {
      let file = try FileDescriptor.open(path, .readOnly, options: .closeOnExec)
      return try file.closeAfter { try read(file, limit: limit) }
    } catch {
      throw Errno(error)
    }
  }

  /// What is left to read of an open file, which stays open.
  ///
  /// - Parameters:
  ///   - file: The file, for instance standard input.
  ///   - limit: The most bytes there may be.
  /// - Returns: All of it.
  /// - Throws: `Errno.fileTooLarge` where there are more, or what the system says.
  public static func read(_ file: FileDescriptor, limit: Int) throws(Errno) -> [UInt8] {
    // A hint: only a regular file tells its size, and it may grow.
    let status = try? Stat(file)
    let size = status?.type == .regular ? max(0, status?.size ?? 0) : 0
    guard size <= limit else { throw .fileTooLarge }
    // One byte more than there is room for, so that the end is found without growing.
    var capacity = min(max(Int(size) + 1, 1 << 16), limit + 1)
    var bytes: [UInt8] = []
    while true {
      let start = bytes.count
      var failure: Errno?
      let piece = [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
        do {
          while count < buffer.count {
            let rest = UnsafeMutableRawBufferPointer(
              rebasing: UnsafeMutableRawBufferPointer(buffer)[count...])
            let added = try file.read(into: rest)
            if added == 0 { break }
            count += added
          }
        } catch {
          failure = Errno(error)
        }
      }
      if let failure { throw failure }
      let isEnd = piece.count < capacity
      if start == 0 { bytes = piece } else { bytes += piece }
      guard bytes.count <= limit else { throw .fileTooLarge }
      if isEnd { return bytes }
      // Doubling: what comes through a pipe is copied twice at most.
      capacity = min(bytes.count, limit + 1 - bytes.count)
    }
  }
}

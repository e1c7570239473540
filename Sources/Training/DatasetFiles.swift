import Glibc
import SystemPackage

/// Whether something is there.
func fileExists(_ path: FilePath) -> Bool {
  // Whatever the reason why not: it cannot be used.
  guard let file = try? FileDescriptor.open(path, .readOnly) else { return false }
  // Nothing was written: closing cannot lose anything.
  try? file.close()
  return true
}

/// Whether this is a folder, or a link to one.
func isDirectory(_ path: FilePath) -> Bool {
  var status = stat()
  return path.withPlatformString { stat($0, &status) } == 0 && status.st_mode & S_IFMT == S_IFDIR
}

/// The bytes of a small file.
///
/// - Parameter path: at most 64 MiB.
/// - Returns: all of it.
/// - Throws: `DatasetError.unreadable`.
func readFile(_ path: FilePath) throws(DatasetError) -> [UInt8] {
  let limit = 64 << 20
  do {
    let file = try FileDescriptor.open(path, .readOnly)
    return try file.closeAfter {
      var bytes: [UInt8] = []
      let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 1)
      defer { chunk.deallocate() }
      while true {
        let count = try file.read(into: chunk)
        if count == 0 { return bytes }
        bytes += UnsafeRawBufferPointer(rebasing: chunk[..<count])
        guard bytes.count <= limit else { throw Errno.fileTooLarge }
      }
    }
  } catch {
    throw .unreadable(file: path, reason: "\(error)")
  }
}

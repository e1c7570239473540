import Files
import SystemPackage

/// Whether something is there.
func fileExists(_ path: FilePath) -> Bool {
  // Whatever the reason why not: it cannot be used.
  guard let file = try? FileDescriptor.open(path, .readOnly) else { return false }
  // Nothing was written: closing cannot lose anything.
  try? file.close()
  return true
}

/// The bytes of a small file.
///
/// - Parameter path: at most 64 MiB.
/// - Returns: all of it.
/// - Throws: `DatasetError.unreadable`.
func readFile(_ path: FilePath) throws(DatasetError) -> [UInt8] {
  do {
    return try WholeFile.read(path, limit: 64 << 20)
  } catch {
    throw .unreadable(file: path, reason: "\(error)")
  }
}

import Files
import SystemPackage

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

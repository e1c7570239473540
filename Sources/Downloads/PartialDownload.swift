import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The file that a download is received into: it grows at its end, is this process's alone while it is open, and stays
/// when the process does not.
final class PartialDownload {
  let path: FilePath
  /// Bytes in it.
  private(set) var size: Int
  private let descriptor: FileDescriptor
  private let address: String

  init(_ path: FilePath, of address: String) throws(DownloadError) {
    self.path = path
    self.address = address
    do {
      descriptor = try FileDescriptor.open(
        path, .readWrite, options: [.create, .closeOnExec, .noFollow],
        permissions: [.ownerReadWrite, .groupRead, .otherRead])
    } catch {
      throw DownloadError(
        address, .unwritable(error as? Errno ?? .ioError, file: path.string))
    }
    guard flock(descriptor.rawValue, LOCK_EX | LOCK_NB) == 0 else {
      // Nothing was written, so closing has nothing to report.
      try? descriptor.close()
      throw DownloadError(address, .locked(file: path.string))
    }
    do {
      size = Int(try descriptor.seek(offset: 0, from: .end))
    } catch {
      // As above.
      try? descriptor.close()
      throw DownloadError(address, .unwritable(error as? Errno ?? .ioError, file: path.string))
    }
  }

  deinit {
    // What close could report of a write was reported by fsync before.
    try? descriptor.close()
  }

  func append(_ bytes: UnsafeRawBufferPointer) throws(Errno) {
    do {
      size += try descriptor.writeAll(toAbsoluteOffset: Int64(size), bytes)
    } catch {
      throw error as? Errno ?? .ioError
    }
  }

  /// Begins anew.
  func clear() throws(DownloadError) {
    try check(ftruncate(descriptor.rawValue, 0))
    size = 0
  }

  /// Makes what was received durable.
  func synchronize() throws(DownloadError) { try check(fsync(descriptor.rawValue)) }

  private func check(_ status: CInt) throws(DownloadError) {
    guard status != 0 else { return }
    throw DownloadError(address, .unwritable(Errno(rawValue: errno), file: path.string))
  }
}

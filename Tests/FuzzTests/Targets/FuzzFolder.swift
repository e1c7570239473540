import Glibc
import SystemPackage

/// A folder in memory for readers that want files. One a process, removed by whoever started it.
enum FuzzFolder {
  static let path: FilePath = {
    var name = Array("/dev/shm/detect-batch-fuzz-XXXXXX".utf8CString)
    guard mkdtemp(&name) != nil else { preconditionFailure("no folder in /dev/shm") }
    return name.withUnsafeBufferPointer {
      guard let start = $0.baseAddress else { preconditionFailure("a name of no bytes") }
      return FilePath(platformString: start)
    }
  }()

  /// Makes a file of these bytes, in place of what it was.
  static func write(_ bytes: UnsafeRawBufferPointer, to name: FilePath) -> FilePath {
    let file = path.pushing(name)
    do {
      let descriptor = try FileDescriptor.open(
        file, .writeOnly, options: [.create, .truncate, .closeOnExec], permissions: .ownerReadWrite)
      try descriptor.closeAfter { _ = try descriptor.writeAll(bytes) }
    } catch {
      preconditionFailure("\(file): \(error)")
    }
    return file
  }

  /// Makes a folder in it, if there is none.
  static func makeFolder(_ name: FilePath) {
    let folder = path.pushing(name)
    let status = folder.withPlatformString { mkdir($0, 0o700) }
    precondition(status == 0 || errno == EEXIST, "\(folder) cannot be made")
  }
}

import DetectionRecords
import Files
import Glibc
import SystemPackage

/// A directory of files that gets its name when all of it is there.
final class ExportTree {
  private let path: FilePath
  private let temporary: FilePath
  private var isPublished = false

  /// Begins a tree beside where it will be.
  init(_ path: FilePath) throws(FileError) {
    self.path = path
    guard let temporary = path.temporaryNeighbour else { throw .creating(path, .isDirectory) }
    self.temporary = temporary
    let parent = path.removingLastComponent()
    if !parent.isEmpty { try OpenFile.createDirectories(parent) }
    guard temporary.withPlatformString({ mkdir($0, 0o777) }) == 0 else {
      throw .creating(temporary, Errno(rawValue: errno))
    }
  }

  deinit {
    if !isPublished { Self.remove(temporary) }
  }

  /// Makes a new file, to be appended to.
  ///
  /// - Throws: `ExportError.sameFile` where there is one of that name.
  func create(_ name: SourceName, suffix: String, for source: SourceName) throws -> OpenFile {
    let place = temporary.pushing(FilePath(bytes: name.bytes + Array(suffix.utf8)))
    try OpenFile.createDirectories(place.removingLastComponent())
    if try OpenFile.metadata(place) != nil {
      throw ExportError.sameFile(name.text + suffix, source)
    }
    return try OpenFile(place, .writeOnly, options: [.create, .exclusiveCreate])
  }

  /// Makes a new file at the top, to be appended to.
  func create(_ name: String) throws(FileError) -> OpenFile {
    try OpenFile(temporary.appending(name), .writeOnly, options: [.create, .exclusiveCreate])
  }

  /// Makes a file at the top.
  func write(_ bytes: [UInt8], to name: String) throws {
    try create(name).write(bytes)
  }

  /// Gives the tree its name.
  func publish() throws(FileError) {
    try OpenFile.rename(temporary, to: path)
    isPublished = true
  }

  private static func remove(_ path: FilePath) {
    // What cannot be listed or removed stays, under a name that says what it is; the error that led here is told.
    guard let entries = try? DirectoryListing(path).entries else { return }
    for entry in entries {
      let place = path.pushing(FilePath(bytes: entry.name))
      if entry.type == .directory {
        remove(place)
      } else {
        _ = place.withPlatformString { unlink($0) }
      }
    }
    _ = path.withPlatformString { rmdir($0) }
  }
}

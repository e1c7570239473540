import SystemPackage

/// Which file a path leads to, whatever the path.
struct FileIdentity: Hashable {
  private let device: DeviceID
  private let inode: Inode

  init(_ metadata: Stat) {
    device = metadata.deviceID
    inode = metadata.inode
  }

  /// The file that a path leads to, symbolic links followed; nil where there is none or it cannot be seen.
  init?(of path: FilePath) {
    guard let metadata = try? Stat(path) else { return nil }
    self.init(metadata)
  }

  /// Whether there is something of this name, be it a symbolic link to nothing.
  static func exists(_ path: FilePath) -> Bool {
    (try? Stat(path, followTargetSymlink: false)) != nil
  }

  /// Whether the path leads to a directory.
  static func isDirectory(_ path: FilePath) -> Bool { (try? Stat(path))?.type == .directory }

  /// Whether the path names a directory and no symbolic link.
  static func isDirectoryItself(_ path: FilePath) -> Bool {
    (try? Stat(path, followTargetSymlink: false))?.type == .directory
  }
}

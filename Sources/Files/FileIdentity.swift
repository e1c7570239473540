import SystemPackage

/// Which file a path leads to, whatever the path.
public struct FileIdentity: Hashable, Sendable {
  private let device: DeviceID
  private let inode: Inode

  /// The file of this metadata.
  public init(_ metadata: Stat) {
    device = metadata.deviceID
    inode = metadata.inode
  }

  /// The file that a path leads to, symbolic links followed; nil where there is none or it cannot be seen.
  public init?(of path: FilePath) {
    guard let metadata = try? Stat(path) else { return nil }
    self.init(metadata)
  }

  /// Whether it is the file of this device and inode.
  public func isFile(device: UInt64, inode: UInt64) -> Bool {
    UInt64(self.device.rawValue) == device && UInt64(self.inode.rawValue) == inode
  }

  /// Whether there is surely nothing of this name: not where it cannot be looked at.
  public static func isMissing(_ path: FilePath) -> Bool {
    do {
      _ = try Stat(path, followTargetSymlink: false)
      return false
    } catch {
      return error == .noSuchFileOrDirectory || error == .notDirectory
    }
  }

  /// Whether there is something of this name, be it a symbolic link to nothing.
  public static func exists(_ path: FilePath) -> Bool {
    (try? Stat(path, followTargetSymlink: false)) != nil
  }

  /// Whether the path names a directory and no symbolic link.
  public static func isDirectoryItself(_ path: FilePath) -> Bool {
    (try? Stat(path, followTargetSymlink: false))?.type == .directory
  }
}

import SystemPackage

/// Which file an output was made from, to tell it from another of the same source: two directories may each have an
/// `IMG_1.jpg`.
public struct InputOrigin: Hashable, Sendable {
  /// The directory that the source counts from, as an absolute path; symbolic links stay what they are called.
  public var root: FilePath
  /// The file's device and inode, as the system told them at the time.
  public var device: UInt64
  /// See `device`.
  public var inode: UInt64

  /// An origin from its parts.
  public init(root: FilePath, device: UInt64, inode: UInt64) {
    self.root = root
    self.device = device
    self.inode = inode
  }

  /// The origin of a file whose metadata are these.
  public init(root: FilePath, _ metadata: Stat) {
    self.init(
      root: root, device: UInt64(metadata.rawValue.st_dev), inode: UInt64(metadata.rawValue.st_ino))
  }

  /// The file itself.
  public func path(of source: SourceName) -> FilePath { root.pushing(source.path) }
}

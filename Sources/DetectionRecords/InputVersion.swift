import SystemPackage

/// Which version of an input a result was made from: the file is taken for the same while both stay.
public struct InputVersion: Hashable, Sendable {
  /// Bytes.
  public var size: Int64
  /// Nanoseconds since 1970.
  public var modificationTime: Int64

  /// A version from its parts.
  public init(size: Int64, modificationTime: Int64) {
    self.size = size
    self.modificationTime = modificationTime
  }

  /// The version that a file has now, symbolic links followed.
  public init(of path: FilePath) throws(Errno) {
    self.init(try Stat(path))
  }

  /// The version in a file's metadata.
  public init(_ metadata: Stat) {
    size = metadata.size
    // Saturating: a damaged file system may say any time.
    let (seconds, overflows) = Int64(metadata.st_mtim.tv_sec).multipliedReportingOverflow(
      by: 1_000_000_000)
    let (sum, sumOverflows) = seconds.addingReportingOverflow(Int64(metadata.st_mtim.tv_nsec))
    modificationTime = overflows || sumOverflows ? .max : sum
  }
}

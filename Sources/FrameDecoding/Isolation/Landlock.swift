import CLinux
import Glibc

/// Rules of the kernel's about what a process may open, connect to and signal (landlock(7)).
enum Landlock {
  /// Rights that a version of the kernel's interface knows (linux/landlock.h).
  struct Rights {
    static let execute: UInt64 = 1 << 0
    static let write: UInt64 = 1 << 1 | 1 << 14
    /// Files, and the names in directories.
    static let read: UInt64 = 1 << 2 | 1 << 3

    var paths: UInt64
    var network: UInt64
    var scopes: UInt64

    init(version: Int32) {
      // 13 rights of files; moving between directories since 2, truncating since 3, ioctl on devices since 5.
      paths = (1 << 13) - 1
      if version >= 2 { paths |= 1 << 13 }
      if version >= 3 { paths |= 1 << 14 }
      if version >= 5 { paths |= 1 << 15 }
      // To bind and to connect with TCP.
      network = version >= 4 ? 0b11 : 0
      // Abstract sockets, and signals to processes outside.
      scopes = version >= 6 ? 0b11 : 0
    }
  }

  /// Forbids to open anything, to connect to anything and to signal anybody, to this thread and what it starts.
  ///
  /// - Returns: what the kernel lacks of that, in words.
  static func forbidEverything() -> [String] {
    let version = clinux_landlock_version()
    guard version > 0 else { return ["opening files is not refused (Landlock)"] }
    let rights = Rights(version: version)
    let rules = clinux_landlock_ruleset(rights.paths, rights.network, rights.scopes)
    guard rules >= 0, clinux_landlock_enforce(rules) == 0 else {
      return ["opening files is not refused (Landlock)"]
    }
    var lacking: [String] = []
    if version < 4 { lacking.append("TCP is not refused (Landlock \(version) of 4)") }
    if version < 6 { lacking.append("signals are not refused (Landlock \(version) of 6)") }
    return lacking
  }
}

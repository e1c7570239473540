import Glibc
import SystemPackage

extension Stat {
  /// What a path's bytes lead to, symbolic links followed: as of the path itself, which takes longer to be made than the
  /// system takes to answer. `bytes` must not hold a zero.
  public init(ofBytes bytes: [UInt8]) throws(Errno) {
    var metadata = stat()
    let result = (bytes + [0]).withUnsafeBytes { characters in
      characters.withMemoryRebound(to: CChar.self) { name -> CInt in
        // The zero is there at least.
        guard let name = name.baseAddress else { preconditionFailure("a path of no bytes") }
        return stat(name, &metadata)
      }
    }
    if result != 0 { throw Errno(rawValue: errno) }
    self.init(rawValue: metadata)
  }
}

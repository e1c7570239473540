import FoundationEssentials
import Glibc
import SystemPackage

/// A file that one process at a time holds, by `flock`, with who that is as its text.
///
/// The lock ends with the last reference to this object, and with the process however it ends. The file stays:
/// removing a locked file would let two processes lock two files of one name.
public final class FileLock: Sendable {
  private let file: OpenFile

  /// Takes the lock, without waiting.
  ///
  /// - Parameters:
  ///   - path: The file; made if it is not there.
  ///   - folder: What it stands for, named in the error.
  ///   - remark: Added to who this process is.
  /// - Throws: `FileError.locked`, or why the file cannot be used.
  public init(_ path: FilePath, of folder: FilePath, remark: String = "") throws(FileError) {
    file = try OpenFile(path, .readWrite, options: .create)
    guard try file.tryLock(.exclusive) else {
      let holder = try file.text()
      throw .locked(folder, holder: holder.isEmpty ? "another process" : holder)
    }
    // Without /proc the process number must do.
    let host = try? OpenFile("/proc/sys/kernel/hostname", .readOnly).text()
    try file.replaceText(
      "process \(getpid()) on \(host ?? "an unknown host") since \(Date.now.formatted(.iso8601))"
        + remark)
  }

  /// Gives the lock up.
  public func release() { file.unlock() }
}

extension OpenFile {
  /// Gives up what `tryLock` or `lock` took.
  public func unlock() {
    do { _ = try tryLock(.none) } catch {
      // Unlocking what one has locked does not fail; closing the file unlocks it anyway.
    }
  }

  /// The file's text, at most 4 KiB of it, on one line.
  public func text() throws(FileError) -> String {
    var buffer = [UInt8](repeating: 0, count: 4096)
    let count = try read(at: 0, into: &buffer)
    return oneLineText(buffer[..<count].prefix { $0 != 0x0a })
  }

  /// Makes one line the file's whole text.
  public func replaceText(_ text: String) throws(FileError) {
    try truncate(to: 0)
    try write(Array((text + "\n").utf8))
  }
}

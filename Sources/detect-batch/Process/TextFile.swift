import DetectionPipeline
import Files
import Glibc
import SystemPackage

/// Small files of text.
enum TextFile {
  private static let limit = 1 << 20

  /// Reads a file of UTF-8.
  ///
  /// - Throws: `Fault` (usage) where it cannot be read, is larger than 1 MiB, or is not UTF-8.
  static func read(_ path: FilePath) throws(Fault) -> String {
    let bytes: [UInt8]
    do {
      bytes = try WholeFile.read(path, limit: limit)
    } catch .fileTooLarge {
      throw Fault(.usage, "\(path): a file of settings has at most 1 MiB")
    } catch {
      throw Fault(.usage, "\(path): \(error)")
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw Fault(.usage, "\(path): is not UTF-8 text")
    }
    return text
  }

  /// Makes sure that a file can be made, before what it is to hold takes time.
  ///
  /// - Throws: `Fault` (73) where its directory is not there or may not be written to.
  static func requirePlace(_ path: FilePath) throws(Fault) {
    let parent = path.removingLastComponent()
    let directory: FilePath = parent.isEmpty ? "." : parent
    guard directory.isDirectory else {
      throw Fault(.cannotCreateOutput, "\(path): there is no directory \(directory)")
    }
    guard directory.withPlatformString({ access($0, W_OK) }) == 0 else {
      throw Fault(.cannotCreateOutput, "\(path): \(Errno(rawValue: errno))")
    }
  }

  /// Writes a file at once or not at all.
  ///
  /// - Throws: `Fault` where it cannot be made (73) or written (74).
  static func write(_ text: String, to path: FilePath) throws(Fault) {
    do {
      try AtomicFile.replace(path, with: text.utf8)
    } catch {
      throw Fault(ExitStatus(error.kind), "\(path): \(error.code)")
    }
  }
}

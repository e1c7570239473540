import DetectionPipeline
import Files
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

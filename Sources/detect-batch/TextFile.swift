import DetectionPipeline
import Glibc
import SystemPackage

/// Small files of text.
enum TextFile {
  private static let limit = 1 << 20

  /// Reads a file of UTF-8.
  ///
  /// - Throws: `RunError` (usage) where it cannot be read, is larger than 1 MiB, or is not UTF-8.
  static func read(_ path: FilePath) throws(RunError) -> String {
    var bytes: [UInt8] = []
    do {
      let file = try FileDescriptor.open(path, .readOnly)
      try file.closeAfter {
        var piece = [UInt8](repeating: 0, count: 1 << 16)
        while bytes.count <= limit {
          let count = try piece.withUnsafeMutableBytes { try file.read(into: $0) }
          if count == 0 { break }
          bytes.append(contentsOf: piece[..<count])
        }
      }
    } catch {
      throw RunError(.usage, "\(path): \(error)")
    }
    guard bytes.count <= limit else {
      throw RunError(.usage, "\(path): a file of settings has at most 1 MiB")
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw RunError(.usage, "\(path): is not UTF-8 text")
    }
    return text
  }

  /// Writes a file at once or not at all.
  ///
  /// - Throws: `RunError` where it cannot be made (73) or written (74).
  static func write(_ text: String, to path: FilePath) throws(RunError) {
    var temporary = path
    temporary.removeLastComponent()
    temporary.append(".\(path.lastComponent?.string ?? "").\(UInt32.random(in: 0 ... .max))")
    do {
      let file = try FileDescriptor.open(
        temporary, .writeOnly, options: [.create, .exclusiveCreate],
        permissions: [.ownerReadWrite, .groupRead, .otherRead])
      _ = try file.closeAfter { try file.writeAll(text.utf8) }
    } catch {
      let isFull = [Errno.noSpace, .diskQuotaExceeded, .ioError].contains(error as? Errno)
      unlink(temporary)
      throw RunError(isFull ? .outputFailed : .cannotCreateOutput, "\(path): \(error)")
    }
    guard
      temporary.withPlatformString({ from in path.withPlatformString { rename(from, $0) } }) == 0
    else {
      let error = Errno(rawValue: errno)
      unlink(temporary)
      throw RunError(.cannotCreateOutput, "\(path): \(error)")
    }
  }

  private static func unlink(_ path: FilePath) {
    _ = path.withPlatformString { Glibc.unlink($0) }
  }
}

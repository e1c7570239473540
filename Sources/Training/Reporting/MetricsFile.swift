import Files
import SystemPackage

/// `metrics.jsonl`, line by line, and the curves that its lines give. However long the file is, a part of it is in
/// memory at a time.
final class MetricsFile {
  /// Of all lines.
  private(set) var curves = TrainingCurves()
  private let file: OpenFile

  /// Longer lines are no records: of ten thousand classes one has less than a MiB.
  private static let maxLineLength = 16 << 20

  /// Opens the file and cuts off what a training did after the state that it is resumed from.
  ///
  /// - Parameters:
  ///   - path: made if it is not there.
  ///   - iteration: lines of later iterations, and a torn last one, go.
  /// - Throws: `TrainingError.output`.
  init(_ path: FilePath, keepingUpTo iteration: Int) throws(TrainingError) {
    do throws(FileError) {
      file = try OpenFile(path, .readWrite, options: [.create, .append])
      var length: Int64 = 0
      if iteration > 0 {
        length = try file.scanLines(limit: Self.maxLineLength) { line in
          guard let number = Self.iteration(of: line), number <= iteration else { return false }
          curves.add(line)
          return true
        }
      }
      try file.truncate(to: length)
    } catch {
      throw .output(file: path, reason: error.reason)
    }
  }

  /// Adds a line.
  func append(_ record: TrainingRecord) throws(TrainingError) {
    let line = Array(record.line.utf8)
    do { try file.write(line + [UInt8(ascii: "\n")]) } catch {
      throw .output(file: file.path, reason: error.reason)
    }
    line.withUnsafeBytes { curves.add($0) }
  }

  /// The number behind `{"iteration":`.
  private static func iteration(of line: UnsafeRawBufferPointer) -> Int? {
    let start = Array("{\"iteration\":".utf8)
    guard line.starts(with: start) else { return nil }
    let digits = line.dropFirst(start.count).prefix {
      (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
    }
    return Int(String(decoding: digits, as: UTF8.self))
  }
}

import SystemPackage

/// `metrics.jsonl`, line by line, and the curves that its lines give. However long the file is, a part of it is in
/// memory at a time.
final class MetricsFile {
  /// Of all lines.
  private(set) var curves = TrainingCurves()
  private let path: FilePath
  private let file: FileDescriptor

  /// Longer lines are no records: of ten thousand classes one has less than a MiB.
  private static let maxLineLength = 16 << 20

  /// Opens the file and cuts off what a training did after the state that it is resumed from.
  ///
  /// - Parameters:
  ///   - path: made if it is not there.
  ///   - iteration: lines of later iterations, and a torn last one, go.
  /// - Throws: `TrainingError.output`.
  init(_ path: FilePath, keepingUpTo iteration: Int) throws(TrainingError) {
    self.path = path
    do {
      file = try FileDescriptor.open(
        path, .readWrite, options: [.create, .closeOnExec],
        permissions: [.ownerReadWrite, .groupRead, .otherRead])
      var length: Int64 = 0
      if iteration > 0 {
        try Self.forEachLine(of: file) { line in
          guard let number = Self.iteration(of: line), number <= iteration else { return false }
          curves.add(line)
          length += Int64(line.count + 1)
          return true
        }
      }
      try file.resize(to: length)
      try file.seek(offset: length, from: .start)
    } catch {
      throw .output(file: path, reason: "\(error)")
    }
  }

  deinit {
    // Each line was written when it was made.
    try? file.close()
  }

  /// Adds a line.
  func append(_ record: TrainingRecord) throws(TrainingError) {
    let line = Array(record.line.utf8)
    do { try file.writeAll(line + [UInt8(ascii: "\n")]) } catch {
      throw .output(file: path, reason: "\(error)")
    }
    curves.add(line[...])
  }

  /// Gives the lines that have an end, until `body` wants no more.
  private static func forEachLine(
    of file: FileDescriptor, _ body: (ArraySlice<UInt8>) -> Bool
  ) throws {
    var piece = [UInt8](repeating: 0, count: 1 << 16)
    var rest: [UInt8] = []
    while rest.count <= maxLineLength {
      let count = try piece.withUnsafeMutableBytes { try file.read(into: $0) }
      if count == 0 { return }
      rest += piece[..<count]
      var start = 0
      while let end = rest[start...].firstIndex(of: UInt8(ascii: "\n")) {
        guard body(rest[start..<end]) else { return }
        start = end + 1
      }
      rest.removeFirst(start)
    }
  }

  /// The number behind `{"iteration":`.
  private static func iteration(of line: ArraySlice<UInt8>) -> Int? {
    let start = Array("{\"iteration\":".utf8)
    guard line.starts(with: start) else { return nil }
    let digits = line.dropFirst(start.count).prefix {
      (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
    }
    return Int(String(decoding: digits, as: UTF8.self))
  }
}

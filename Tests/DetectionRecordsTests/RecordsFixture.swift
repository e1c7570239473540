import Files
import Foundation
import SystemPackage
import TestSupport
import Testing

@testable import DetectionRecords

/// An output directory with one input that is worked on.
struct RecordsFixture {
  let folder: TemporaryFolder
  let output: OutputDirectory
  var key: OutputKey
  let encoder: RecordEncoder
  static let labels = LabelTable(["qr_code", "ean \"13\""])

  init(_ source: String = "cam1/0700.mp4") throws {
    folder = try TemporaryFolder()
    output = OutputDirectory(folder.path.appending("out"))
    try output.create()
    let name = try SourceName(source)
    key = OutputKey(
      source: name,
      input: InputVersion(size: 1_048_576, modificationTime: 1_794_307_260_123_456_789),
      settingsDigest: String(repeating: "0af9", count: 16))
    encoder = RecordEncoder(source: name, labels: Self.labels)
  }

  /// A frame's line, always the same for one number.
  func line(_ frame: Int) -> [UInt8] {
    var generator = SeededGenerator(seed: UInt64(frame))
    let detections = (0..<generator.below(4)).map { _ in
      RecordedDetection(
        classIndex: generator.below(2), score: Double(generator.unitFloat()),
        x: Double(generator.unitFloat()),
        y: Double(generator.below(500)) / 8, width: 17.125, height: 4)
    }
    var line: [UInt8] = []
    encoder.append(
      FrameRecord(
        frame: frame, time: Double(frame) / 25, width: 640, height: 480,
        outcome: frame % 7 == 6 ? .failure("a number is not finite") : .detections(detections)),
      to: &line)
    return line
  }

  func lines(_ frames: Range<Int>) -> [UInt8] { frames.flatMap(line) }

  func openPartial() throws -> PartialFile { try PartialFile(key, in: output, encoder: encoder) }

  var partialPath: FilePath { output.partialFile(key) }
  var finalPath: FilePath { output.recordFile(key) }
  var manifestPath: FilePath { output.manifestFile(RunPartition()) }
}

/// A file's bytes; nil where there is none.
func contents(_ path: FilePath) throws -> [UInt8]? {
  guard let metadata = try OpenFile.metadata(path) else { return nil }
  var bytes = [UInt8](repeating: 0, count: Int(metadata.size))
  if bytes.isEmpty { return bytes }
  let count = try OpenFile(path, .readOnly).read(at: 0, into: &bytes)
  try #require(count == bytes.count)
  return bytes
}

/// Makes bytes the contents of a file.
func write(_ bytes: [UInt8], to path: FilePath) throws {
  try OpenFile(path, .writeOnly, options: [.create, .truncate]).write(bytes)
}

/// Bytes as text.
func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

extension Trait where Self == ConditionTrait {
  /// The test compares with Python, or uses it.
  static var python: Self {
    .enabled(
      if: FileManager.default.isExecutableFile(atPath: "/usr/bin/python3"),
      "there is no /usr/bin/python3")
  }
}

/// What a Python program prints.
func python(_ program: String, input: [UInt8]) throws -> String {
  let folder = try TemporaryFolder()
  let file = folder.path.appending("input")
  try write(input, to: file)
  let process = Process()
  let pipe = Pipe()
  process.executableURL = URL(filePath: "/usr/bin/python3")
  process.arguments = ["-c", program, file.string]
  process.standardOutput = pipe
  try process.run()
  let printed = pipe.fileHandleForReading.readDataToEndOfFile()
  process.waitUntilExit()
  try #require(process.terminationStatus == 0)
  return String(decoding: printed, as: UTF8.self)
}

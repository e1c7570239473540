import DetectionRecords
import Foundation
import FrameDecoding
import FrameEncoding
import SystemPackage
import TestSupport

@testable import Results

/// A folder with inputs, their records and what is drawn of them.
final class DrawFixture {
  let folder: TemporaryFolder
  var path: FilePath { folder.path }
  var output: FilePath { folder.path.appending("drawn") }
  private(set) var events: [DrawRun.Event] = []

  init() throws { folder = try TemporaryFolder() }

  /// What `scripts/make-media-fixtures.py` wrote for the tests of decoding.
  static let media = TestData.packageRoot.appending(path: "Tests/FrameDecodingTests/Fixtures")

  /// Copies an input from there.
  @discardableResult
  func copy(_ name: String, as other: String? = nil) throws -> FilePath {
    let target = path.appending(FilePath(other ?? name).components)
    try FileManager.default.createDirectory(
      atPath: target.removingLastComponent().string, withIntermediateDirectories: true)
    try FileManager.default.copyItem(
      atPath: Self.media.appending(path: name).path, toPath: target.string)
    return target
  }

  /// Writes one file of records.
  func write(_ lines: [String], to name: String = "records.jsonl") throws {
    try Data((lines.joined(separator: "\n") + "\n").utf8)
      .write(to: URL(filePath: path.appending(name).string))
  }

  /// A line of records.
  static func line(
    _ source: String, _ frame: Int, _ boxes: [[Double]], time: Double? = nil,
    size: (Int, Int)? = nil,
    label: String = "thing", score: Double = 0.5
  ) -> String {
    let detections = boxes.map {
      #"{"label":"\#(label)","score":\#(score),"box":[\#($0.map { "\($0)" }.joined(separator: ","))]}"#
    }
    let (width, height) = size ?? (96, 64)
    return
      #"{"source":"\#(source)","frame":\#(frame),"time":\#(time.map { "\($0)" } ?? "null"),"width":\#(width),"height":\#(height),"detections":[\#(detections.joined(separator: ","))]}"#
  }

  /// Draws what was written.
  @discardableResult
  func draw(
    style: DrawConfiguration.Style = .box, content: DrawConfiguration.Content = .everything,
    selection: DetectionSelection = .init(), hold: Bool = false,
    existing: DrawConfiguration.ExistingOutput = .skip, rateFactor: Double = 8,
    records: String = "records.jsonl", output: FilePath? = nil
  ) throws -> DrawRun.Summary {
    events = []
    let run = DrawRun(
      RecordReader(try RecordFiles([path.appending(records)])), InputLocator(root: path),
      DrawConfiguration(
        style: style, content: content, selection: selection, holdsBoxes: hold,
        existingOutput: existing, quality: VideoQuality(rateFactor: rateFactor, threads: 2),
        output: output ?? self.output)
    ) { self.events.append($0) }
    return try run.draw()
  }

  /// Remarks and failures, in order.
  var texts: [String] {
    events.compactMap {
      switch $0 {
      case .remark(_, let text), .failed(_, let text), .nothing(_, let text): text
      case .made, .progress: nil
      }
    }
  }

  /// Files that were drawn, by their paths below the output.
  var drawn: [String] {
    let found = FileManager.default.enumerator(atPath: output.string)?.allObjects ?? []
    return found.compactMap { $0 as? String }.filter { name in
      var isFolder: ObjCBool = false
      let place = output.pushing(FilePath(name)).string
      return FileManager.default.fileExists(atPath: place, isDirectory: &isFolder)
        && !isFolder.boolValue
    }.sorted()
  }

  /// All frames of a file.
  func frames(_ path: FilePath) throws -> [SourceFrame] {
    let reader = try MediaReader(path: path)
    var frames: [SourceFrame] = []
    while let frame = try reader.nextSourceFrame() { frames.append(frame) }
    return frames
  }
}

/// FFmpeg's command-line programs, which only some tests need.
enum FFmpegTool {
  /// Runs one; nil, said aloud, where it is not installed.
  static func run(_ program: String, _ arguments: [String]) throws -> String? {
    guard FileManager.default.isExecutableFile(atPath: "/usr/bin/\(program)") else {
      print("skipped: there is no \(program)")
      return nil
    }
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/\(program)")
    process.arguments = arguments
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    let output = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    struct Failure: Error { let arguments: [String] }
    guard process.terminationStatus == 0 else { throw Failure(arguments: arguments) }
    return String(decoding: output, as: UTF8.self)
  }

  /// What ffprobe says of a file's frames: seconds from the container's start.
  static func times(_ path: FilePath) throws -> [Double]? {
    guard
      let text = try run(
        "ffprobe",
        [
          "-v", "error", "-threads", "1", "-select_streams", "V:0", "-show_entries",
          "format=start_time:frame=best_effort_timestamp_time", "-of", "json", path.string,
        ])
    else { return nil }
    struct Answer: Decodable {
      struct Frame: Decodable {
        let bestEffortTimestampTime: String?
      }
      struct Format: Decodable {
        let startTime: String?
      }
      let frames: [Frame]
      let format: Format
    }
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    let answer = try decoder.decode(Answer.self, from: Data(text.utf8))
    let start = answer.format.startTime.flatMap(Double.init) ?? 0
    return answer.frames.compactMap { $0.bestEffortTimestampTime.flatMap(Double.init) }
      .map { $0 - start }
  }
}

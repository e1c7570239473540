import Foundation
import FrameEncoding
import Results
import SystemPackage
import TestSupport

/// Records and pictures in a folder, and the report that is made of them.
struct ReportFixture {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  var found: FilePath { folder.path.appending("found") }
  var media: FilePath { folder.path.appending("media") }
  var report: FilePath { folder.path.appending("report") }

  /// Writes the lines of one input.
  func write(_ name: String, _ lines: [String]) throws {
    try write(
      found.appending(FilePath(name + ".jsonl").components),
      Data((lines.joined(separator: "\n") + "\n").utf8))
  }

  /// Writes a gray picture of 64x48.
  func writePicture(_ name: String) throws {
    let pixels = [UInt8](repeating: 120, count: 64 * 48 * 3)
    let bytes = try PictureEncoder.encode(pixels, width: 64, height: 48, as: .jpeg)
    try write(media.appending(FilePath(name).components), Data(bytes))
  }

  private func write(_ path: FilePath, _ data: Data) throws {
    try FileManager.default.createDirectory(
      atPath: path.removingLastComponent().string, withIntermediateDirectories: true)
    try data.write(to: URL(filePath: path.string))
  }

  /// A record of 64x48.
  static func record(
    _ source: String, _ frame: Int, time: Double? = nil, _ detections: [(String, Double)]
  ) -> String {
    let boxes = detections.map { "{\"label\":\"\($0)\",\"score\":\($1),\"box\":[8,6.25,16,12]}" }
    return
      "{\"source\":\"\(source)\",\"frame\":\(frame),\"time\":\(time.map { "\($0)" } ?? "null"),"
      + "\"width\":64,\"height\":48,\"detections\":[\(boxes.joined(separator: ","))]}"
  }

  /// A request for all records.
  var request: ReportRequest {
    var request = ReportRequest(
      records: [found], output: report, title: "a title", version: "1", time: 0)
    request.root = media
    return request
  }

  /// A part of the data.
  func data(_ name: String) throws -> Any {
    let file = report.appending("data").appending("\(name).js")
    var text = try String(contentsOf: URL(filePath: file.string), encoding: .utf8)
    let start = "report(\"\(name)\","
    guard text.hasPrefix(start), text.hasSuffix(");\n") else { throw Malformed(name: name) }
    text = String(text.dropFirst(start.count).dropLast(3))
    return try JSONSerialization.jsonObject(with: Data(text.utf8))
  }

  /// A part that is an object.
  func object(_ name: String) throws -> [String: Any] {
    guard let object = try data(name) as? [String: Any] else { throw Malformed(name: name) }
    return object
  }

  /// A part that is a list of objects.
  func objects(_ name: String) throws -> [[String: Any]] {
    guard let list = try data(name) as? [[String: Any]] else { throw Malformed(name: name) }
    return list
  }

  struct Malformed: Error {
    var name: String
  }

  /// All files below a folder with their content, by name.
  static func content(of folder: FilePath) throws -> [String: Data] {
    var content: [String: Data] = [:]
    for name in try FileManager.default.subpathsOfDirectory(atPath: folder.string) {
      let path = folder.appending(FilePath(name).components).string
      if let data = FileManager.default.contents(atPath: path) { content[name] = data }
    }
    return content
  }
}

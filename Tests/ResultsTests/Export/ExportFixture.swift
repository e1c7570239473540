import DetectionRecords
import Files
import Foundation
import SystemPackage
import TestSupport
import Testing

@testable import Results

/// Records of all kinds, and what becomes of them.
struct ExportFixture {
  let folder: TemporaryFolder
  /// What the user's tables for Camtrap DP lie in.
  private let tables: TemporaryFolder

  /// A picture with two detections and an odd name, one with none, a video that stops early, an input that failed.
  static let lines = [
    #"{"source":"a, \"b\" & <c>.jpg","frame":0,"time":null,"width":200,"height":100,"detections":[{"label":"cat, big","score":0.9000,"box":[20.00,10.00,100.00,50.00]},{"label":"dog","score":0.2500,"box":[0.00,0.00,200.00,100.00]}]}"#,
    #"{"source":"empty.jpg","frame":0,"time":null,"width":10,"height":20,"corrupt":true,"detections":[]}"#,
    #"{"source":"v/clip.mp4","frame":0,"time":0.000000,"width":320,"height":240,"detections":[{"label":"dog","score":0.5000,"box":[32.00,24.00,64.00,48.00]}]}"#,
    #"{"source":"v/clip.mp4","frame":5,"time":0.500000,"width":320,"height":240,"detections":[{"label":"dog","score":0.7000,"box":[32.00,24.00,64.00,48.00]},{"label":"cat, big","score":0.6000,"box":[0.00,0.00,16.00,24.00]}]}"#,
    #"{"source":"v/clip.mp4","frame":10,"time":1.000000,"width":320,"height":240,"detections":[{"label":"cat, big","score":0.4000,"box":[0.00,0.00,16.00,24.00]}]}"#,
    #"{"source":"v/clip.mp4","frame":null,"time":null,"width":null,"height":null,"detections":null,"failure":"torn, at the end"}"#,
    #"{"source":"z.mp4","frame":null,"time":null,"width":null,"height":null,"detections":null,"failure":"no video"}"#,
  ]

  init(_ lines: [String] = Self.lines) throws {
    folder = try TemporaryFolder()
    tables = try TemporaryFolder()
    try write(lines.map { $0 + "\n" }.joined(), to: "records.jsonl")
  }

  func path(_ name: String) -> FilePath { folder.path.pushing(FilePath(name)) }

  func write(_ text: String, to name: String) throws {
    try AtomicFile.replace(path(name), with: text.utf8)
  }

  func request(_ format: ExportFormat) throws -> ExportRequest {
    var request = ExportRequest(try RecordFiles([path("records.jsonl")]), as: format)
    if format == .camtrapDP { request.camtrap = try camtrap() }
    return request
  }

  /// One camera for all, and the times of the inputs in `lines`.
  private func camtrap() throws -> CamtrapContext {
    let (places, times) = (tables.path.appending("d.csv"), tables.path.appending("t.csv"))
    try AtomicFile.replace(
      places,
      with: """
        deploymentID,latitude,longitude,deploymentStart,deploymentEnd,directory
        all,1,2,2020-03-01T00:00:00Z,2020-04-01T00:00:00Z,.

        """.utf8)
    try AtomicFile.replace(
      times,
      with: """
        filePath,timestamp
        "a, ""b"" & <c>.jpg",2020-03-02T00:00:00Z
        empty.jpg,2020-03-02T00:00:00Z
        v/clip.mp4,2020-03-02T00:00:00Z
        z.mp4,2020-03-02T00:00:00Z

        """.utf8)
    return CamtrapContext(
      tables: try CamtrapTables(deployments: places, timestamps: times), title: "trial",
      created: "2026-11-29T10:00:00Z", version: "1")
  }

  /// The bytes of a format that is a file.
  func text(_ request: ExportRequest) throws -> String {
    _ = try ExportRun.run(request, to: .path(path("out"), replacing: true))
    return try read("out")
  }

  func text(_ format: ExportFormat) throws -> String { try text(request(format)) }

  func read(_ name: String) throws -> String {
    String(decoding: try Data(contentsOf: URL(filePath: path(name).string)), as: UTF8.self)
  }

  /// What is in the folder, below it.
  func names(below name: String) throws -> [String] {
    try #require(FileManager.default.enumerator(atPath: path(name).string))
      .compactMap { $0 as? String }.sorted()
  }

  static func json(_ text: String) throws -> [String: Any] {
    try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
  }
}

import Datasets
import Evaluation
import Foundation
import SystemPackage
import Testing

/// What `scripts/make-evaluation-fixtures.py` wrote: pycocotools' numbers for a case, and its files.
struct EvaluationFixture: Sendable, CustomTestStringConvertible {
  struct Expected: Decodable, Sendable {
    var name: String
    var total: [Double]
    var classes: [String: [Double]]
    /// pycocotools' lines, of some cases.
    var printed: [String]?
  }

  var expected: Expected
  var annotations: String
  var results: String

  var testDescription: String { expected.name }

  static func all() throws -> [EvaluationFixture] {
    let url = Bundle.module.bundleURL.appending(path: "Fixtures/cases.jsonl")
    let lines = try String(contentsOf: url, encoding: .utf8).split(separator: "\n").map(String.init)
    return try stride(from: 0, to: lines.count, by: 3).map { index in
      EvaluationFixture(
        expected: try JSONDecoder().decode(Expected.self, from: Data(lines[index].utf8)),
        annotations: lines[index + 1], results: lines[index + 2])
    }
  }

  /// The evaluation of its two files, through the readers.
  func evaluation() throws -> COCOEvaluation {
    try withTemporaryFolder { folder in
      let annotations = try COCOAnnotationsFile(
        contentsOf: folder.write(self.annotations, to: "annotations.json")
      ).annotations
      let results = try COCOResultsFile(
        contentsOf: folder.write(self.results, to: "results.json"), for: annotations)
      return COCOEvaluation(annotations: annotations, detections: results.detections)
    }
  }
}

/// A folder that lasts as long as `body`.
func withTemporaryFolder<Result>(_ body: (FilePath) throws -> Result) throws -> Result {
  let url = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
  try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  defer { #expect(throws: Never.self) { try FileManager.default.removeItem(at: url) } }
  return try body(FilePath(url.path))
}

extension FilePath {
  /// Writes a file below this folder, making its folders.
  func write(_ text: String, to name: String) throws -> FilePath {
    let path = appending(name)
    try FileManager.default.createDirectory(
      atPath: path.removingLastComponent().string, withIntermediateDirectories: true)
    try Data(text.utf8).write(to: URL(filePath: path.string))
    return path
  }
}

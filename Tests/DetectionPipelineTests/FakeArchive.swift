import DetectionRecords
import Foundation
import Synchronization
import SystemPackage
import TestSupport
import Testing

@testable import DetectionPipeline
@testable import RetinaNetModel

/// A folder `clips` of fake inputs, over which whole runs go into `out`.
final class FakeArchive {
  var inputs: [FakeInput]
  let folder: TemporaryFolder
  let log = EventLog()
  var configuration = RunConfiguration()
  /// Whether inputs are known by their names below the first directory, whichever that is.
  var isNamedByDirectory = false

  var output: FilePath { folder.path.appending("out") }

  init(_ inputs: [FakeInput]) throws {
    self.inputs = inputs
    folder = try TemporaryFolder()
    configuration.inputs.inputs = [folder.path.appending("clips")]
    configuration.output = .directory(output)
    configuration.workers = 3
    configuration.decoders = 2
    for input in inputs {
      let path = folder.path.appending(input.name)
      try FileManager.default.createDirectory(
        atPath: path.removingLastComponent().string, withIntermediateDirectories: true)
      try input.name.write(toFile: path.string, atomically: false, encoding: .utf8)
    }
  }

  func makeRun() throws -> DetectionRun {
    let named = inputs.map { input in
      var input = input
      input.name = String(
        input.name.trimmingPrefix(isNamedByDirectory ? /^\w+\// : /clips\//))
      return input
    }
    let unique = Dictionary(named.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    let fake = try FakeEquipment(Array(unique.values), seed: 1, delays: (50, 50))
    let description = ModelDescription(
      architecture: .init(backbone: .resnet18), classes: ["aztec", "qr_code", "ean_13"],
      preprocessing: .init(), anchors: .init(), postprocessing: .init())
    let model = RunModel(description: description, digest: "ab12") { configuration, _ in
      // As the detector does it.
      _ = try OutputSelection(configuration.detection, for: description)
      return fake.equipment
    }
    return DetectionRun(configuration, model, observer: log)
  }

  func run() throws -> RunSummary { try makeRun().run() }
  func plan() throws -> [PlannedInput] { try makeRun().plan() }

  /// Gives a file another modification time.
  func touch(_ name: String) throws {
    try FileManager.default.setAttributes(
      [.modificationDate: Date(timeIntervalSince1970: 1_000_000_000)],
      ofItemAtPath: folder.path.appending(name).string)
  }

  func remove(_ name: String) throws {
    try FileManager.default.removeItem(atPath: folder.path.appending(name).string)
  }

  func move(_ name: String, to new: String) throws {
    try FileManager.default.moveItem(
      atPath: folder.path.appending(name).string, toPath: folder.path.appending(new).string)
  }

  private func outputPath(of source: String) -> FilePath {
    output.pushing(FilePath(source + ".jsonl"))
  }

  func hasOutput(of source: String) -> Bool {
    FileManager.default.fileExists(atPath: outputPath(of: source).string)
  }

  func output(of source: String) throws -> Data {
    try Data(contentsOf: URL(filePath: outputPath(of: source).string))
  }

  func expectOutputs(sourceLocation: SourceLocation = #_sourceLocation) throws {
    for input in inputs {
      var named = input
      named.name = String(input.name.trimmingPrefix("clips/"))
      let path = output.appending(named.name + ".jsonl")
      let bytes = Array(try Data(contentsOf: URL(filePath: path.string)))
      #expect(try bytes == named.expectedLines(), "\(input.name)", sourceLocation: sourceLocation)
    }
  }
}

/// Remembers what it is told.
final class EventLog: RunObserver {
  private let told = Mutex<[RunEvent]>([])

  var events: [RunEvent] { told.withLock { $0 } }

  func observe(_ event: RunEvent) { told.withLock { $0.append(event) } }
}

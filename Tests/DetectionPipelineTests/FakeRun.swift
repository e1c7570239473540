import DetectionRecords
import Foundation
import SystemPackage
import TestSupport

@testable import DetectionPipeline

/// One run of the stages over fake inputs, in a folder of its own that further runs can use again.
struct FakeRun {
  let inputs: [FakeInput]
  let folder: TemporaryFolder
  private let control: RunControl
  let equipment: FakeEquipment
  private let jobs: JobList
  let files: Files

  /// A run whose detector calls `beforeLook` with the number of looks so far.
  init(
    _ inputs: [FakeInput], seed: UInt64, control: RunControl = RunControl(),
    folder: TemporaryFolder? = nil,
    beforeLook: @escaping @Sendable (Int, Files) throws -> Void = { _, _ in }
  ) throws {
    self.inputs = inputs
    self.control = control
    let folder = try folder ?? TemporaryFolder()
    self.folder = folder
    let files = Files(folder: folder.path)
    equipment = try FakeEquipment(inputs, seed: seed) { try beforeLook($0, files) }
    for input in inputs
    where !FileManager.default.fileExists(atPath: folder.path.appending(input.name).string) {
      try files.write(input.name, to: input.name)
    }
    self.files = files
    let sources = try inputs.map { try SourceName($0.name) }
    jobs = JobList(count: inputs.count, totalWork: Double(inputs.count)) { ordinal in
      let source = sources[ordinal]
      return InputJob(
        ordinal: ordinal, path: folder.path.pushing(source.path), source: source,
        root: folder.path, work: 1,
        encoder: RecordEncoder(source: source, labels: FakeEquipment.labels))
    }
  }

  /// The folder's files.
  struct Files: Sendable {
    let folder: FilePath

    func write(_ text: String, to name: String) throws {
      try text.write(toFile: folder.appending(name).string, atomically: false, encoding: .utf8)
    }
  }

  /// Another run in the same folder.
  func again(_ inputs: [FakeInput]) throws -> FakeRun {
    try FakeRun(inputs, seed: 99, folder: folder)
  }

  func into(_ destination: any RecordDestination, _ stages: RunStages) -> RunSummary {
    let report = RunReport(RunSummary(), jobs: jobs, observer: SilentObserver())
    stages.run(
      jobs, into: destination, with: equipment.equipment, control: control, report: report)
    return report.close(control.ending)
  }

  func intoDirectory(_ stages: RunStages) throws -> RunSummary {
    let output = OutputDirectory(folder.path.appending("out"))
    try output.create()
    return into(
      DirectoryDestination(
        output: output, manifest: try Manifest(output, RunPartition()), segment: nil,
        settingsDigest: "00ff"), stages)
  }

  func intoStandardOutput(_ stages: RunStages) throws -> (RunSummary, [UInt8]) {
    let path = folder.path.appending("stdout")
    let file = try FileDescriptor.open(
      path, .writeOnly, options: [.create, .truncate], permissions: .ownerReadWrite)
    let summary = try file.closeAfter {
      into(StandardOutputDestination(output: StandardOutput(file)), stages)
    }
    return (summary, try contents(path))
  }

  func hasOutput(of input: FakeInput) -> Bool {
    FileManager.default.fileExists(atPath: path(of: input).string)
  }

  func output(of input: FakeInput) throws -> [UInt8] { try contents(path(of: input)) }

  private func path(of input: FakeInput) -> FilePath {
    folder.path.appending("out").appending(input.name + ".jsonl")
  }

  private func contents(_ path: FilePath) throws -> [UInt8] {
    Array(try Data(contentsOf: URL(filePath: path.string)))
  }
}

struct SilentObserver: RunObserver {
  func observe(_ event: RunEvent) {}
}

extension FrameBounds {
  /// Bounds that only the number of waiting frames makes tight.
  static func of(waiting: Int) -> FrameBounds {
    FrameBounds(
      waitingFrames: waiting, bytes: 1 << 30, unwrittenRecords: 1024, reservedRecords: 64,
      patience: .milliseconds(1))
  }
}

import ArgumentParser
import DetectionPipeline
import DetectionRecords
import SystemPackage
import Workers

/// Times what is done to records, manifests and worklists.
struct RecordsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "records",
    abstract:
      "Times writing records, reading them, publishing them, reading manifests and finding inputs.")

  @Option(help: "An output directory, made and left behind.")
  var output: String
  @Option(help: "Inputs to publish, one record each.")
  var inputs = 1000
  @Option(help: "Threads that publish.")
  var threads = 1
  @Option(help: "Lines to encode.")
  var lines = 10_000
  @Option(help: "Detections in each.")
  var detections = 100
  @Option(help: "A directory to search for inputs as well.")
  var search: String?
  @Option(help: "Files or directories of records to read instead of all else.")
  var read: [String] = []

  private static let labels = LabelTable((0..<91).map { "class_\($0)" })
  private static let settingsDigest = String(repeating: "0af9", count: 16)

  func run() throws {
    if !read.isEmpty { return try readRecords() }
    try encode()
    try publishAndRead()
    guard let search else { return }
    var request = Worklist.Request()
    request.inputs = [FilePath(search)]
    request.allowsEmpty = true
    let (seconds, worklist) = try timed { try Worklist(request) }
    try Report.json([
      "worklistSeconds": Report.number(seconds), "inputs": "\(worklist.found)",
      "peakMiB": "\(Report.peakMemory())",
    ])
  }

  private func encode() throws {
    let encoder = RecordEncoder(source: try SourceName("cam1/0700.mp4"), labels: Self.labels)
    let found = (0..<detections).map { number in
      RecordedDetection(
        classIndex: number % 91, score: 0.05 + Double(number % 300) * 0.003,
        x: Double(number) * 4.37, y: 220.1, width: 96.03, height: 94.81)
    }
    let record = FrameRecord(
      frame: 42, time: 1.4014, width: 1920, height: 1080, outcome: .detections(found))
    let (seconds, bytes) = timed {
      (0..<lines).reduce(0) { total, _ in
        var line: [UInt8] = []
        encoder.append(record, to: &line)
        return total + line.count
      }
    }
    try Report.json([
      "encodeMicrosecondsPerLine": Report.number(seconds / Double(lines) * 1e6, 2),
      "megabytesPerSecond": Report.number(Double(bytes) / seconds * 1e-6, 0),
    ])
  }

  private func readRecords() throws {
    let reader = RecordReader(try RecordFiles(read.map { FilePath($0) }))
    var (lines, found) = (0, 0)
    let (seconds, _) = try timed {
      while let line = try reader.next() {
        lines += 1
        if case .detections(let detections) = line.record.outcome { found += detections.count }
      }
    }
    try Report.json([
      "lines": "\(lines)", "detections": "\(found)", "labels": "\(reader.labels.count)",
      "megabytesPerSecond": Report.number(Double(reader.bytesRead) / seconds * 1e-6, 0),
      "peakMiB": "\(Report.peakMemory())",
    ])
  }

  private func publishAndRead() throws {
    let output = OutputDirectory(FilePath(output))
    try output.create()
    let keys = try (0..<inputs).map { number in
      OutputKey(
        source: try SourceName("cam\(number % 100)/clip-\(number).mp4"),
        input: InputVersion(size: 1_048_576, modificationTime: 1_794_307_260_123_456_789),
        settingsDigest: Self.settingsDigest)
    }
    let manifest = try Manifest(output, RunPartition())
    let (publishing, _) = try timed {
      let group = WorkerGroup()
      for first in 0..<threads {
        group.start("publisher \(first)") { [threads] in
          for key in stride(from: first, to: keys.count, by: threads).map({ keys[$0] }) {
            try Self.publish(key, output, manifest)
          }
        }
      }
      try group.join()
    }
    let (reading, read) = try timed { try Manifest(reading: output, RunPartition()) }
    let (looking, complete) = try timed {
      try keys.count { key in
        if case .complete = try read.prior(key) { true } else { false }
      }
    }
    try Report.json([
      "publishMillisecondsPerInput": Report.number(publishing / Double(inputs) * 1e3, 3),
      "manifestMicrosecondsPerLine": Report.number(reading / Double(inputs) * 1e6, 2),
      "priorMicrosecondsPerInput": Report.number(looking / Double(inputs) * 1e6, 2),
      "complete": "\(complete)", "peakMiB": "\(Report.peakMemory())",
    ])
  }

  private static func publish(
    _ key: OutputKey, _ output: OutputDirectory, _ manifest: Manifest
  ) throws {
    let encoder = RecordEncoder(source: key.source, labels: labels)
    var line: [UInt8] = []
    encoder.append(
      FrameRecord(frame: 0, time: nil, width: 1, height: 1, outcome: .detections([])), to: &line)
    let partial = try PartialFile(key, in: output, encoder: encoder)
    try partial.append(line)
    try manifest.publish(partial, InputOutcome(seconds: 0))
  }

  private func timed<Result>(_ body: () throws -> Result) rethrows -> (Double, Result) {
    let clock = ContinuousClock()
    let start = clock.now
    let result = try body()
    return ((clock.now - start).seconds, result)
  }
}

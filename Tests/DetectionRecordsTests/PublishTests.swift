import SystemPackage
import TestSupport
import Testing

@testable import DetectionRecords

@Suite struct PublishSmokeTests {
  @Test func publishesWhatWasAppended() throws {
    let folder = try TemporaryFolder()
    let output = OutputDirectory(folder.path.appending("out"))
    try output.create()
    let lock = try RunLock(output, RunPartition())
    defer { lock.release() }
    let source = try SourceName("cam1/0700.mp4")
    let key = OutputKey(
      source: source, input: InputVersion(size: 5, modificationTime: 7), settingsDigest: "ab12")
    let manifest = try Manifest(output, RunPartition())
    #expect(try manifest.prior(key) == .none)
    let encoder = RecordEncoder(source: source, labels: LabelTable(["qr_code"]))
    var lines: [UInt8] = []
    let found = RecordedDetection(
      classIndex: 0, score: 0.93118, x: 412.5, y: 220.1, width: 96, height: 94.8)
    encoder.append(
      FrameRecord(
        frame: 42, time: 1.4014, width: 1920, height: 1080, outcome: .detections([found])),
      to: &lines)
    #expect(
      String(decoding: lines, as: UTF8.self)
        == #"{"source":"cam1/0700.mp4","frame":42,"time":1.401400,"width":1920,"height":1080,"detections":[{"label":"qr_code","score":0.9312,"box":[412.50,220.10,96.00,94.80]}]}"#
        + "\n")
    let partial = try PartialFile(key, in: output, encoder: encoder)
    try partial.append(lines)
    let entry = try manifest.publish(partial, InputOutcome(seconds: 1))
    #expect(try manifest.prior(key) == .complete(entry))
    #expect(try Manifest(output, RunPartition()).prior(key) == .complete(entry))
  }
}

import DetectionRecords
import Foundation
import FrameDecoding
import SystemPackage
import TestSupport
import Testing

@testable import DetectionPipeline

/// Whole runs over fake inputs: what is worked on, what is left, and what the run says.
@Suite struct DetectionRunTests {
  static let inputs = [
    FakeInput(name: "clips/a.mp4", frames: 12), FakeInput(name: "clips/b.mp4", frames: 7),
    FakeInput(
      name: "clips/broken.mp4", frames: 3, failure: MediaError(.data, "moov atom not found")),
    FakeInput(name: "clips/deep/c.png", frames: 1),
  ]

  @Test func `a second run finds nothing to do and is done`() throws {
    let archive = try FakeArchive(Self.inputs)
    let first = try archive.run()
    #expect(first.status == .someInputsFailed)
    #expect(first.inputs.done == 3 && first.inputs.failed == 1)
    try archive.expectOutputs()

    let second = try archive.run()
    #expect(second.status == .done)
    #expect(second.inputs.skipped == 3 && second.inputs.failedEarlier == 1)
    #expect(second.frames == 0)
    #expect(
      try archive.plan().map { "\($0.source): \($0.action.rawValue), \($0.reason)" } == [
        "a.mp4: skip, complete", "b.mp4: skip, complete",
        "broken.mp4: failed earlier, moov atom not found", "deep/c.png: skip, complete",
      ])
  }

  @Test func `what changed is done again, and says why`() throws {
    let archive = try FakeArchive(Self.inputs)
    _ = try archive.run()
    try archive.touch("clips/b.mp4")
    #expect(try archive.plan()[1].reason == "the input has changed")
    #expect(try archive.run().inputs.done == 1)

    archive.configuration.detection.nmsThreshold = 0.3
    let plan = try archive.plan()
    #expect(plan.allSatisfy { $0.action == .detect && $0.reason == "the settings have changed" })
    #expect(try archive.run().inputs.done == 3)
    archive.configuration.detection.nmsThreshold = nil
    archive.configuration.overwrite = .skip
    #expect(try archive.run().inputs.skipped == 4)
  }

  @Test func `overwrite policies hold`() throws {
    let archive = try FakeArchive(Self.inputs)
    _ = try archive.run()
    archive.configuration.overwrite = .always
    #expect(try archive.run().inputs.done == 3)
    archive.configuration.overwrite = .error
    #expect(
      throws: RunError(
        .cannotCreateOutput,
        "the output of a.mp4 exists: choose another --output, or another --overwrite than error")
    ) { try archive.run() }

    // An output that nothing is known of: made anew, unless all that exists is to be left.
    try archive.remove("out/.detect-batch/manifest.jsonl")
    archive.configuration.overwrite = .stale
    #expect(try archive.plan()[0].reason == "nothing is known of its output")
    archive.configuration.overwrite = .skip
    #expect(try archive.plan()[0].reason == "has an output")
  }

  @Test func `failures in the data are tried again when asked`() throws {
    let archive = try FakeArchive(Self.inputs)
    _ = try archive.run()
    archive.inputs[2].failure = nil
    archive.configuration.retryFailed = true
    let summary = try archive.run()
    #expect(summary.inputs.done == 1 && summary.inputs.skipped == 3)
    #expect(summary.status == .done)
    try archive.expectOutputs()
  }

  @Test func `a failed access is tried again without being asked`() throws {
    let archive = try FakeArchive([FakeInput(name: "clips/a.mp4", frames: 4)])
    archive.inputs[0].failure = MediaError(.access, "Input/output error")
    let first = try archive.run()
    #expect(first.status == .someInputsFailed && first.inputs.failed == 1)
    archive.inputs[0].failure = nil
    #expect(try archive.plan()[0].reason == "new, begun by an earlier run")
    #expect(try archive.run().inputs.done == 1)
    try archive.expectOutputs()
  }

  @Test func `another run that holds the output is named, or waited for`() throws {
    let archive = try FakeArchive(Self.inputs)
    let output = OutputDirectory(archive.output)
    try output.create()
    var lock: RunLock? = try RunLock(output, RunPartition())
    let error = #expect(throws: RunError.self) { try archive.run() }
    #expect(error?.status == .locked)
    #expect(error?.description.contains("process \(getpid()) on ") == true)
    // Looking needs no lock.
    #expect(try archive.plan().count == 4)

    archive.configuration.waitsForLock = true
    let waiting = try archive.makeRun()
    let ended = DispatchSemaphore(value: 0)
    let thread = Thread {
      let error = #expect(throws: RunError.self) { try waiting.run() }
      #expect(error?.status == .interrupted)
      ended.signal()
    }
    thread.start()
    _ = waiting.stop(.interrupted)
    ended.wait()
    withExtendedLifetime(lock) {}
    lock = nil
    #expect(try archive.run().inputs.done == 3)
  }

  @Test func `shards do everything once`() throws {
    let inputs = (0..<40).map { FakeInput(name: "clips/\($0).png", frames: 1) }
    let archive = try FakeArchive(inputs)
    var done = 0
    for index in 1...3 {
      archive.configuration.partition = RunPartition(shard: Part(index: index, count: 3))
      let summary = try archive.run()
      #expect(summary.status == .done)
      done += summary.inputs.done
    }
    #expect(done == 40)
    try archive.expectOutputs()
    archive.configuration.partition = RunPartition()
    #expect(try archive.run().inputs.skipped == 40)
  }

  @Test func `wrong inputs end the run before it begins`() throws {
    let archive = try FakeArchive(Self.inputs)
    archive.configuration.inputs.inputs = [archive.folder.path.appending("nothing.mp4")]
    let missing = #expect(throws: RunError.self) { try archive.run() }
    #expect(missing?.status == .noInput)
    archive.configuration.inputs.inputs = [archive.folder.path.appending("clips")]
    archive.configuration.detection.classes = ["bicycle"]
    let unknown = #expect(throws: RunError.self) { try archive.run() }
    #expect(unknown?.status == .usage)
  }

  @Test func `metrics tell what the run did`() throws {
    let archive = try FakeArchive(Self.inputs)
    archive.configuration.metricsFile = archive.folder.path.appending("run.prom")
    _ = try archive.run()
    let text = try String(
      contentsOfFile: archive.folder.path.appending("run.prom").string, encoding: .utf8)
    for line in [
      "detect_batch_running 0.0", "detect_batch_exit_status 3.0",
      "detect_batch_inputs{state=\"done\"} 3.0", "detect_batch_inputs{state=\"failed\"} 1.0",
      "detect_batch_frames 23.0",
    ] {
      #expect(text.split(separator: "\n").contains(line[...]), "\(line)")
    }
  }

  @Test func `events come in order and count`() throws {
    let archive = try FakeArchive(Self.inputs)
    _ = try archive.run()
    let events = archive.log.events
    guard case .planned(let counts) = events.first, case .finished(let summary) = events.last else {
      Issue.record("not from planned to finished: \(events)")
      return
    }
    #expect(counts.inputs == 4)
    #expect(summary.inputs.done == 3)
    let results = events.compactMap { event -> InputResult? in
      if case .inputFinished(let result) = event { result } else { nil }
    }
    #expect(Set(results.map(\.source)) == ["a.mp4", "b.mp4", "broken.mp4", "deep/c.png"])
    #expect(results.first { $0.source == "broken.mp4" }?.failure == "moov atom not found")
    #expect(results.first { $0.source == "a.mp4" }?.frames == 12)
  }
}

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
    #expect(first.outcome == .someInputsFailed)
    #expect(first.inputs.done == 3 && first.inputs.failed == 1)
    try archive.expectOutputs()

    let second = try archive.run()
    #expect(second.outcome == .done)
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
    #expect(
      plan.allSatisfy {
        $0.action == .detect
          && $0.reason == "the settings have changed: nms was 0.5 false, is 0.3 false"
      })
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
    try archive.remove("out/.detect-batch/manifest.log")
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
    #expect(summary.outcome == .done)
    try archive.expectOutputs()
  }

  @Test func `a failed access is tried again without being asked`() throws {
    let archive = try FakeArchive([FakeInput(name: "clips/a.mp4", frames: 4)])
    archive.inputs[0].failure = MediaError(.access, "Input/output error")
    let first = try archive.run()
    #expect(first.outcome == .someInputsFailed && first.inputs.failed == 1)
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
    #expect(error?.kind == .locked)
    #expect(error?.description.contains("process \(getpid()) on ") == true)
    // Looking needs no lock.
    #expect(try archive.plan().count == 4)

    archive.configuration.waitsForLock = true
    let waiting = try archive.makeRun()
    let ended = DispatchSemaphore(value: 0)
    let thread = Thread {
      let error = #expect(throws: RunError.self) { try waiting.run() }
      #expect(error?.kind == .stopped)
      ended.signal()
    }
    thread.start()
    _ = waiting.stop()
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
      #expect(summary.outcome == .done)
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
    #expect(missing?.kind == .missingInput)
    archive.configuration.inputs.inputs = [archive.folder.path.appending("clips")]
    archive.configuration.detection.classes = ["bicycle"]
    let unknown = #expect(throws: RunError.self) { try archive.run() }
    #expect(unknown?.kind == .usage)
  }

  @Test func `metrics tell what the run did`() throws {
    let archive = try FakeArchive(Self.inputs)
    archive.configuration.metricsFile = MetricsFile(
      path: archive.folder.path.appending("run.prom")
    ) { outcome in outcome == .someInputsFailed ? 3 : 99 }
    _ = try archive.run()
    let text = try String(
      contentsOfFile: archive.folder.path.appending("run.prom").string, encoding: .utf8)
    for line in [
      "detect_batch_running 0.0", "detect_batch_exit_status 3.0",
      "detect_batch_inputs{state=\"done\"} 3.0", "detect_batch_inputs{state=\"failed\"} 1.0",
      "detect_batch_frames 23.0", "detect_batch_failed_frames 1.0",
    ] {
      #expect(text.split(separator: "\n").contains(line[...]), "\(line)")
    }
  }

  @Test func `metrics of a run that could not start say so`() throws {
    let path = try TemporaryFolder()
    let file = path.path.appending("run.prom")
    try MetricsFile(path: file) { _ in 0 }.writeFailedStart(exitStatus: 65)
    let text = try String(contentsOfFile: file.string, encoding: .utf8)
    for line in [
      "detect_batch_running 0.0", "detect_batch_exit_status 65.0", "detect_batch_frames 0.0",
    ] {
      #expect(text.split(separator: "\n").contains(line[...]), "\(line)")
    }
  }

  @Test func `fewer frames of the same inputs replace nothing unasked`() throws {
    let archive = try FakeArchive(Self.inputs)
    _ = try archive.run()
    let changes: [(what: String, change: (inout FrameSampling) -> Void, kept: [String])] = [
      ("max-frames was none, is 2", { $0.maxFrames = 2 }, ["a.mp4", "b.mp4", "broken.mp4"]),
      ("max-frames was none, is 7", { $0.maxFrames = 7 }, ["a.mp4"]),
      (
        "sampling was all, is every 3", { $0.selection = .every(3) },
        ["a.mp4", "b.mp4", "broken.mp4"]
      ),
      (
        "from --start to --end was none to none, is 0.1 to none", { $0.start = 0.1 },
        ["a.mp4", "b.mp4", "broken.mp4"]
      ),
    ]
    for (what, change, kept) in changes {
      archive.configuration.sampling = FrameSampling()
      change(&archive.configuration.sampling)
      let plan = try archive.plan()
      #expect(plan.filter { $0.action == .keep }.map(\.source) == kept, "\(what)")
      #expect(
        plan.allSatisfy { $0.action != .keep || $0.reason.hasSuffix(" looked at now: \(what)") },
        "\(plan)")
    }
    archive.configuration.sampling = FrameSampling(maxFrames: 2)
    #expect(try archive.run().inputs.skipped == 3)
    try archive.expectOutputs()
    let remarks = archive.log.events.compactMap { event -> String? in
      if case .remark(let text) = event { text } else { nil }
    }
    #expect(
      remarks.last
        == "left 3 outputs with more frames than would be looked at now (max-frames was none, is 2): "
        + "choose another --output, or replace with --overwrite always")
    archive.configuration.overwrite = .always
    #expect(try archive.plan().allSatisfy { $0.action == .detect })
  }

  @Test func `an output of another file is not replaced unasked`() throws {
    let archive = try FakeArchive([
      FakeInput(name: "cam1/a.png", frames: 1), FakeInput(name: "cam2/a.png", frames: 1),
      FakeInput(name: "cam2/b.png", frames: 1),
    ])
    func use(_ directory: String) {
      archive.configuration.inputs.inputs = [archive.folder.path.appending(directory)]
    }
    archive.isNamedByDirectory = true
    use("cam1")
    #expect(try archive.run().inputs.done == 1)
    let before = try archive.output(of: "a.png")
    use("cam2")
    func refusal(_ first: String, _ second: String) -> RunError {
      let path = archive.folder.path
      return RunError(
        .cannotCreateOutput,
        "the output of \(path)/\(first)/a.png would replace that of \(path)/\(second)/a.png, which has the "
          + "same name (a.png): choose another --output, or replace it with --overwrite always")
    }
    #expect(throws: refusal("cam2", "cam1")) { try archive.run() }
    // Before any work.
    #expect(!archive.hasOutput(of: "b.png"))
    #expect(try archive.output(of: "a.png") == before)

    // The same file by another way, or moved elsewhere with its directory, is no other file.
    try FileManager.default.createSymbolicLink(
      atPath: archive.folder.path.appending("link").string, withDestinationPath: "cam1")
    use("link")
    #expect(try archive.run().inputs.skipped == 1)
    try archive.move("cam1", to: "cam3")
    use("cam3")
    #expect(try archive.run().inputs.skipped == 1)
    // What it was made from is gone, and this is another one.
    use("cam2")
    #expect(throws: refusal("cam2", "cam1")) { try archive.run() }
    archive.configuration.overwrite = .skip
    #expect(try archive.run().inputs.done == 1)
    archive.configuration.overwrite = .always
    #expect(try archive.run().inputs.done == 2)
    archive.configuration.overwrite = .stale
    #expect(try archive.run().inputs.skipped == 2)
  }

  @Test func `outputs whose inputs are gone are counted, listed and removed`() throws {
    let archive = try FakeArchive(Self.inputs)
    #expect(try archive.run().goneOutputs == 0)
    try archive.remove("clips/a.mp4")
    try archive.remove("clips/deep")
    let summary = try archive.run()
    #expect(summary.goneOutputs == 2 && !summary.isPruned && summary.inputs.skipped == 1)
    #expect(archive.hasOutput(of: "a.mp4") && archive.hasOutput(of: "deep/c.png"))
    #expect(try archive.plan().count == 2)

    archive.configuration.prunes = true
    #expect(
      try archive.plan().filter { $0.action == .prune }.map(\.source) == ["a.mp4", "deep/c.png"])
    #expect(archive.hasOutput(of: "a.mp4"))
    // Where another directory is searched, nothing is known of these; nor where nothing is found, as in a directory on
    // which nothing is mounted.
    try FileManager.default.createDirectory(
      atPath: archive.folder.path.appending("empty").string, withIntermediateDirectories: false)
    archive.configuration.inputs.inputs = [archive.folder.path.appending("empty")]
    archive.configuration.inputs.allowsEmpty = true
    #expect(try archive.run().goneOutputs == 0)
    archive.configuration.inputs.inputs = [archive.folder.path.appending("clips")]
    // An output that somebody has changed is not this program's to remove.
    try "changed".write(
      toFile: archive.output.appending("deep/c.png.jsonl").string, atomically: false,
      encoding: .utf8)
    let pruning = try archive.run()
    #expect(pruning.goneOutputs == 1 && pruning.isPruned)
    #expect(!archive.hasOutput(of: "a.mp4") && archive.hasOutput(of: "deep/c.png"))
    #expect(archive.hasOutput(of: "b.mp4") && archive.hasOutput(of: "broken.mp4"))
  }

  @Test func `inputs that cannot be worked on fail beside the others`() throws {
    let archive = try FakeArchive(Self.inputs)
    let list = archive.folder.path.appending("list")
    try "\(archive.folder.path)/clips/a.mp4\r\n\(archive.folder.path)/clips/gone.mp4\r\n".write(
      toFile: list.string, atomically: false, encoding: .utf8)
    archive.configuration.inputs.inputs = []
    archive.configuration.inputs.lists = [list]
    let summary = try archive.run()
    #expect(summary.outcome == .someInputsFailed)
    #expect(summary.inputs.done == 1 && summary.inputs.failed == 1)
    #expect(summary.commonRoot == archive.folder.path.appending("clips").string)
    #expect(!archive.hasOutput(of: "gone.mp4"))
    let failures = archive.log.events.compactMap { event -> InputResult? in
      if case .inputFailed(let result) = event { result } else { nil }
    }
    #expect(failures.map(\.source) == ["gone.mp4"])
    #expect(failures.map(\.failure) == ["No such file or directory"])
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

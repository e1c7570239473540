import Foundation
import Glibc
import SystemPackage
import TestSupport
import Testing

/// The program, killed at chosen moments and started again, as after a loss of power. `scripts/kill-test` does the same
/// at random ones, and at length.
struct KillTests {
  /// Records of the video after which a run is killed: before there are any, soon, in the middle, near the end of 34.
  private static let moments = [0, 2, 14, 26]

  /// The same bytes and the same lines in the manifest as without a kill.
  @Test(arguments: [1, 2] as [UInt64]) func killsLeaveNoTrace(seed: UInt64) throws {
    let workspace = try Workspace()
    let arguments: [any Argument] = [
      Tool.samples, "--exclude", "packing.mp4", "--every", "3", "--batch-size", "1", "--workers",
      "1", "-o",
    ]
    let whole = try Tool.run(arguments + ["whole"], in: workspace)
    #expect(whole.status == 0, "\(whole.messages)")

    var generator = SeededGenerator(seed: seed)
    var tears = 0
    for moment in Self.moments {
      let run = try Tool.start(Tool.program, arguments + ["killed"], in: workspace)
      // One at a time, a hundredth of a second or more each: it is seen in time.
      try waitForRecords(workspace, "killed", atLeast: moment)
      run.send(SIGKILL)
      let outcome = try run.wait()
      #expect(outcome.status == 128 + SIGKILL, "after \(moment) records: \(outcome.messages)")
      if try tear(workspace, "killed", &generator) { tears += 1 }
    }
    #expect(tears > 0)
    let last = try Tool.run(arguments + ["killed"], in: workspace)
    #expect(last.status == 0, "\(last.messages)")

    let files = workspace.files(below: "whole")
    #expect(files.count == 7 && files == workspace.files(below: "killed"))
    for file in files {
      #expect(try workspace.read("killed/\(file)") == workspace.read("whole/\(file)"), "\(file)")
    }
    #expect(try manifest(workspace, "killed") == manifest(workspace, "whole"))
  }

  /// A signal that asks for the end lets the batch in hand be finished, and has its own exit code.
  @Test(arguments: [SIGINT, SIGTERM]) func stopsAreContinued(signal: Int32) throws {
    let workspace = try Workspace()
    let video = Tool.samples.appending("videos")
    let run = try Tool.start(
      Tool.program, [video, "--include", "conveyor.mp4", "--every", "4", "-o", "stopped"],
      in: workspace)
    try waitForRecords(workspace, "stopped", atLeast: 1)
    run.send(signal)
    let outcome = try run.wait()
    #expect(outcome.status == 128 + signal, "\(outcome.messages)")
    #expect(workspace.files(below: "stopped").isEmpty)

    let arguments: [any Argument] = [
      video, "--include", "conveyor.mp4", "--every", "4", "-o",
    ]
    #expect(try Tool.run(arguments + ["stopped"], in: workspace).status == 0)
    #expect(try Tool.run(arguments + ["whole"], in: workspace).status == 0)
    #expect(
      try workspace.read("stopped/conveyor.mp4.jsonl") == workspace.read("whole/conveyor.mp4.jsonl")
    )
    #expect(try manifest(workspace, "stopped") == manifest(workspace, "whole"))
  }

  /// Several decoders at one video: what they have decoded ahead is dropped, and decoded again.
  @Test(arguments: [SIGKILL, SIGTERM]) func severalDecodersLeaveNoTrace(signal: Int32) throws {
    let workspace = try Workspace()
    let video = Tool.samples.removingLastComponent().appending(
      "Tests/FrameDecodingTests/Fixtures/parts/h264.mp4")
    try workspace.write("conveyor.mp4", Array(Data(contentsOf: URL(filePath: video.string))))
    let arguments: [any Argument] = ["conveyor.mp4", "--every", "3", "--workers", "1"]
    let one = try Tool.run(arguments + ["--decoders", "1", "-o", "one"], in: workspace)
    #expect(one.status == 0, "\(one.messages)")
    for moment in [0, 2, 14, 30] {
      let run = try Tool.start(
        Tool.program, arguments + ["--decoders", "3", "-o", "several"], in: workspace)
      try waitForRecords(workspace, "several", atLeast: moment)
      run.send(signal)
      #expect(try run.wait().status == 128 + signal, "after \(moment) records")
    }
    let last = try Tool.run(arguments + ["--decoders", "3", "-o", "several"], in: workspace)
    #expect(last.status == 0, "\(last.messages)")
    #expect(
      try workspace.read("several/conveyor.mp4.jsonl") == workspace.read("one/conveyor.mp4.jsonl"))
    #expect(try manifest(workspace, "several") == manifest(workspace, "one"))
  }

  /// The unfinished video's records; nil where there are none.
  private func partial(_ workspace: Workspace, _ output: String) throws -> (
    name: String, bytes: [UInt8]
  )? {
    let folder = "\(output)/.detect-batch/partial"
    let names = try FileManager.default.subpathsOfDirectoryIfThere(workspace.file(folder).string)
    guard let name = names.first(where: { $0.contains("conveyor") }) else { return nil }
    let path = "\(folder)/\(name)"
    // It may be finished between finding it and reading it.
    guard let bytes = try? workspace.read(path), !bytes.isEmpty else { return nil }
    return (path, bytes)
  }

  /// Waits until so many frames of the video are recorded; for none, until the run has begun to write.
  private func waitForRecords(
    _ workspace: Workspace, _ output: String, atLeast count: Int
  ) throws {
    let limit = ContinuousClock.now + .seconds(300)
    while ContinuousClock.now < limit {
      if count == 0 && workspace.exists("\(output)/.detect-batch/manifest.log") { return }
      if count > 0, let records = try partial(workspace, output),
        records.bytes.count(where: { $0 == 0x0a }) >= count
      {
        return
      }
      usleep(1000)
    }
    Issue.record("no \(count) records within five minutes")
  }

  /// Does to the records of the unfinished video what a loss of power may do: cuts them at any byte.
  ///
  /// - Returns: whether this left a torn line.
  private func tear(
    _ workspace: Workspace, _ output: String, _ generator: inout SeededGenerator
  ) throws -> Bool {
    let manifest = String(
      decoding: try workspace.read("\(output)/.detect-batch/manifest.log"), as: UTF8.self)
    // What the manifest tells of has been synchronised, and cannot be lost.
    guard let (name, bytes) = try partial(workspace, output), !manifest.contains("conveyor.mp4")
    else { return false }
    // Most of it stays, so that there is something to go on from.
    let left = bytes.dropLast(generator.below(bytes.count / 3))
    try workspace.write(name, Array(left))
    return left.last != UInt8(ascii: "\n")
  }

  /// The lines of a manifest without `seconds`, sorted.
  private func manifest(_ workspace: Workspace, _ output: String) throws -> [String] {
    let text = String(
      decoding: try workspace.read("\(output)/.detect-batch/manifest.log"), as: UTF8.self)
    return text.split(separator: "\n").map { String($0).replacing(/"seconds":[0-9.]+,/, with: "") }
      .sorted()
  }
}

extension FileManager {
  /// What lies below a directory; nothing where there is none yet.
  fileprivate func subpathsOfDirectoryIfThere(_ path: String) throws -> [String] {
    fileExists(atPath: path) ? try subpathsOfDirectory(atPath: path) : []
  }
}

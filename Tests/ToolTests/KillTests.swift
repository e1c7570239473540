import Foundation
import Glibc
import SystemPackage
import TestSupport
import Testing

/// The program, killed at random moments and started again, as after a loss of power. `scripts/kill-test` does the same
/// at length.
struct KillTests {
  /// The same bytes and the same lines in the manifest as without a kill.
  @Test func killsLeaveNoTrace() throws {
    let workspace = try Workspace()
    let arguments: [any Argument] = [Tool.samples, "--every", "5", "--batch-size", "1", "-o"]
    let start = ContinuousClock.now
    let whole = try Tool.run(arguments + ["whole"], in: workspace)
    #expect(whole.status == 0, "\(whole.messages)")
    let duration = ContinuousClock.now - start

    let seed = UInt64.random(in: 0 ... .max)
    print("KillTests: seed \(seed)")
    var generator = SeededGenerator(seed: seed)
    var (kills, resumable, tears) = (0, 0, 0)
    for round in 0..<4 {
      let run = try Tool.start(Tool.program, arguments + ["killed"], in: workspace)
      // Any moment of the run, and in turn one at which some frames of the video are recorded.
      if round % 2 == 0 { try waitForRecords(workspace, "killed") }
      let share = Double(generator.unitFloat()) * (round % 2 == 0 ? 0.1 : 0.6)
      Thread.sleep(forTimeInterval: duration / .seconds(1) * share)
      run.send(SIGKILL)
      let status = try run.wait().status
      #expect([0, 128 + SIGKILL].contains(status))
      kills += status == 0 ? 0 : 1
      if try partial(workspace, "killed") != nil { resumable += 1 }
      if status != 0 { tears += try tear(workspace, "killed", &generator) ? 1 : 0 }
    }
    print("KillTests: \(kills) kills, \(resumable) within the video, \(tears) with a torn line")
    #expect(kills > 0 && resumable > 0)
    let last = try Tool.run(arguments + ["killed"], in: workspace)
    #expect(last.status == 0, "\(last.messages)")

    let files = workspace.files(below: "whole")
    #expect(files.count == 8 && files == workspace.files(below: "killed"))
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
    try waitForRecords(workspace, "stopped")
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

  /// Waits until some frames of the video are recorded.
  private func waitForRecords(_ workspace: Workspace, _ output: String) throws {
    let limit = ContinuousClock.now + .seconds(60)
    while try partial(workspace, output) == nil, ContinuousClock.now < limit { usleep(2000) }
  }

  /// Does to the records of the unfinished video what a loss of power may do: cuts them at any byte.
  ///
  /// - Returns: whether this left a torn line.
  private func tear(
    _ workspace: Workspace, _ output: String, _ generator: inout SeededGenerator
  ) throws -> Bool {
    let manifest = String(
      decoding: try workspace.read("\(output)/.detect-batch/manifest.jsonl"), as: UTF8.self)
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
      decoding: try workspace.read("\(output)/.detect-batch/manifest.jsonl"), as: UTF8.self)
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

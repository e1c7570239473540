import Foundation
import SystemPackage
import TestSupport
import Testing

@testable import detect_batch

/// The scripts that users run.
struct ScriptTests {
  private static let root = FilePath(TestData.packageRoot.path)

  /// The Kubernetes job gives up what will not go better, by this program's exit codes, and tries the rest again.
  @Test func theKubernetesJobKnowsTheExitCodes() throws {
    let text = String(
      decoding: try Bytes.of(Self.root.appending("scripts/operations/kubernetes-job.yaml")),
      as: UTF8.self)
    let rule =
      /action: (\w+)\s+onExitCodes:\s+containerName: detect-batch\s+operator: In\s+values: \[([0-9, ]+)\]/
    let rules = text.matches(of: rule).map { match in
      "\(match.1): \(match.2)"
    }
    func codes(_ statuses: [detect_batch.ExitStatus]) -> String {
      statuses.map { "\($0.rawValue)" }.joined(separator: ", ")
    }
    let wrongEverywhere = codes([.usage, .unusableInput, .noInput])
    let wrongHere = codes([.bug, .cannotCreateOutput])
    #expect(rules == ["FailJob: \(wrongEverywhere)", "FailIndex: \(wrongHere)"])
    let count = text.firstMatch(of: /completions: (\d+)/)?.1
    #expect(
      count != nil
        && text.firstMatch(of: /DETECT_BATCH_SHARD_COUNT\n +value: "(\d+)"/)?.1 == count)
  }

  /// An installed program finds its model and its pipelines beside itself, wherever it is.
  @Test func anInstalledFolderCanBeMoved() throws {
    let workspace = try Workspace()
    let files: [(FilePath, String)] = [
      (Tool.program, "bin/detect-batch"),
      (Self.root.appending("samples/models/codes.safetensors"), "models/codes.safetensors"),
      (Self.root.appending("pipelines/codes.yaml"), "pipelines/codes.yaml"),
    ]
    for (source, name) in files {
      let place = name.hasPrefix("bin") ? "first/\(name)" : "first/share/detect-batch/\(name)"
      // By another process: a program that this one has open for writing is "busy" as long as any process that another
      // test happens to start just then has inherited the file.
      let copy = try Tool.run("/usr/bin/install", ["-D", source, place], in: workspace)
      #expect(copy.status == 0, "\(copy.messages)")
    }
    #expect(rename(workspace.file("first").string, workspace.file("second").string) == 0)
    try workspace.write("a.png", Bytes.of(Tool.samples.appending("images/screenshot.png")))
    let outcome = try Tool.run(
      workspace.file("second/bin/detect-batch"), ["a.png", "--pipeline", "codes", "-o", "-"],
      in: workspace)
    #expect(outcome.status == 0, "\(outcome.messages)")
    #expect(try StrictRecord.all(outcome.output).first?.detections?.count == 1)
    let facts = try Tool.run(
      workspace.file("second/bin/detect-batch"), ["inspect", "codes"], in: workspace)
    #expect(facts.text.contains(workspace.file("second/share").string))
  }
}

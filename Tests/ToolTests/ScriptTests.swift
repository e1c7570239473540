import DetectionPipeline
import Digests
import Foundation
import SystemPackage
import TestSupport
import Testing

/// The scripts that users run.
struct ScriptTests {
  private static let root = FilePath(TestData.packageRoot.path)

  /// A web server on this machine that serves one folder, until it goes out of scope, and the process with it.
  private final class Server {
    let address: String
    private let process: RunningTool

    init(_ folder: String, in workspace: Workspace) throws {
      process = try Tool.start(
        "/usr/bin/python3",
        ["-u", "-m", "http.server", "--bind", "127.0.0.1", "--directory", folder, "0"],
        in: workspace)
      let limit = ContinuousClock.now + .seconds(30)
      var port: Substring?
      while port == nil, ContinuousClock.now < limit {
        usleep(20_000)
        port = try process.output().firstMatch(of: /port (\d+)/)?.1
      }
      address = "http://127.0.0.1:\(port ?? "0")"
    }
  }

  @Test func fetchedWeightsAreCheckedAndImported() throws {
    let workspace = try Workspace()
    let fixtures = Self.root.appending("Tests/RetinaNetModelTests/Fixtures")
    let checkpoint = try Bytes.of(fixtures.appending("v1-resnet50.pth"))
    let digest = SHA256Digest.hexadecimal(of: checkpoint).prefix(8)
    try workspace.write("served/tiny-\(digest).pth", checkpoint)
    try workspace.write("served/other-\(digest).pth", Array(checkpoint.dropLast()))
    let server = try Server("served", in: workspace)

    func fetch(_ name: String) throws -> ToolOutcome {
      try Tool.run(
        Self.root.appending("scripts/fetch-weights"),
        [
          "--base-url", server.address, "--config", fixtures.appending("v1-resnet50.json"),
          "--program", Tool.program, "--to", "models", name,
        ], in: workspace)
    }
    let fetched = try fetch("tiny-\(digest).pth")
    #expect(fetched.status == 0, "\(fetched.messages)")
    let facts = try Tool.run(["inspect", "models/tiny.safetensors"], in: workspace)
    #expect(facts.text.contains("RetinaNet over resnet50"), "\(facts.messages)")

    let again = try fetch("tiny-\(digest).pth")
    #expect(
      again.status == 0 && again.messages == "fetch-weights: models/tiny.safetensors is there\n")

    let damaged = try fetch("other-\(digest).pth")
    #expect(damaged.status == 1)
    #expect(damaged.messages.contains("not \(digest): damaged, or not that file"))
    #expect(!workspace.exists("models/other.safetensors"))

    let missing = try fetch("missing-\(digest).pth")
    #expect(missing.status == 1)
    #expect(missing.messages.contains("cannot be fetched; --base-url names another place"))
    #expect(try fetch("nameless.pth").status == 64)
  }

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
    func codes(_ statuses: [DetectionPipeline.ExitStatus]) -> String {
      statuses.map { "\($0.rawValue)" }.joined(separator: ", ")
    }
    let wrongEverywhere = codes([.usage, .unusableModel, .noInput])
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

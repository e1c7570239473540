import Foundation
import TestSupport
import Testing

/// `detect-batch report` from the command line.
struct ReportCommandTests {
  /// From the first command to the page: what was run, by name, and the picture that was looked at.
  @Test func reportsARun() throws {
    let workspace = try Workspace()
    let parcel = try Bytes.of(Tool.samples.appending("images").appending("parcel.jpg"))
    try workspace.write("in/parcel.jpg", parcel)
    try workspace.write("in/torn.mp4", "no video")
    let run = try Tool.run(["in", "--score-threshold", "0.25"], in: workspace)
    #expect(run.status == 3)
    let made = try Tool.run(["report", "detections", "--score-threshold", "0.5"], in: workspace)
    #expect(made.status == 0 && made.text.isEmpty, "\(made.messages)")
    #expect(
      made.messageLines.last?.hasPrefix("detect-batch: report/index.html: 2 inputs, 1 frame, ")
        == true)
    let overview = String(decoding: try workspace.read("report/data/overview.js"), as: UTF8.self)
    #expect(overview.contains("[\"model\",\"codes.safetensors (SHA-256 "))
    #expect(overview.contains("[\"class 0, "))
    #expect(overview.contains("\"threshold\":0.5,\"line\":0.5,"))
    #expect(overview.contains("\"failedInputs\":1,"))
    let rows = String(decoding: try workspace.read("report/data/inputs-0.js"), as: UTF8.self)
    #expect(rows.contains("\"link\":\"../in/parcel.jpg\""))
    #expect(try workspace.read("report/pictures/0.jpg").starts(with: [0xff, 0xd8]))

    let again = try Tool.run(["report", "detections"], in: workspace)
    #expect(again.status == 73)
    #expect(again.messages.contains("report: is there already: --overwrite always"))
    let replaced = try Tool.run(
      ["report", "detections", "--overwrite", "always", "--quiet"], in: workspace)
    #expect(replaced.status == 0 && replaced.messages.isEmpty, "\(replaced.messages)")
  }

  @Test func wrongUsesAreNamed() throws {
    let workspace = try Workspace()
    try workspace.write("a.jsonl", "{\"source\":\"a\",\"detections\":[]}\nno record\n")
    for (arguments, status, words) in [
      (["report", "nothing"], 66, "nothing: "),
      (["report", "a.jsonl", "--split", "test"], 64, "--split goes with --annotations"),
      (["report", "a.jsonl", "--score-threshold", "2"], 64, "a number from 0 to 1"),
      (["report", "a.jsonl"], 65, "a.jsonl: line 2, column 1"),
      (["report", "a.jsonl", "-o", "a.jsonl/report"], 73, "cannot create a.jsonl: "),
    ] {
      let outcome = try Tool.run(arguments, in: workspace)
      #expect(outcome.status == status, "\(arguments): \(outcome.messages)")
      #expect(outcome.messages.contains(words), "\(arguments): \(outcome.messages)")
      #expect(outcome.messageLines.count == 1, "\(arguments): \(outcome.messages)")
      #expect(!workspace.exists("report"))
    }
  }
}

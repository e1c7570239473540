import Foundation
import SystemPackage
import TestSupport
import Testing

/// How inputs find their outputs, by the real program.
struct WorklistCommandTests {
  /// A still image under some name.
  private func add(_ name: String, _ workspace: Workspace, from image: String = "screenshot.png")
    throws
  {
    try workspace.write(name, Bytes.of(Tool.samples.appending("images/\(image)")))
  }

  @Test func anAbsolutePathIsOrdinary() throws {
    let workspace = try Workspace()
    let elsewhere = try Workspace()
    try add("a/clip.png", elsewhere)
    try add("b/clip.png", elsewhere)
    let path = elsewhere.file("a/clip.png")
    let printed = try Tool.run([path, "-o", "-"], in: workspace)
    #expect(printed.status == 0, "\(printed.messages)")
    #expect(try StrictRecord.all(printed.output).map(\.source) == [Array("clip.png".utf8)])
    #expect(printed.messages.contains("names count from \(elsewhere.file("a"))\n"))
    let both = try Tool.run([path, elsewhere.file("b/clip.png")], in: workspace)
    #expect(both.status == 0, "\(both.messages)")
    #expect(workspace.files(below: "detections") == ["a/clip.png.jsonl", "b/clip.png.jsonl"])
  }

  @Test func directoriesWithEqualNamesKeepTheirOwn() throws {
    let workspace = try Workspace()
    for name in ["A/x.png", "B/x.png"] { try add(name, workspace) }
    let outcome = try Tool.run(["A", "B"], in: workspace)
    #expect(outcome.status == 0, "\(outcome.messages)")
    #expect(workspace.files(below: "detections") == ["A/x.png.jsonl", "B/x.png.jsonl"])
  }

  @Test func aListWithWrongNamesIsDoneButForThem() throws {
    let workspace = try Workspace()
    try add("a.png", workspace)
    #expect(mkfifo(workspace.file("fifo").string, 0o600) == 0)
    try workspace.write("list", "\u{feff}a.png\r\ngone.png\r\nfifo\r\n")
    let outcome = try Tool.run(["--files-from", "list", "-o", "-"], in: workspace)
    #expect(outcome.status == 3, "\(outcome.messages)")
    let records = try StrictRecord.all(outcome.output)
    #expect(
      records.map { String(decoding: $0.source, as: UTF8.self) } == ["a.png", "gone.png", "fifo"])
    #expect(
      records.map(\.failure) == [
        nil, "No such file or directory", "neither a file nor a directory",
      ])
    #expect(
      outcome.messages.contains("detect-batch: error: gone.png: No such file or directory\n"))
  }

  @Test func anotherDirectoryDoesNotReplaceRecordsUnasked() throws {
    let workspace = try Workspace()
    try add("cam1/IMG_1.png", workspace)
    try add("cam2/IMG_1.png", workspace)
    try add("cam2/IMG_2.png", workspace)
    #expect(
      try Tool.run(["cam1", "-o", "col", "--metrics", "run.prom"], in: workspace).status == 0)
    let before = try workspace.read("col/IMG_1.png.jsonl")
    let refused = try Tool.run(["cam2", "-o", "col", "--metrics", "run.prom"], in: workspace)
    #expect(refused.status == 73)
    #expect(
      refused.messages
        == "detect-batch: error: the output of cam2/IMG_1.png would replace that of "
        + "\(workspace.file("cam1/IMG_1.png")), which has the same name (IMG_1.png): choose another --output, or "
        + "replace it with --overwrite always\n")
    #expect(workspace.files(below: "col") == ["IMG_1.png.jsonl"])
    #expect(try workspace.read("col/IMG_1.png.jsonl") == before)
    // Nor do its numbers stay those of the run before.
    let metrics = { String(decoding: try workspace.read("run.prom"), as: UTF8.self) }
    #expect(try metrics().contains("\ndetect_batch_exit_status 73.0\n"))
    // Earlier than the output is opened, too.
    let model = try Tool.run(["cam1", "--model", "none", "--metrics", "run.prom"], in: workspace)
    #expect(model.status == 65)
    #expect(try metrics().contains("\ndetect_batch_exit_status 65.0\n"))
  }

  @Test func aTrialDoesNotReplaceAFinishedFile() throws {
    let workspace = try Workspace()
    let arguments: [any Argument] = [
      Tool.samples.appending("videos"), "--include", "packing.mp4", "--every", "5",
    ]
    #expect(try Tool.run(arguments, in: workspace).status == 0)
    let before = try workspace.read("detections/packing.mp4.jsonl")
    let trial = try Tool.run(arguments + ["--max-frames", "2"], in: workspace)
    #expect(trial.status == 0)
    #expect(trial.messages.contains("(max-frames was none, is 2)"), "\(trial.messages)")
    #expect(try workspace.read("detections/packing.mp4.jsonl") == before)
    let told = try Tool.run(
      arguments + ["--max-frames", "2", "--overwrite", "always"], in: workspace)
    #expect(told.status == 0)
    #expect(try StrictRecord.all(workspace.read("detections/packing.mp4.jsonl")).count == 2)
  }

  @Test func outputsWhoseInputsAreGoneCanBeRemoved() throws {
    let workspace = try Workspace()
    for name in ["in/a.png", "in/deep/b.png"] { try add(name, workspace) }
    #expect(try Tool.run(["in"], in: workspace).status == 0)
    try FileManager.default.removeItem(atPath: workspace.file("in/deep").string)
    let next = try Tool.run(["in"], in: workspace)
    #expect(next.messages.contains("1 output whose inputs are gone (--prune removes them)\n"))
    let listed = try Tool.run(["in", "--prune", "--dry-run"], in: workspace)
    #expect(listed.text == "skip\ta.png\tcomplete\nprune\tdeep/b.png\tits input is gone\n")
    #expect(workspace.files(below: "detections").count == 2)
    let pruned = try Tool.run(["in", "--prune"], in: workspace)
    #expect(pruned.status == 0)
    #expect(pruned.messages.contains("removed 1 output whose inputs are gone\n"))
    #expect(workspace.files(below: "detections") == ["a.png.jsonl"])
    #expect(!workspace.exists("detections/deep"))
  }

  /// A disk below the archive that is not mounted leaves an empty directory of another device, or a link to nothing: its
  /// outputs stay.
  @Test func outputsOfADiskThatIsNotMountedStay() throws {
    let workspace = try Workspace()
    for name in ["in/a.png", "in/disk/b.png", "in/emptied/d.png", "elsewhere/c.png"] {
      try add(name, workspace)
    }
    let link = workspace.file("in/link").string
    try FileManager.default.createSymbolicLink(
      atPath: link, withDestinationPath: workspace.file("elsewhere").string)
    #expect(try Tool.run(["in"], in: workspace).status == 0)
    // As if it had been on another.
    let manifest = "detections/.detect-batch/manifest.log"
    let lines = String(decoding: try workspace.read(manifest), as: UTF8.self)
      .split(separator: "\n").map {
        $0.contains("disk/b.png")
          ? String($0).replacing(/"device":[0-9]+/, with: #""device":1"#) : String($0)
      }
    try workspace.write(manifest, lines.joined(separator: "\n") + "\n")
    for path in ["in/disk/b.png", "in/emptied/d.png", "elsewhere"] {
      try FileManager.default.removeItem(atPath: workspace.file(path).string)
    }
    let pruned = try Tool.run(["in", "--prune"], in: workspace)
    #expect(pruned.messages.contains("removed 1 output whose"), "\(pruned.messages)")
    #expect(
      workspace.files(below: "detections")
        == ["a.png.jsonl", "disk/b.png.jsonl", "link/c.png.jsonl"])
    // What was taken out of the archive is gone.
    try FileManager.default.removeItem(atPath: workspace.file("in/disk").string)
    try FileManager.default.removeItem(atPath: link)
    #expect(try Tool.run(["in", "--prune"], in: workspace).messages.contains("removed 2 outputs"))
    #expect(workspace.files(below: "detections") == ["a.png.jsonl"])
  }

  /// `**/*.jsonl` of an output directory may be given to whoever reads records.
  @Test func everyJSONLinesFileIsRecords() throws {
    let workspace = try Workspace()
    for name in ["in/a.png", "in/deep/b.png"] { try add(name, workspace) }
    try workspace.write("in/nothing.mp4", "no video")
    for shard in ["1/2", "2/2"] {
      #expect([0, 3].contains(try Tool.run(["in", "--shard", shard], in: workspace).status))
    }
    #expect(try Tool.run(["in", "--segment", "1/2"], in: workspace).status == 0)
    let state = "detections/.detect-batch"
    // As the first version left it.
    #expect(
      rename(
        workspace.file("\(state)/manifest-1-of-2.log").string,
        workspace.file("\(state)/manifest-1-of-2.jsonl").string) == 0)
    let next = try Tool.run(["in"], in: workspace)
    #expect(
      next.messages.contains("0 inputs to do, 2 complete, 1 failed earlier\n"), "\(next.messages)")
    let all = FileManager.default.enumerator(atPath: workspace.file("detections").string)
    let files = (all?.allObjects ?? []).compactMap { $0 as? String }
    let records = files.filter { $0.hasSuffix(".jsonl") }.sorted()
    #expect(records == ["a.png.jsonl", "deep/b.png.jsonl", "nothing.mp4.jsonl"])
    #expect(files.count { $0.hasSuffix(".log") } == 4)
  }
}

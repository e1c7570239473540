import Foundation
import Glibc
import SystemPackage
import TestSupport
import Testing

/// A directory of what an archive holds after some years: every good input has its full output, each bad one a
/// failure and a line.
struct OddFilesTests {
  @Test func everyGoodInputHasItsOutputAndEachBadOneItsFailure() throws {
    let workspace = try Workspace()
    let image = try Bytes.of(Tool.samples.appending("images/screenshot.png"))
    let video = try Bytes.of(Tool.samples.appending("videos/conveyor.mp4"))

    // Names that programs stumble over. A Latin-1 ü and a stray continuation byte are not UTF-8.
    let names: [[UInt8]] =
      [
        "plain.png", "frame %03d.png", "cam:1.png", "with space.png", "new\nline.png", "-dash.png",
        "*star[1].png", "'quote\".png", "漢字.png", "MIXED.PnG",
      ].map(\.bytes) + [
        [0x66, 0xfc, 0x72, 0x2e, 0x70, 0x6e, 0x67], [0x80, 0x2e, 0x70, 0x6e, 0x67],
      ]
    for name in names { try workspace.write(workspace.path.pushing("in", name), image) }

    try workspace.write("in/text.mp4", "This is not a film.\n")
    try workspace.write(
      "in/playlist.mp4", "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:4,\nplain.png\n#EXT-X-ENDLIST\n"
    )
    try workspace.write("in/empty.mp4", "")
    try workspace.write("in/cut.mp4", Array(video[..<(video.count / 2)]))
    try workspace.write("in/cut.png", Array(image[..<(image.count / 2)]))
    let photo = try Bytes.of(Tool.samples.appending("images/parcel.jpg"))
    try workspace.write("in/cut.jpg", Array(photo[..<(photo.count * 2 / 3)]))
    let pages = TestData.packageRoot.appending(
      path: "Tests/FrameDecodingTests/Fixtures/cases/tiff/pages.tif")
    try workspace.write("in/pages.tif", Bytes.of(FilePath(pages.path)))
    try workspace.write("in/locked.png", image)
    #expect(chmod(workspace.file("in/locked.png").string, 0) == 0)
    try workspace.write("in/sub/deep.png", image)
    #expect(symlink("..", workspace.file("in/sub/loop").string) == 0)
    try workspace.write("in/.hidden.png", image)
    try workspace.write("in/notes.txt", "not looked at")

    let outcome = try runUnprivileged(["in", "-o", "out"], workspace)
    #expect(outcome.status == 3, "\(outcome.messages)")

    let expected = try Tool.run(
      [Tool.samples.appending("images/screenshot.png"), "-o", "-"]
        + ["--root", Tool.samples], in: workspace)
    let reference = try StrictRecord.all(expected.output)[0]
    #expect(!(reference.detections ?? []).isEmpty)
    for name in names + ["sub/deep.png".bytes] {
      let file = workspace.path.pushing("out", name + ".jsonl".bytes)
      var records = try StrictRecord.all(Bytes.of(file))
      #expect(records.count == 1)
      #expect(records[0].source == name)
      records[0].source = reference.source
      #expect(records[0] == reference, "\(String(decoding: name, as: UTF8.self))")
    }

    for name in ["text.mp4", "playlist.mp4", "empty.mp4"] {
      let records = try StrictRecord.all(workspace.read("out/\(name).jsonl"))
      #expect(records.count == 1 && records[0].detections == nil && records[0].failure != nil)
    }
    // What there is of a file that ends early is looked at.
    let cut = try StrictRecord.all(workspace.read("out/cut.mp4.jsonl"))
    #expect(cut.count > 20 && cut.count < 100)
    #expect(cut.dropLast().allSatisfy { $0.detections != nil })
    #expect(cut.last?.detections == nil)

    // Half a picture is a failure, whether or not FFmpeg makes something of it.
    let half = try StrictRecord.all(workspace.read("out/cut.png.jsonl"))
    #expect(half.last?.failure != nil || half.last?.isCorrupt == true)

    // Half a photograph is looked at, in one line that says so: what there is of it counts.
    let torn = try StrictRecord.all(workspace.read("out/cut.jpg.jsonl"))
    #expect(torn.count == 1 && torn[0].isCorrupt)
    #expect(!(torn[0].detections ?? []).isEmpty)
    #expect(
      outcome.messages.contains("detect-batch: warning: cut.jpg: 1 decoding error, the last: "))

    // Each page of a document has its line.
    let document = try StrictRecord.all(workspace.read("out/pages.tif.jsonl"))
    #expect(document.map(\.frame) == [0, 1, 2])
    #expect(document.allSatisfy { $0.time == nil && $0.detections != nil })

    // What could not be read has no output, and is tried again.
    #expect(!workspace.exists("out/locked.png.jsonl"))
    for name in ["text.mp4", "playlist.mp4", "empty.mp4", "cut.mp4", "locked.png"] {
      let lines = outcome.messageLines.filter { $0.hasPrefix("detect-batch: error: \(name): ") }
      #expect(lines.count == 1, "\(name): \(outcome.messages)")
    }
    #expect(!workspace.exists("out/.hidden.png.jsonl") && !workspace.exists("out/notes.txt.jsonl"))
    #expect(!workspace.exists("out/sub/loop"))

    // Once more: only what could not be read is tried.
    let again = try runUnprivileged(["in", "-o", "out"], workspace)
    #expect(again.status == 3)
    #expect(again.messages.contains("detect-batch: error: locked.png: "))
    #expect(!again.messages.contains("error: text.mp4"))
    #expect(chmod(workspace.file("in/locked.png").string, 0o644) == 0)
    let repaired = try runUnprivileged(["in", "-o", "out"], workspace)
    #expect(repaired.status == 0, "\(repaired.messages)")
    #expect(workspace.exists("out/locked.png.jsonl"))
  }

  @Test func namesOnTheCommandLineNeedNotBeText() throws {
    let workspace = try Workspace()
    let image = try Bytes.of(Tool.samples.appending("images/screenshot.png"))
    let name: [UInt8] = [0x66, 0xfc, 0x0a, 0x3a, 0x2e, 0x70, 0x6e, 0x67]
    let path = FilePath().pushing(nil, name)
    try workspace.write(workspace.path.pushing(nil, name), image)
    let outcome = try Tool.run([path, "-o", "-"], in: workspace)
    #expect(outcome.status == 0, "\(outcome.messages)")
    #expect(try StrictRecord.all(outcome.output).map(\.source) == [name])

    let missing = try Tool.run([FilePath().pushing(nil, [0xff, 0x0a])], in: workspace)
    #expect(missing.status == 66)
    #expect(missing.messages == "detect-batch: error: there is no \u{fffd}\\n\n")
  }

  /// Root reads everything: a run that has to meet a file it may not read gives that right up. (Not as another user,
  /// who may not enter the folder that the program and its model lie in.)
  private func runUnprivileged(_ arguments: [String], _ workspace: Workspace) throws -> ToolOutcome
  {
    guard geteuid() == 0 else { return try Tool.run(arguments, in: workspace) }
    let rights = "-dac_override,-dac_read_search"
    return try Tool.run(
      "/usr/bin/setpriv",
      ["--bounding-set", rights, "--inh-caps", rights, Tool.program.string] + arguments,
      in: workspace)
  }
}

extension FilePath {
  /// The path with a folder and a name of any bytes added.
  func pushing(_ folder: String?, _ name: [UInt8]) -> FilePath {
    let parts = [isEmpty ? nil : bytes, folder?.bytes, name].compactMap { $0 }
    let joined = Array(parts.joined(separator: [UInt8(ascii: "/")]))
    return FilePath(platformString: joined.map { CChar(bitPattern: $0) } + [0])
  }
}

import Foundation
import FrameDecoding
import Glibc
import SystemPackage
import TestSupport
import Testing

/// `draw`, from the command line.
struct DrawTests {
  /// What was detected in the samples is drawn from another working directory too: the manifest says where files were.
  @Test func whatWasDetectedIsDrawn() throws {
    let workspace = try Workspace()
    let found = try Tool.run(
      [
        Tool.samples, "--include", "*.jpg", "--include", "conveyor.mp4", "--every", "20", "-o",
        "found",
      ],
      in: workspace)
    #expect(found.status == 0, "\(found.messages)")
    let drawn = try Tool.run(["draw", "found", "-o", "shown"], in: workspace)
    #expect(drawn.status == 0, "\(drawn.messages)")
    #expect(drawn.messageLines.count == 1 && drawn.messages.contains("6 files made of 6 inputs"))
    #expect(
      workspace.media(below: "shown") == [
        "images/no-code.jpg", "images/parcel.jpg", "images/phone.jpg", "images/shelf.jpg",
        "images/ticket.jpg", "videos/conveyor.mp4",
      ])
    let again = try Tool.run(["draw", "found", "-o", "shown"], in: workspace)
    #expect(again.status == 0 && again.messages.contains("6 existing left alone"))
    let sheet = try Tool.run(["draw", "found", "--contact-sheet", "-o", "sheet"], in: workspace)
    #expect(sheet.status == 0 && workspace.media(below: "sheet") == ["contact-sheet-001.jpg"])
    let crops = try Tool.run(
      [
        "draw", "found/images/parcel.jpg.jsonl", "--crops", "--score-threshold", "0.9", "-o",
        "crops",
      ],
      in: workspace)
    #expect(crops.status == 0, "\(crops.messages)")
    #expect(
      workspace.media(below: "crops") == [
        "images/parcel.jpg/000000-1-barcode.jpg", "images/parcel.jpg/000000-2-qr_code.jpg",
      ])
  }

  @Test func inputsThatAreGoneFailAlone() throws {
    let workspace = try Workspace()
    try FileManager.default.copyItem(
      atPath: Tool.samples.appending("images/parcel.jpg").string,
      toPath: workspace.file("parcel.jpg").string)
    try workspace.write(
      "records.jsonl",
      """
      {"source":"gone.jpg","frame":0,"time":null,"width":9,"height":9,"detections":[]}
      {"source":"parcel.jpg","frame":0,"time":null,"width":960,"height":720,"detections":[]}

      """)
    let outcome = try Tool.run(["draw", "records.jsonl"], in: workspace)
    #expect(outcome.status == 3)
    #expect(
      outcome.messageLines[0]
        == "detect-batch: error: gone.jpg: the file is not there any more: looked for gone.jpg; "
        + "--root says which directory it is in")
    #expect(workspace.media(below: "drawn") == ["parcel.jpg"])
  }

  @Test func badRecordsAndOptionsAreSaid() throws {
    let workspace = try Workspace()
    try workspace.write("bad.jsonl", "no json\n")
    #expect(try Tool.run(["draw", "bad.jsonl"], in: workspace).status == 65)
    #expect(try Tool.run(["draw", "nowhere"], in: workspace).status == 66)
    // Somebody draws the picture itself.
    let picture = try Tool.run(
      ["draw", Tool.samples.appending("images/parcel.jpg").string], in: workspace)
    #expect(
      picture.status == 65
        && picture.messages.hasSuffix("(records are the .jsonl files that detect-batch writes)\n"),
      "\(picture.messages)")
    for arguments in [
      ["--padding", "2"], ["--crops", "--contact-sheet"], ["--crops", "--style", "blur"],
      ["--hold", "--crops"], ["--crf", "52"], ["--preset", "best"], ["--style", "smudge"],
      ["--score-threshold", "2"],
    ] {
      let outcome = try Tool.run(["draw", "bad.jsonl"] + arguments, in: workspace)
      #expect(outcome.status == 64, "\(arguments): \(outcome.messages)")
    }
  }

  /// A signal ends it soon, and leaves nothing that is not whole.
  @Test(arguments: [SIGINT, SIGTERM]) func signalsLeaveNothingHalf(_ signal: Int32) throws {
    let workspace = try Workspace()
    let lines = (0..<100).map {
      #"{"source":"videos/conveyor.mp4","frame":\#($0),"time":null,"width":null,"height":null,"detections":[]}"#
    }
    try workspace.write("records.jsonl", lines.joined(separator: "\n"))
    let run = try Tool.start(
      Tool.program,
      ["draw", "records.jsonl", "--root", Tool.samples, "--preset", "veryslow", "--crf", "0"],
      in: workspace)
    let limit = ContinuousClock.now + .seconds(60)
    // Under another name until it is whole.
    while (try? FileManager.default.contentsOfDirectory(
      atPath: workspace.file("drawn/videos").string))?.isEmpty ?? true,
      ContinuousClock.now < limit
    { usleep(2000) }
    run.send(signal)
    let outcome = try run.wait()
    #expect(outcome.status == 128 + signal && !outcome.wasKilled, "\(outcome.messages)")
    let left = try FileManager.default.contentsOfDirectory(
      atPath: workspace.file("drawn/videos").string)
    #expect(left.isEmpty, "\(left)")
  }

  /// Help that a person can read: every option has a line, and what is promised of blurring is said.
  @Test func helpSaysWhatIsDone() throws {
    let workspace = try Workspace()
    let help = try Tool.run(["help", "draw"], in: workspace)
    #expect(help.status == 0)
    for word in [
      "--style", "--only-detections", "--hold", "(default: drawn)", "look before you publish",
    ] {
      let text = help.text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
      #expect(text.contains(word), "\(word)")
    }
    #expect(help.text.split(separator: "\n").allSatisfy { $0.count <= 100 })
  }
}

extension Workspace {
  /// Paths of all files below a directory.
  fileprivate func media(below directory: String) -> [String] {
    let all = FileManager.default.enumerator(atPath: file(directory).string)?.allObjects ?? []
    return all.compactMap { $0 as? String }.filter { FilePath($0).extension != nil }
      .filter { name in
        var isFolder: ObjCBool = false
        _ = FileManager.default.fileExists(
          atPath: file(directory).pushing(FilePath(name)).string, isDirectory: &isFolder)
        return !isFolder.boolValue
      }.sorted()
  }
}

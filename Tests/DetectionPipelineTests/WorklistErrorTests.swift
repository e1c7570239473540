import DetectionRecords
import Failures
import Files
import SystemPackage
import Testing

@testable import DetectionPipeline

@Suite struct WorklistErrorTests {
  private static func leftOut(_ names: [String], unwanted: Int = 0) -> Worklist.LeftOut {
    var leftOut = Worklist.LeftOut()
    for name in names { leftOut.add(fileNamed: Array(name.utf8)) }
    for _ in 0..<unwanted { leftOut.addUnwanted() }
    return leftOut
  }

  static let cases: [(WorklistError, FailureKind, String)] = [
    (
      .nothingFound(["clips"], leftOut(["a.heic", "b.HEIC", "c.cr2", "README"])), .missingInput,
      "no video and no image in clips, only 2 .heic, 1 without an extension, 1 .cr2; --all-files tries files of any name, --allow-empty makes this a success"
    ),
    (
      .nothingFound(["clips"], leftOut(["a.txt"], unwanted: 3)), .missingInput,
      "no video and no image in clips is wanted: --include and --exclude leave out 3 files and directories; --allow-empty makes this a success"
    ),
    (
      .missing(["rtsp://camera/1"]), .missingInput,
      "there is no rtsp:/camera/1 (local files only: an address is not read)"
    ),
    (.missing(["C:/film.mp4"]), .missingInput, "there is no C:/film.mp4"),
    (.missing(["a.mp4"]), .missingInput, "there is no a.mp4"),
    (
      .missing(["a", "b\nc", "c", "d", "e"]), .missingInput,
      "there is no a, no b\\nc, no c, and 2 more inputs are missing"
    ),
    (
      .nothingFound(["clips"]), .missingInput,
      "no video and no image in clips; --all-files tries files of any name, --allow-empty makes this a success"
    ),
    (
      .unreadableList("list", .isDirectory), .missingInput,
      "cannot read the list of inputs list: Is a directory"
    ),
    (.notAFile("/dev/null"), .usage, "/dev/null is neither a file nor a directory"),
    (
      .sameOutput("x/a.mp4", "y/a.mp4", record: "out/a.mp4.jsonl"), .usage,
      "x/a.mp4 and y/a.mp4 would both be written to out/a.mp4.jsonl: run them with an --output each, or say with --root which directory their names shall be relative to"
    ),
    (
      .outputInTheWay("a.mp4", "a.mp4.jsonl/b.mp4", record: "out/a.mp4.jsonl"), .usage,
      "a.mp4 would be written to out/a.mp4.jsonl, which has to be a directory for a.mp4.jsonl/b.mp4: run them with an --output each"
    ),
    (
      .outsideRoot("/data/cam/a.mp4", root: nil), .usage,
      "/data/cam/a.mp4 is not below the working directory: say with --root which directory its name shall be relative to, such as --root /data/cam"
    ),
    (
      .outsideRoot("../a.mp4", root: "/x"), .usage,
      "../a.mp4 is not below /x: say with --root which directory its name shall be relative to, such as --root .."
    ),
    (
      .outputAsInput("detections"), .usage,
      "detections is an output directory, which is never searched for inputs: choose another --output"
    ),
    (
      .name(SourceNameError(name: "x", problem: "it is empty")), .usage,
      "'x' cannot be the name of an input: it is empty"
    ),
  ]

  @Test func everyErrorSaysWhatAndWhatToDo() {
    for (error, kind, text) in Self.cases {
      #expect(error.description == text)
      #expect(error.kind == kind)
    }
  }
}

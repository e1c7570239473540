import Foundation
import Testing

@testable import detect_batch

/// What is said about options and subcommands that do not exist, as a table.
struct SuggestionTests {
  struct Case: CustomTestStringConvertible {
    let command: String
    let typed: String
    /// The option that has to be named, or a part of what has to be said; nil: nothing is.
    let meant: String?
    var testDescription: String { "\(command) \(typed)" }
  }

  private static func cases(_ command: String, _ pairs: [(String, String?)]) -> [Case] {
    pairs.map { Case(command: command, typed: $0, meant: $1) }
  }

  static let options: [Case] =
    cases(
      "detect",
      [
        // Typing errors.
        ("--kyframes", "'--keyframes'"), ("--treshold", "'--score-threshold'"),
        ("--score-treshold", "'--score-threshold'"), ("--scorethreshold", "'--score-threshold'"),
        ("--fsp", "'--fps'"), ("--modle", "'--model'"), ("--max_frames", "'--max-frames'"),
        ("--Max-Frames", "'--max-frames'"), ("--ouput", "'--output'"),
        ("--overwite", "'--overwrite'"), ("--exlude", "'--exclude'"),
        ("--worker", "'--workers'"), ("--candidates-per-levels", "'--candidates-per-level'"),
        ("--no-frame-number", "'--no-frame-numbers'"), ("--file-from", "'--files-from'"),
        ("--log", "'--log-format'"),
        ("--max", "'--max-frames', '--max-detections', '--max-size' or '--max-failures'"),
        // What other tools call it.
        ("--conf", "'--score-threshold'"), ("-conf", "'--score-threshold'"),
        ("--conf-thres", "'--score-threshold'"), ("--threshold", "'--score-threshold'"),
        ("--iou", "'--nms-threshold'"), ("--iou_thres", "'--nms-threshold'"),
        ("--agnostic-nms", "'--class-agnostic-nms'"), ("--max-det", "'--max-detections'"),
        ("--weights", "'--model'"), ("--vid-stride", "'--every'"), ("--batch", "'--batch-size'"),
        ("--num-workers", "'--workers'"), ("--project", "'--output'"),
        ("--force", "'--overwrite'"), ("--frame-rate", "'--fps'"),
        ("--device", "runs on CPUs"), ("--gpu", "runs on CPUs"), ("--devise", "runs on CPUs"),
        ("--save-txt", "'export'"), ("--save-img", "'draw'"),
        ("--source", "named without an option"), ("--recursive", "always searched"),
        ("--half", "'--precision'"),
        // None is better than a wrong one.
        ("--zzz", nil), ("--confuse", nil), ("--name", nil), ("--lr", nil), ("--epochs", nil),
        ("--foo", nil), ("-z", nil), ("--host", nil), ("--port", nil), ("--a", nil), ("--", nil),
        ("--random", nil),
      ])
    + cases(
      "train",
      [
        ("--lr", "'--learning-rate'"), ("--learnig-rate", "'--learning-rate'"),
        ("--epoch", "'--epochs'"), ("--weights", "'--start'"), ("--imgsz", "'--sizes'"),
        ("--batch", "'--batch-size'"), ("--data", "named without an option"),
        ("--device", "runs on CPUs"), ("--conf", nil), ("--freeze", "'--frozen-stages'"),
        ("--save-txt", nil),
      ])
    + cases(
      "evaluate",
      [
        ("--gt", "'--annotations'"), ("--pred", "'--results'"), ("--conf", "'--score-threshold'"),
        ("--iou", nil), ("--curve", "'--curves'"),
      ])
    + cases("import", [("--cfg", "'--config'"), ("--conf", nil), ("--storge", "'--storage'")])
    + cases("inspect", [("--jsn", "'--json'"), ("--device", nil)])

  @Test(arguments: options)
  func ofOptions(_ test: Case) {
    let options = CommandLineError.options(of: test.command)
    #expect(options.contains("help") && options.count > 2)
    let said = Suggestion(options: options, subcommands: DetectBatch.subcommandNames)
      .forOption(test.typed)
    if let meant = test.meant {
      #expect(said?.contains(meant) == true, "\(said ?? "nothing")")
    } else {
      #expect(said == nil)
    }
  }

  /// Subcommands that are not there yet, or are.
  @Test func subcommandsAnswerWhereTheyAre() {
    let options = CommandLineError.options(of: "detect")
    let with = Suggestion(options: options, subcommands: ["export", "draw"])
    #expect(with.forOption("--save-txt") == ": the subcommand 'export' does that with records")
    #expect(with.forOption("--save-img") == ": the subcommand 'draw' does that with records")
  }

  static let subcommands: [Case] =
    cases(
      "",
      [
        ("inspct", "'inspect'"), ("inspekt", "'inspect'"), ("trian", "'train'"),
        ("evalute", "'evaluate'"), ("eval", "'evaluate'"), ("imprt", "'import'"),
        ("marge", "'merge'"), ("predict", "needs no subcommand"), ("info", "'inspect'"),
        ("clips", nil), ("film", nil), ("photos", nil), ("in", nil), ("videos", nil),
        ("terrain", nil), ("important", nil),
      ])

  @Test(arguments: subcommands)
  func ofSubcommands(_ test: Case) {
    let subcommands = ["detect", "import", "inspect", "merge", "evaluate", "train"]
    let said = Suggestion(options: [], subcommands: subcommands).forSubcommand(test.typed)
    if let meant = test.meant {
      #expect(said?.contains(meant) == true, "\(said ?? "nothing")")
    } else {
      #expect(said == nil)
    }
  }

  /// Every answer fits some command, and no option's own name is in the table of others' for its command.
  @Test func theTableIsAboutOptionsThatExist() {
    let all = Set(DetectBatch.subcommandNames.flatMap(CommandLineError.options))
    for (name, answer) in OtherNames.options {
      guard case .options(let targets) = answer else { continue }
      #expect(targets.contains(where: all.contains), "\(name)")
    }
    let detect = CommandLineError.options(of: "detect")
    for option in UsageTests.options where option != "pipeline" {
      #expect(detect.contains(option), "\(option)")
      #expect(OtherNames.detectOptions[option] == nil, "\(option)")
    }
  }

  @Test func distances() {
    for (first, second, distance) in [
      ("", "", 0), ("", "ab", 2), ("fps", "fsp", 1), ("kitten", "sitting", 3), ("conf", "root", 3),
      ("threshold", "treshold", 1), ("ca", "abc", 3), ("ä", "a", 1),
    ] {
      #expect(Likeness.distance(first, second) == distance)
      #expect(Likeness.distance(second, first) == distance)
    }
  }

  @Test func logFormatsAreFoundAmongTheWords() {
    for (arguments, format) in [
      ([], LogFormat.text), (["--log-format", "json"], .json), (["--log-format=json"], .json),
      (["--log-format", "json", "--log-format=text"], .text), (["--log-format"], .text),
      (["--log-format", "yaml"], .text), (["--", "--log-format", "json"], .text),
    ] {
      #expect(LogFormat.typed(in: arguments) == format, "\(arguments)")
    }
  }

  @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/script")))
  func aTerminalWithoutEscapesGetsNone() throws {
    let workspace = try Workspace()
    for (kind, isDrawn) in [("dumb", false), ("xterm", true)] {
      let command =
        "TERM=\(kind) \(Tool.program) \(Tool.samples)/videos --max-frames 20 -o out-\(kind)"
      let typescript = try Tool.run(
        "/usr/bin/script", ["-qec", command, "/dev/null"],
        in: workspace)
      #expect(typescript.status == 0, "\(typescript.text)")
      #expect(typescript.text.contains("2 inputs done"))
      #expect(typescript.text.contains("\u{1b}[") == isDrawn, "\(kind): \(typescript.text)")
    }
  }

  @Test func terminalsThatDoNotUnderstandEscapes() {
    for kind in [nil, "", "dumb"] { #expect(!Console.understandsEscapes(kind)) }
    #expect(Console.understandsEscapes("xterm-256color"))
  }
}

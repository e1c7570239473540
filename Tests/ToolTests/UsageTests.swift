import Foundation
import SystemPackage
import Testing

@testable import detect_batch

/// What is said about wrong usage, word by word, by the real program.
struct UsageTests {
  struct Case: CustomTestStringConvertible {
    let id: String
    let arguments: [String]
    let message: String
    var status: detect_batch.ExitStatus = .usage
    var testDescription: String { id }
  }

  static let cases: [Case] = [
    Case(
      id: "nothing at all", arguments: [],
      message: "nothing to look at: name directories, files or globs, as in: detect-batch clips/"),
    Case(
      id: "unknown option", arguments: ["--kyframes", "x"],
      message: "Unknown option '--kyframes'. Did you mean '--keyframes'? (see detect-batch --help)"),
    Case(
      id: "another tool's option", arguments: ["--conf", "0.3", "x"],
      message: "Unknown option '--conf': here it is '--score-threshold' (see detect-batch --help)"),
    Case(
      id: "an option like no other", arguments: ["--zzz", "x"],
      message: "Unknown option '--zzz' (see detect-batch --help)"),
    Case(
      id: "a subcommand's option, beside something that is missing",
      arguments: ["evaluate", "--gt", "x.json"],
      message:
        "Unknown option '--gt': here it is '--annotations' (see detect-batch evaluate --help)"),
    Case(
      id: "a subcommand's value", arguments: ["import", "x", "-o", "y", "--storage", "int4"],
      message:
        "The value 'int4' is invalid for '--storage <float32|float16|bfloat16>': it has to be one of "
        + "float32, float16, bfloat16 (see detect-batch import --help)"),
    Case(
      id: "a subcommand that is mistyped", arguments: ["inspct", "x"],
      message: "there is no inspct, no x; did you mean the subcommand 'inspect'?", status: .noInput),
    Case(
      id: "a subcommand that is mistyped, with its option", arguments: ["inspct", "--json", "x"],
      message: "Unknown option '--json': did you mean the subcommand 'inspect'? "
        + "(see detect-batch --help)"),
    Case(
      id: "a file for the records", arguments: ["x", "-o", "result.jsonl"],
      message:
        "The value 'result.jsonl' is invalid for '-o <directory>': it has to be a directory, with a "
        + ".jsonl file for each input; for one file of all records: -o - > result.jsonl "
        + "(see detect-batch --help)"),
    Case(
      id: "metrics on standard output", arguments: ["x", "--metrics", "-"],
      message: "The value '-' is invalid for '--metrics <file>': it has to be a file's name "
        + "(a file called - is ./-) (see detect-batch --help)"),
    Case(
      id: "an address", arguments: ["https://example.org/a.mp4"],
      message: "there is no https:/example.org/a.mp4 (local files only: an address is not read)",
      status: .noInput),
    Case(
      id: "too little memory", arguments: ["x", "--memory-limit", "10"],
      message:
        "The value '10' is invalid for '--memory-limit <size>': it has to be a size of at least "
        + "64MiB, such as 512MiB or 4GiB (without a unit it is bytes) (see detect-batch --help)"),
    Case(
      id: "missing value", arguments: ["x", "--model"],
      message: "Missing value for '--model <model>' (see detect-batch --help)"),
    Case(
      id: "not a number", arguments: ["x", "--fps", "abc"],
      message:
        "The value 'abc' is invalid for '--fps <rate>': it has to be a number above 0, such as 2 or 0.5 "
        + "(see detect-batch --help)"),
    Case(
      id: "not a word of a list", arguments: ["x", "--overwrite", "sometimes"],
      message:
        "The value 'sometimes' is invalid for '--overwrite <skip|stale|always|error>': it has to be "
        + "one of skip, stale, always, error (see detect-batch --help)"),
    Case(
      id: "two samplings", arguments: ["x", "--every", "2", "--keyframes"],
      message: "--every and --keyframes cannot go together: give one (see detect-batch --help)"),
    Case(
      id: "times in the wrong order", arguments: ["x", "--start", "1:00", "--end", "30"],
      message: "--end (30.0 s) has to come after --start (60.0 s) (see detect-batch --help)"),
    Case(
      id: "a shard of none", arguments: ["x", "--shard", "0/4"],
      message:
        "The value '0/4' is invalid for '--shard <i/n|auto>': it has to be I/N with I from 1 to N, "
        + "such as 2/7, or auto (see detect-batch --help)"),
    Case(
      id: "a shard without a scheduler", arguments: ["x", "--shard", "auto"],
      message: "--shard auto: auto finds no job array: none of SLURM_ARRAY_TASK_ID, "
        + "JOB_COMPLETION_INDEX, AWS_BATCH_JOB_ARRAY_INDEX, CLOUD_RUN_TASK_INDEX, BATCH_TASK_INDEX "
        + "is set"),
    Case(
      id: "an input that is not there", arguments: ["nowhere.mp4"],
      message: "there is no nowhere.mp4", status: .noInput),
    Case(
      id: "pruning nothing", arguments: ["here.mp4", "--prune", "-o", "-"],
      message: "--prune removes files of an output directory, and -o - has none"),
    Case(
      id: "labels of a variable that is not set",
      arguments: ["export", "x", "--format", "csv", "--classes", ""],
      message:
        "The value '' is invalid for '--classes <label,…>': it has to be labels with commas between "
        + "them, such as qr_code,barcode (see detect-batch export --help)"),
    Case(
      id: "an output of a variable that is not set", arguments: ["x", "-o", ""],
      message:
        "The value '' is invalid for '-o <directory>': it has to be a directory, or - "
        + "(see detect-batch --help)"),
    Case(
      id: "an unknown label", arguments: ["here.mp4", "--classes", "qr_code,qr"],
      message: "the model has no class 'qr'; it has: qr_code, data_matrix, aztec, pdf417, barcode"),
  ]

  @Test(arguments: cases)
  func messages(_ test: Case) throws {
    let workspace = try Workspace()
    try workspace.write("here.mp4", "x")
    let outcome = try Tool.run(test.arguments, in: workspace)
    #expect(outcome.messages == "detect-batch: error: \(test.message)\n")
    #expect(outcome.status == test.status.rawValue)
    #expect(outcome.output.isEmpty)
  }

  /// Whatever is wrong, and wherever the option stands.
  @Test(arguments: [
    ["--fsp", "2", "--log-format", "json"], ["--log-format=json", "x", "--fps", "none"],
    ["--log-format", "json", "nowhere"], ["evaluate", "--gt", "x", "--log-format", "json"],
  ])
  func errorsForMachines(_ arguments: [String]) throws {
    let outcome = try Tool.run(arguments, in: Workspace())
    #expect(outcome.status == 64 || outcome.status == 66)
    let object =
      try JSONSerialization.jsonObject(with: Data(outcome.messages.utf8)) as? [String: Any] ?? [:]
    #expect(object["level"] as? String == "error" && object["message"] is String)
  }

  @Test func helpShowsTheOptionsOfTheDefaultCommand() throws {
    let workspace = try Workspace()
    let outcomes = try ["--help", "-h", "help"].map { try Tool.run([$0], in: workspace) }
    for outcome in outcomes {
      #expect(outcome.status == 0)
      #expect(outcome.messages.isEmpty)
      #expect(outcome.output == outcomes[0].output)
    }
    let text = outcomes[0].text
    for option in Self.options { #expect(text.contains("--\(option)"), "\(option)") }
    for word in ["mp4", "jpg", "(default: stale)", "import", "inspect", "merge", "evaluate"] {
      #expect(text.contains(word), "\(word)")
    }
    #expect(text.split(separator: "\n").allSatisfy { $0.count <= 100 })
  }

  static let options = [
    "model", "pipeline", "output", "root", "score-threshold", "class-threshold", "classes",
    "nms-threshold", "class-agnostic-nms", "max-detections", "candidates-per-level", "workers",
    "batch-size", "queue-size", "decoders", "isa", "every", "fps", "keyframes", "start", "end",
    "max-frames", "files-from", "include", "exclude", "all-files", "settle", "overwrite",
    "retry-failed", "shard", "segment", "wait", "dry-run", "quiet", "verbose", "log-format",
    "memory-limit", "nice", "read-timeout", "max-failures", "allow-empty", "metrics", "prune",
    "no-frame-numbers", "precision", "still", "version",
  ]

  @Test func versionNamesWhatItStandsOn() throws {
    let outcome = try Tool.run(["--version"], in: Workspace())
    #expect(outcome.status == 0)
    #expect(
      try
        /detect-batch \d+\.\d+\.\d+\noneDNN \d+\.\d+\.\d+\nFFmpeg .+\ninstruction set \w+\nprecisions .+\n/
        .wholeMatch(in: outcome.text) != nil, "\(outcome.text)")
  }

  @Test func versionObeysTheInstructionSet() throws {
    let outcome = try Tool.run(["--version", "--isa", "avx2"], in: Workspace())
    #expect(
      outcome.text.hasSuffix(
        "instruction set avx2\nprecisions float32, int8 (slow without VNNI)\n"))
  }

  @Test func precisionsThatAreNotThereEndTheRun() throws {
    let workspace = try Workspace()
    for (arguments, message) in [
      (["--precision", "int8"], "not calibrated"),
      (["--precision", "bf16", "--isa", "avx2"], "AVX512_BF16"),
    ] {
      let outcome = try Tool.run(["."] + arguments, in: workspace)
      #expect(outcome.status == detect_batch.ExitStatus.usage.rawValue, "\(outcome.messages)")
      #expect(outcome.messages.contains(message), "\(outcome.messages)")
    }
  }

  @Test func helpOnAFullDiskFails() throws {
    let outcome = try Tool.run(["--help"], in: Workspace(), output: "/dev/full")
    #expect(outcome.status == detect_batch.ExitStatus.outputFailed.rawValue)
    #expect(
      outcome.messages
        == "detect-batch: error: standard output cannot be written: No space left on device\n")
  }
}

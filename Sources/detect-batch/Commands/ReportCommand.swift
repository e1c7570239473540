import ArgumentParser
import Datasets
import DetectionPipeline
import FrameDecoding
import Glibc
import Results
import SystemPackage
import Workers

/// A page for looking at records.
struct ReportCommand: ToolCommand {
  static let configuration = CommandConfiguration(
    commandName: "report",
    abstract:
      "Makes a page of records to look at: counts, pictures, and videos with boxes over them.",
    discussion: """
      Writes a folder whose index.html opens in any browser without a server, and asks nothing of a network. Nothing \
      is detected again.

        detect-batch clips/
        detect-batch report detections

        detect-batch report detections --score-threshold 0.5 -o strict
        detect-batch report found --annotations voc/ --split test -o how-good

      It shows what was run; counts, scores and failures; every input with its timeline and, where the browser can \
      show it, the original file with boxes that follow its time; and pictures chosen at random: of each class, \
      without a detection and, with --score-threshold, just below the threshold (by 0.1 at most), which tells whether \
      it is too high. So records made with a low threshold tell most. With annotations it shows average precision, \
      curves, and pictures of true, false and missed.

      The originals are linked by their place relative to the report: keep both together when you move them.
      """)

  @Argument(
    help: ArgumentHelp(
      "Directories that detect-batch wrote, .jsonl files, or - for standard input.",
      valueName: "records"),
    completion: .file())
  var records: [String]

  @Option(
    name: [.short, .long],
    help: ArgumentHelp(
      "The folder to be made, or with --self-contained the file. (default: report, or report.html)",
      valueName: "path"), completion: .file(), transform: OptionValue.outputFile)
  var output: String?

  @Option(
    help: ArgumentHelp(
      "What to do about a report that is there already: make it anew (always), or nothing (error). (default: error)",
      valueName: "always|error"),
    completion: .list(ReportRequest.ExistingReport.allCases.map(\.rawValue)),
    transform: OptionValue.choice)
  var overwrite: ReportRequest.ExistingReport?

  @Flag(
    help: ArgumentHelp(
      "Make one HTML file, pictures and all records in it: for small results. Videos and full pictures stay where "
        + "they are."))
  var selfContained = false

  @Option(
    help: ArgumentHelp(
      "Detections that score this or more count. (default: all that are recorded)",
      valueName: "score"), transform: OptionValue.fraction)
  var scoreThreshold: Double?

  @Option(
    help: ArgumentHelp(
      "Pictures of each kind, 0 to 1000. (default: 24)", valueName: "n"),
    transform: OptionValue.sampleCount)
  var samples: Int?

  @Option(
    help: ArgumentHelp("Other numbers choose other pictures. (default: 0)", valueName: "n"),
    transform: OptionValue.seed)
  var seed: Int?

  @Option(
    help: ArgumentHelp(
      "The directory that the records' sources count from. (default: where the output directory of the records says "
        + "that they were, else the working directory)", valueName: "directory"),
    completion: .directory)
  var root: String?

  @Option(
    help: ArgumentHelp(
      "What was to be found, in COCO's format, a folder in Pascal VOC's form, or a data.yaml in Ultralytics'.",
      valueName: "file.json|folder|data.yaml"), completion: .file())
  var annotations: String?

  @Option(
    help: ArgumentHelp(
      "With --annotations: this list of a folder in Pascal VOC's form (ImageSets/Main; default: all annotations) or of "
        + "a data.yaml (default: val).",
      valueName: "name"))
  var split: String?

  @Option(
    help: ArgumentHelp("What the page is called. (default: the records' names)", valueName: "text"))
  var title: String?

  @Option(
    help: ArgumentHelp(
      "Decode so many pictures at once. (default: as many as there are cores to use)",
      valueName: "n"),
    transform: OptionValue.positiveCount)
  var workers: Int?

  @OptionGroup var decoding: IsolationOption
  @OptionGroup(title: "Messages") var report: ReportOptions

  func validate() throws {
    guard split == nil || annotations != nil else {
      throw ValidationError("--split goes with --annotations")
    }
    guard annotations == nil || !records.contains("-") else {
      throw ValidationError(
        "--annotations reads the records twice: name files or directories instead of -")
    }
  }

  func execute() throws -> ExitStatus {
    Log.configure(report)
    SignalHandling.onFirst { true }
    try Decoders.choose(decoding)
    let request = try request()
    let summary: Report.Summary
    do {
      summary = try Report(request).write()
    } catch ReportError.stopped {
      return ExitStatus(.stopped)
    }
    if let (count, first) = summary.failedPictures {
      Log.logger.warning(
        "\(RunText.counted(count, "picture")) could not be made (the first: \(first))")
    }
    if summary.lostInputs > 0 {
      let lost = RunText.counted(summary.lostInputs, "input")
      Log.logger.warning(
        "the files of \(lost) were not found, and cannot be shown: --root says which directory they are in"
      )
    }
    let page = selfContained ? request.output : request.output.appending("index.html")
    let counts = [
      RunText.counted(summary.inputs, "input"), RunText.counted(summary.frames, "frame"),
      RunText.counted(summary.detections, "detection"),
    ]
    Log.logger.info("\(page.oneLine): \(counts.joined(separator: ", "))")
    return .done
  }

  private func request() throws -> ReportRequest {
    let name = output.map(ArgumentBytes.path) ?? (selfContained ? "report.html" : "report")
    var request = ReportRequest(
      records: records.map(ArgumentBytes.path), output: name,
      title: title ?? records.map(ArgumentBytes.display).joined(separator: ", "),
      version: ProgramVersion.number, time: Self.now)
    request.isOneFile = selfContained
    request.existing = overwrite ?? .error
    request.root = root.map(ArgumentBytes.path)
    request.threshold = scoreThreshold
    request.samples = samples ?? request.samples
    request.seed = UInt64(seed ?? 0)
    request.threads = workers ?? Machine().availableCores
    request.decoders = Decoders.make()
    request.isStopped = { SignalHandling.received != nil }
    if let annotations {
      let read = try AnnotationFiles.read(annotations, split: split)
      let name = ([ArgumentBytes.display(annotations)] + (split.map { [$0] } ?? []))
        .joined(separator: ", ")
      request.annotations = .init(read.annotations, name: name, remarks: read.remarks)
    }
    return request
  }

  /// Unix time.
  private static var now: Double {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Double(time.tv_sec)
  }
}

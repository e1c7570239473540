import ArgumentParser
import DetectionRecords
import Files
import FrameDecoding
import FrameEncoding
import Results
import SystemPackage
import Workers

/// Pictures and videos that show what was found.
struct DrawCommand: ToolCommand {
  static let configuration = CommandConfiguration(
    commandName: "draw",
    abstract: "Draws what was found into the pictures and videos, or covers it.",
    discussion: """
      Nothing is detected: the records say what there is, and the files that they are about are read once more.

        detect-batch clips/
        detect-batch draw detections                                 all of it, into drawn/
        detect-batch draw detections --only-detections --padding 2   clips of what happened
        detect-batch draw detections --contact-sheet                 a quick look
        detect-batch draw detections --style blur -o public          what was found is covered

      Pictures keep their format, upright and at full size (GIF, HEIC and others that FFmpeg does not write become \
      PNG, with .png behind the name); what cameras write beside the pixels (EXIF) is left out. Videos become MP4 \
      (H.264, 8 bits, 4:2:0), which browsers play, with .mp4 behind names that end otherwise: upright, each frame at \
      its own time, with the sound as it was, or as AAC where it was of a kind that MP4 does not know (PCM). A side of \
      an odd number of pixels gets one more, which repeats the last.

      Where only some frames were looked at (--fps, --every, --keyframes), boxes are drawn in those, or with --hold \
      until the next of them. Blurred and pixelated places are covered in every frame: between two frames that were \
      looked at, all the way from a box in the one to the nearest of its class in the other; before the first and \
      after the last, no longer than the widest step between them. A frame beyond that, or that could not be looked \
      at, is covered whole, and so is a page of a TIFF that was not. What the detector did not find is not covered: look \
      before you publish.
      """)

  private static let defaultOutput = "drawn"

  @Argument(
    help: ArgumentHelp(
      "Directories that detect-batch wrote, or .jsonl files; - for standard input.",
      valueName: "records"),
    completion: .file())
  var records: [String]

  @Option(
    name: [.short, .long],
    help: ArgumentHelp(
      "Where the pictures and videos go. (default: drawn)", valueName: "directory"),
    completion: .directory, transform: OptionValue.directory)
  var output: String?

  @Option(
    help: ArgumentHelp(
      "The directory that sources count from. (default: where they were when they were looked at)",
      valueName: "directory"),
    completion: .directory)
  var root: String?

  @Option(
    help: ArgumentHelp(
      "What to do about outputs that exist: leave them (skip), make them anew (always), or let their inputs fail "
        + "(error). (default: skip)", valueName: "skip|always|error"),
    completion: .list(DrawConfiguration.ExistingOutput.allCases.map(\.rawValue)),
    transform: OptionValue.choice)
  var overwrite: DrawConfiguration.ExistingOutput?

  @OptionGroup(title: "What is shown") var selection: DrawSelectionOptions
  @OptionGroup(title: "Videos") var video: DrawVideoOptions
  @OptionGroup var decoding: IsolationOption
  @OptionGroup(title: "Messages") var report: ReportOptions

  func execute() throws -> ExitStatus {
    Log.configure(report)
    try Decoders.choose(decoding)
    let logger = Log.logger
    let cancellation = MediaCancellation()
    let reader = RecordReader(try RecordFiles(records.map(ArgumentBytes.path))) {
      cancellation.isCancelled
    }
    let configuration = DrawConfiguration(
      style: selection.style ?? .box, content: selection.content,
      selection: DetectionSelection(
        scoreThreshold: selection.scoreThreshold,
        classes: selection.classes.isEmpty ? nil : Set(selection.classes.joined())),
      holdsBoxes: selection.hold, existingOutput: overwrite ?? .skip,
      quality: VideoQuality(
        rateFactor: video.crf ?? 18, preset: video.preset ?? .fast,
        // As x264 itself has it: some of its threads always wait for others.
        threads: video.workers ?? (Machine().availableCores * 3 + 1) / 2),
      output: ArgumentBytes.path(output ?? Self.defaultOutput))
    let showsProgress = Console.standardError.isTerminal && !report.quiet
    defer { if showsProgress { Console.standardError.show(nil) } }
    SignalHandling.onFirst {
      cancellation.cancel()
      return true
    }
    let run = DrawRun(
      reader, InputLocator(root: root.map(ArgumentBytes.path)), configuration,
      decoders: Decoders.make(), cancellation: cancellation
    ) { event in
      switch event {
      case .progress(let source, let seconds, let duration):
        guard showsProgress else { return }
        // Bounded: a forged clock may say anything.
        let whole = [seconds, duration].compactMap { $0 }.map { Int(min(max($0, 0), 1e9)) }
        let place = whole.map(String.init).joined(separator: " of ")
        Console.standardError.show("\(source.oneLine): \(place) s")
      case .made(let path, _): logger.debug("made \(path.oneLine)")
      case .remark(let source, let text): logger.warning("\(source.oneLine): \(text)")
      case .nothing(let source, let text): logger.debug("\(source.oneLine): \(text)")
      case .failed(let source, let text): logger.error("\(source.oneLine): \(text)")
      }
    }
    if configuration.style == .box && !run.canWriteLabels {
      logger.warning("no font is installed: boxes have no labels")
    }
    do {
      let summary = try run.draw()
      if showsProgress { Console.standardError.show(nil) }
      tell(summary)
      return summary.failures > 0 ? .someInputsFailed : .done
    } catch DrawError.stopped {
      return ExitStatus(.stopped)
    }
  }

  private func tell(_ summary: DrawRun.Summary) {
    for label in summary.unknownClasses {
      Log.logger.warning("--classes \(label): no record has this class")
    }
    var counts = [
      "\(RunText.counted(summary.outputs, "file")) made of \(RunText.counted(summary.inputs, "input"))",
      RunText.counted(summary.detections, "detection"),
    ]
    if summary.existing > 0 {
      counts.append("\(summary.existing) existing left alone (--overwrite always makes them anew)")
    }
    if summary.failures > 0 { counts.append("\(summary.failures) failed") }
    let whereTo =
      summary.outputs > 0 ? " in \(ArgumentBytes.display(output ?? Self.defaultOutput))" : ""
    Log.logger.info("\(counts.joined(separator: ", "))\(whereTo)")
  }
}

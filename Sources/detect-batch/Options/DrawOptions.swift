import ArgumentParser
import FrameEncoding
import Results

/// Which detections are drawn, and how.
struct DrawSelectionOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Frames with class and score (box), or places covered by blur or by coarse squares. (default: box)",
      valueName: "box|blur|pixelate"),
    completion: .list(DrawConfiguration.Style.allCases.map(\.rawValue)),
    transform: OptionValue.choice)
  var style: DrawConfiguration.Style?

  @Option(
    help: ArgumentHelp(
      "Leave out what scores below this. (default: all records)", valueName: "score"),
    transform: OptionValue.fraction)
  var scoreThreshold: Double?

  @Option(
    help: ArgumentHelp("Only these labels. (default: all)", valueName: "label,…"),
    transform: OptionValue.labels)
  var classes: [[String]] = []

  @Flag(
    help: ArgumentHelp("Boxes stay until the next frame that was looked at."))
  var hold = false

  @Flag(
    help: ArgumentHelp(
      "Only pictures with a detection, and of videos a clip around each: cam1/0700.mp4.00h01m02.500s.mp4."
    ))
  var onlyDetections = false

  @Option(
    help: ArgumentHelp(
      "With --only-detections: so much before and after. (default: 1)", valueName: "seconds"),
    transform: OptionValue.seconds)
  var padding: Double?

  @Flag(
    help: ArgumentHelp(
      "A picture of each detection instead, without a frame: cam1/0700.mp4/000042-1-qr_code.jpg (frame, rank, label)."
    ))
  var crops = false

  @Flag(
    help: ArgumentHelp(
      "Sheets of small pictures instead, contact-sheet-001.jpg and on: each picture with a detection, and of a video "
        + "the best frame of every ten seconds."))
  var contactSheet = false

  func validate() throws {
    let contents = [onlyDetections, crops, contactSheet].filter { $0 }
    guard contents.count <= 1 else {
      throw ValidationError("--only-detections, --crops and --contact-sheet exclude each other")
    }
    guard padding == nil || onlyDetections else {
      throw ValidationError("--padding goes with --only-detections")
    }
    guard (style ?? .box) == .box || !(crops || contactSheet) else {
      throw ValidationError(
        "--crops and --contact-sheet show what was found, and --style would cover it")
    }
    guard !hold || !(crops || contactSheet) else {
      throw ValidationError("--hold goes with whole pictures and videos")
    }
  }

  /// What is made.
  var content: DrawConfiguration.Content {
    if onlyDetections { return .detections(padding: padding ?? 1) }
    return crops ? .crops : contactSheet ? .contactSheets : .everything
  }
}

/// What may be spent on videos.
struct DrawVideoOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "x264's constant rate factor: 0 loses nothing, 51 is the worst; 18 looks like the source. (default: 18)",
      valueName: "crf"),
    transform: OptionValue.rateFactor)
  var crf: Double?

  @Option(
    help: ArgumentHelp(
      "x264's preset, from ultrafast to veryslow: slower ones make smaller files. (default: fast)",
      valueName: "preset"),
    completion: .list(VideoQuality.Preset.allCases.map(\.rawValue)),
    transform: OptionValue.choice)
  var preset: VideoQuality.Preset?

  @Option(
    help: ArgumentHelp(
      "Encode in so many threads. (default: three for every two cores to use)", valueName: "n"),
    transform: OptionValue.positiveCount)
  var workers: Int?
}

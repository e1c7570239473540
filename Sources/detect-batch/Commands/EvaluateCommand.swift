import ArgumentParser
import Datasets
import DetectionPipeline
import Evaluation
import RetinaNetModel
import Training

/// Average precision of detections, as COCO counts it.
struct EvaluateCommand: ToolCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Measures detections against annotations: COCO's average precision and recall.",
    discussion: """
      Prints pycocotools' twelve numbers, the main ones of each class, and for each class the score threshold with \
      the best F1 at IoU 0.50. What was found comes from records, from a results file in COCO's format, or from a \
      model that is run over the images now:

        detect-batch photos/ --score-threshold 0.05 -o found
        detect-batch evaluate --annotations photos.json found

        detect-batch evaluate --annotations photos.json --images photos/ --model codes
        detect-batch evaluate --annotations voc/ --split test --images voc/ --model run/model.safetensors

      A record belongs to the image whose file_name is its source, else to the only image of the same base name. \
      Labels are the categories' names.

      An entry that cannot be understood is an error that names it. What merely does not count gets a warning: \
      annotations of images or categories that are not listed, labels that are no categories, images without a record, \
      and records that were cut above a score of 0.05.
      """)

  @Option(
    help: ArgumentHelp(
      "What is to be found: images, categories and annotations with boxes, in COCO's format; a folder in Pascal "
        + "VOC's form; or a data.yaml in Ultralytics'.",
      valueName: "file.json|folder|data.yaml"),
    completion: .file())
  var annotations: String

  @Option(
    help: ArgumentHelp(
      "Measure on this list of a folder in Pascal VOC's form (ImageSets/Main; default: all annotations) or of a data.yaml (default: val).",
      valueName: "name"))
  var split: String?

  @Argument(
    help: ArgumentHelp(
      "Directories that detect-batch wrote, or .jsonl files.", valueName: "records"),
    completion: .file())
  var records: [String] = []

  @Option(
    help: ArgumentHelp("Detections in COCO's results format.", valueName: "file.json"),
    completion: .file(extensions: ["json"]))
  var results: String?

  @Option(
    help: ArgumentHelp(
      "Detect now, in the annotations' images, whose file_name is a path below this directory.",
      valueName: "directory"),
    completion: .directory)
  var images: String?

  @Option(
    help: ArgumentHelp(
      "With --images: the model, by path or by name. (default: codes)", valueName: "model"),
    completion: .file(extensions: ["safetensors", "pth"]))
  var model: String?

  @Option(
    help: ArgumentHelp(
      "With --images: detections score above this. (default: 0.05)", valueName: "score"),
    transform: OptionValue.score)
  var scoreThreshold: Float?

  @Option(
    help: ArgumentHelp(
      "With --images: what the network computes in. (default: int8 for models that `quantize` has calibrated, else float32)",
      valueName: "float32|bf16|int8"),
    completion: .list(DetectionPrecision.allCases.map(\.rawValue)), transform: OptionValue.choice)
  var precision: DetectionPrecision?

  @Option(
    help: ArgumentHelp(
      "With --images: detect in so many threads. (default: as many as there are cores to use)",
      valueName: "n"),
    transform: OptionValue.positiveCount)
  var workers: Int?

  @OptionGroup(title: "With --images, how pictures are looked at") var looks: LookOptions

  @Flag(help: "Print one JSON object instead of tables.")
  var json = false

  @Option(
    help: ArgumentHelp("Draw precision over recall into this file.", valueName: "file.svg"),
    completion: .file(extensions: ["svg"]), transform: OptionValue.outputFile)
  var curves: String?

  @Option(
    help: ArgumentHelp(
      "Put the suggested thresholds into this model file, as its own.",
      valueName: "model.safetensors"),
    completion: .file(extensions: ["safetensors"]))
  var writeThresholds: String?

  @OptionGroup var decoding: IsolationOption
  @OptionGroup(title: "Messages") var report: ReportOptions

  func validate() throws {
    let sources = [!records.isEmpty, results != nil, images != nil].filter { $0 }
    guard sources.count == 1 else {
      throw ValidationError("name what was found: records, --results or --images, one of them")
    }
    guard
      images != nil
        || (model == nil && scoreThreshold == nil && precision == nil && workers == nil)
    else {
      throw ValidationError(
        "--model, --score-threshold, --precision and --workers go with --images")
    }
    if images == nil, let name = looks.firstGiven {
      throw ValidationError("\(name) goes with --images")
    }
  }

  func execute() throws -> ExitStatus {
    Log.configure(report)
    try Decoders.choose(decoding)
    for path in [curves, writeThresholds].compactMap(\.self) {
      try TextFile.requirePlace(ArgumentBytes.path(path))
    }
    let (annotations, annotationRemarks) = try AnnotationFiles.read(
      annotations, split: split)
    let target = try writeThresholds.map { try ThresholdTarget(ArgumentBytes.path($0)) }
    let found = try found(in: annotations)
    let report = EvaluationReport(
      evaluation: COCOEvaluation(annotations: annotations, detections: found.detections),
      remarks: annotationRemarks + found.remarks)
    for remark in report.remarks { Log.logger.warning("\(remark)") }
    // First what was asked for, which has taken the time: a file can still fail.
    let status = ProgramOutput.write(json ? report.json.compact : report.text)
    try SignalHandling.finishing {
      if let curves {
        let title = "Precision and recall of \(found.name)"
        try TextFile.write(
          PrecisionRecallChart.svg(of: report.evaluation, title: title),
          to: ArgumentBytes.path(curves))
      }
      if let target {
        let line = try target.write(report.evaluation.classes)
        Log.logger.info("\(line)")
      }
    }
    return SignalHandling.received ?? status
  }

  /// The detections, what is to be said about them, and what they are called.
  private func found(
    in annotations: COCOAnnotations
  ) throws -> (detections: [COCODetection], remarks: [String], name: String) {
    if let results {
      let file = try COCOResultsFile(contentsOf: ArgumentBytes.path(results), for: annotations)
      return (file.detections, file.remarks, ArgumentBytes.display(results))
    }
    if let images {
      let model = try DetectionModel(
        contentsOf: Places().model(model))
      for remark in model.remarks { Log.logger.notice("\(remark)") }
      var options = DetectionOptions(
        scoreThreshold: scoreThreshold ?? 0.05, precision: precision)
      try looks.apply(to: &options)
      let detection = try DatasetDetection(
        of: annotations, below: ArgumentBytes.path(images),
        detector: Detector(model: model, options: options), workers: workers,
        showsProgress: Console.standardError.isTerminal && !report.quiet)
      return (
        detection.detections, detection.remarks, model.path.lastComponent?.string ?? "a model"
      )
    }
    let files = try DetectionRecordFiles(
      contentsOf: records.map(ArgumentBytes.path), for: annotations)
    return (
      files.detections, files.remarks, ArgumentBytes.display(records.joined(separator: ", "))
    )
  }
}

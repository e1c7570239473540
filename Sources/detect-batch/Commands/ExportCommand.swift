import ArgumentParser
import Datasets
import DetectionPipeline
import DetectionRecords
import Evaluation
import Files
import Foundation
import Results

/// Records to the formats of other tools.
struct ExportCommand: ToolCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Writes records in another tool's format.",
    discussion: """
      Nothing is detected again, and however many records there are, the memory is the same.

        detect-batch export detections --format csv -o detections.csv
        detect-batch export detections --format megadetector -o results.json --score-threshold 0.2
        detect-batch export detections --format yolo -o dataset --classes qr_code,barcode

      The formats:

      \(ExportFormat.allCases.map { "  \($0.rawValue): \($0.summary)" }.joined(separator: "\n"))

      Order and numbers: everything is in the order of the records, directories by the bytes of their paths. Classes \
      are numbered as --classes lists them, else as they first come; images from 1 (cvat from 0). A frame of a video is \
      a picture SOURCE/frame000042.jpg where a format knows pictures only. Frames and inputs that could not be looked \
      at are rows in csv, entries with "failure" in megadetector, notes in webvtt and unclassified observations in \
      camtrap-dp; the other formats cannot tell of them: they are left out, and counted at the end.

      camtrap-dp needs what records do not say: where and when cameras were (--deployments), and when each file was \
      recorded (--timestamps). Contributors, licences, the sampling design and the capture method in datapackage.json \
      are placeholders: write yours before you publish it.
      """)

  @Argument(
    help: ArgumentHelp(
      "Directories that detect-batch wrote, .jsonl files, or - for standard input.",
      valueName: "records"),
    completion: .file())
  var records: [String]

  @Option(
    help: ArgumentHelp(
      "The format: \(ExportFormat.allCases.map(\.rawValue).joined(separator: ", ")).",
      valueName: "format"),
    completion: .list(ExportFormat.allCases.map(\.rawValue)), transform: OptionValue.choice)
  var format: ExportFormat

  @Option(
    name: [.short, .long],
    help: ArgumentHelp(
      "The file, or the directory for yolo, cvat-video, camtrap-dp and webvtt; - writes a file to standard output. It "
        + "appears when all of it is there.", valueName: "path"), completion: .file())
  var output = "-"

  @Flag(help: "Replace the output file if there is one; a directory is never replaced.")
  var overwrite = false

  @Option(
    help: ArgumentHelp(
      "Only detections that score at least this. (default: all that the records have)",
      valueName: "score"), transform: OptionValue.score)
  var scoreThreshold: Float?

  @Option(
    help: ArgumentHelp(
      "Only these labels, separated by commas; formats with numbers number them in this order. (default: all)",
      valueName: "label,…"),
    transform: OptionValue.labels)
  var classes: [[String]] = []

  @Option(
    help: ArgumentHelp(
      "With --format coco: take the ids of images and categories from this file of annotations in COCO's format. "
        + "(default: number them as coco-dataset does)", valueName: "file.json"),
    completion: .file(extensions: ["json"]))
  var annotations: String?

  @Option(
    help: ArgumentHelp(
      "With --format label-studio: what comes before a picture's name, percent-encoded then, to make its address, as "
        + "/data/local-files/?d=; or before its name as it is, as s3://bucket/. (default: nothing)",
      valueName: "prefix"))
  var imagePrefix: String?

  @Option(
    help: ArgumentHelp(
      "With --format megadetector: the path of a report to point to, from the results' directory. "
        + "(default: none)",
      valueName: "path"))
  var summaryReport: String?

  @Option(
    help: ArgumentHelp(
      "With --format camtrap-dp: a CSV of the deployments, with columns called as Camtrap DP calls them: deploymentID, "
        + "latitude, longitude, deploymentStart, deploymentEnd at least, and directory, where a deployment's files lie "
        + "as their records' sources have it. (default of directory: deploymentID)",
      valueName: "file.csv"),
    completion: .file(extensions: ["csv"]))
  var deployments: String?

  @Option(
    help: ArgumentHelp(
      "With --format camtrap-dp: a CSV that says when each file was recorded, in columns filePath and timestamp, or as "
        + "exiftool -csv -r -DateTimeOriginal -d %Y-%m-%dT%H:%M:%S+00:00 . writes it.",
      valueName: "file.csv"),
    completion: .file(extensions: ["csv"]))
  var timestamps: String?

  @OptionGroup(title: "Messages") var report: ReportOptions

  func validate() throws {
    if records.isEmpty { throw ValidationError("name records: a directory, files, or -") }
    for (option, isSet, only) in [
      ("--annotations", annotations != nil, ExportFormat.coco),
      ("--image-prefix", imagePrefix != nil, .labelStudio),
      ("--summary-report", summaryReport != nil, .megadetector),
      ("--deployments", deployments != nil, .camtrapDP),
      ("--timestamps", timestamps != nil, .camtrapDP),
    ] where isSet && format != only {
      throw ValidationError("\(option) goes with --format \(only.rawValue)")
    }
    if output == "-", format.isDirectory {
      throw ValidationError("--format \(format.rawValue) is a directory: name it with --output")
    }
  }

  func execute() throws -> ExitStatus {
    Log.configure(report)
    var request = ExportRequest(
      try RecordFiles(records.map(ArgumentBytes.path)), as: format)
    // A threshold as it is typed: 0.3 is not to be a float32's 0.30000001.
    request.scoreThreshold = scoreThreshold.flatMap { Double("\($0)") }
    request.classes = classes.isEmpty ? nil : classes.flatMap { $0 }
    request.isStopped = { SignalHandling.received != nil }
    if let annotations {
      request.ids = COCOIdentifiers(
        try COCOAnnotationsFile(contentsOf: ArgumentBytes.path(annotations)).annotations)
    }
    request.imagePrefix = imagePrefix ?? ""
    request.summaryReport = summaryReport
    if let deployments {
      request.camtrap = CamtrapContext(
        tables: try CamtrapTables(
          deployments: ArgumentBytes.path(deployments),
          timestamps: timestamps.map(ArgumentBytes.path)),
        title: records.map(ArgumentBytes.display).joined(separator: ", "),
        created: Date.now.formatted(.iso8601), version: ProgramVersion.number)
    }
    // What was begun in the output's place is taken away.
    SignalHandling.onFirst { true }
    let summary: ExportSummary
    do {
      summary = try ExportRun.run(
        request,
        to: output == "-"
          ? .standardOutput : .path(ArgumentBytes.path(output), replacing: overwrite))
    } catch ExportError.stopped {
      return ExitStatus(.stopped)
    } catch let failure as AtomicFile.Failure {
      throw failure.error(of: ArgumentBytes.path(output))
    }
    Log.logger.info(
      "\(RunText.counted(summary.inputs, "input")), \(RunText.counted(summary.frames, "frame")), \(RunText.counted(summary.detections, "detection"))\(summary.failures > 0 ? ", \(summary.failures) not looked at" : "")"
    )
    for label in summary.unknownClasses {
      Log.logger.warning("--classes \(label): no record has this class")
    }
    if summary.untold > 0 {
      Log.logger.warning(
        "\(RunText.counted(summary.untold, "record")) left out: \(format.rawValue) cannot say them")
    }
    return .done
  }
}

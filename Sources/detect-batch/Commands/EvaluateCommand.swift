import ArgumentParser
import DetectionPipeline
import Evaluation

/// Average precision of detections.
struct EvaluateCommand: ToolCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Measures detections against annotations, as COCO does.",
    discussion: """
      Prints pycocotools' twelve numbers, the same per class, and for each class the score threshold with the best \
      F1. Average precision needs detections down to low scores:

        detect-batch images/ --score-threshold 0.05 --output detections
        detect-batch evaluate annotations.json detections

      A record belongs to the image whose file_name is its source, else to the only image of the same base name.
      """)

  @Argument(help: "Annotations in COCO's format: images, categories, annotations with boxes.")
  var annotations: String

  @Argument(
    help: ArgumentHelp(
      "Records: a directory that detect-batch wrote, or .jsonl files; or one results file in COCO's "
        + "format (.json).", valueName: "detections"))
  var detections: [String]

  @Flag(help: "Print one JSON object instead of tables.")
  var json = false

  @Option(
    help: ArgumentHelp("Draw precision over recall into this file, as SVG.", valueName: "file"))
  var curves: String?

  func validate() throws {
    let results = detections.filter { $0.lowercased().hasSuffix(".json") }
    if !results.isEmpty && detections.count > 1 {
      throw ValidationError("a results file (\(results[0])) is evaluated alone")
    }
  }

  func execute() throws -> ExitStatus {
    let truth = try COCOAnnotationsFile(contentsOf: ArgumentBytes.path(annotations))
    let found: (detections: [COCODetection], remarks: [String])
    if detections[0].lowercased().hasSuffix(".json") {
      let file = try COCOResultsFile(
        contentsOf: ArgumentBytes.path(detections[0]), for: truth.annotations)
      found = (file.detections, file.remarks)
    } else {
      let files = try DetectionRecordFiles(
        contentsOf: detections.map(ArgumentBytes.path), for: truth.annotations)
      found = (files.detections, files.remarks)
    }
    for remark in truth.remarks + found.remarks { Log.logger.warning("\(remark)") }

    let evaluation = COCOEvaluation(annotations: truth.annotations, detections: found.detections)
    if let curves {
      let title = ArgumentBytes.display("\(detections[0]) against \(annotations)")
      try TextFile.write(
        PrecisionRecallChart.svg(of: evaluation, title: title), to: ArgumentBytes.path(curves))
    }
    return ProgramOutput.write(
      json
        ? evaluation.json.compact
        : (evaluation.summaryLines + [""] + evaluation.classLines).joined(separator: "\n"))
  }
}

extension COCOEvaluation {
  fileprivate var json: JSONText {
    .object([
      ("images", .int(imageCount)), ("detections", .int(detectionCount)),
      ("metrics", Self.metrics { self[$0] }),
      ("classes", .array(classes.map(\.json))),
    ])
  }

  fileprivate static func metrics(_ value: (COCOMetric) -> Double?) -> JSONText {
    .object(COCOMetric.allCases.map { ($0.name, value($0).map(JSONText.double) ?? .null) })
  }
}

extension ClassEvaluation {
  fileprivate var json: JSONText {
    .object([
      ("label", .string(category.name)), ("objects", .int(objectCount)),
      ("detections", .int(detectionCount)), ("metrics", COCOEvaluation.metrics { self[$0] }),
      (
        "suggestion",
        suggestion.map { suggestion in
          .object([
            ("threshold", .double(suggestion.threshold)),
            ("precision", .double(suggestion.precision)), ("recall", .double(suggestion.recall)),
            ("f1", .double(suggestion.f1)),
          ])
        } ?? .null
      ),
    ])
  }
}

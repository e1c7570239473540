import Evaluation
import JSONText

/// An evaluation as it is printed.
struct EvaluationReport {
  let evaluation: COCOEvaluation
  let remarks: [String]

  /// COCO's twelve lines, and a table of the classes.
  var text: String {
    (evaluation.summaryLines + [""] + evaluation.classLines).joined(separator: "\n")
  }

  /// The same numbers unrounded; null where there is nothing to count.
  var json: JSONValue {
    .object([
      ("images", .int(evaluation.imageCount)),
      ("objects", .int(evaluation.classes.reduce(0) { $0 + $1.objectCount })),
      ("detections", .int(evaluation.detectionCount)),
      ("metrics", .object(Self.metrics { evaluation[$0] })),
      ("classes", .array(evaluation.classes.map(Self.json))),
      ("remarks", .array(remarks.map(JSONValue.string))),
    ])
  }

  private static func json(_ entry: ClassEvaluation) -> JSONValue {
    let best = entry.suggestion
    return .object(
      [
        ("id", .int(entry.category.id)), ("name", .string(entry.category.name)),
        ("objects", .int(entry.objectCount)), ("detections", .int(entry.detectionCount)),
      ] + metrics { entry[$0] } + [
        ("threshold", number(best?.threshold)), ("precision", number(best?.precision)),
        ("recall", number(best?.recall)), ("F1", number(best?.f1)),
      ])
  }

  private static func metrics(_ value: (COCOMetric) -> Double?) -> [(String, JSONValue)] {
    COCOMetric.allCases.map { ($0.name, number(value($0))) }
  }

  private static func number(_ value: Double?) -> JSONValue { value.map(JSONValue.double) ?? .null }
}

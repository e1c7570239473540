import Foundation

extension COCOEvaluation {
  /// The twelve lines that pycocotools prints, character for character (-1.000 where nothing counts).
  public var summaryLines: [String] {
    COCOMetric.allCases.map { metric in
      let title = metric.isPrecision ? "Average Precision  (AP)" : "Average Recall     (AR)"
      let overlap =
        switch metric {
        case .ap50: "0.50     "
        case .ap75: "0.75     "
        default: "0.50:0.95"
        }
      let area = Self.right("\(metric.area)", 6)
      let limit = Self.right("\(metric.detectionLimit)", 3)
      let value = Self.decimal(self[metric] ?? -1, 3)
      return " \(title) @[ IoU=\(overlap) | area=\(area) | maxDets=\(limit) ] = \(value)"
    }
  }

  /// A head and one line per category: objects, detections, the main numbers, and the threshold with the best F1.
  public var classLines: [String] {
    let head = [
      "class", "objects", "detections", "AP", "AP50", "AP75", "AR100", "threshold", "precision",
      "recall", "F1",
    ]
    let rows = classes.map { entry -> [String] in
      let numbers = [COCOMetric.ap, .ap50, .ap75, .ar100].map {
        entry[$0].map { Self.decimal($0, 3) }
      }
      let best = entry.suggestion
      return [entry.category.name, "\(entry.objectCount)", "\(entry.detectionCount)"]
        + (numbers + [
          best.map { Self.decimal($0.threshold, 4) }, best.map { Self.decimal($0.precision, 3) },
          best.map { Self.decimal($0.recall, 3) }, best.map { Self.decimal($0.f1, 3) },
        ]).map { $0 ?? "-" }
    }
    let widths = head.indices.map { column in ([head] + rows).map { $0[column].count }.max() ?? 0 }
    return ([head] + rows).map { row in
      let cells = row.indices.map { column in
        column == 0
          ? row[0] + String(repeating: " ", count: widths[0] - row[0].count)
          : Self.right(row[column], widths[column])
      }
      return " " + cells.joined(separator: "  ")
    }
  }

  static func decimal(_ value: Double, _ digits: Int) -> String {
    String(format: "%.\(digits)f", value)
  }

  private static func right(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(0, width - text.count)) + text
  }
}

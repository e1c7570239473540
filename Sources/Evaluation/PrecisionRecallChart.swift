import Datasets
import Drawing

/// Draws precision over recall: of all categories at every overlap threshold, and of each category with the
/// place that its suggested threshold has on the curve.
public struct PrecisionRecallChart {
  private let evaluation: COCOEvaluation
  private let title: String
  private var drawing = SVGDrawing()

  private static let width = 1000.0
  private static let margin = 56.0
  private static let faint = "#8a8a8a"
  private static let grid = "#e4e4e4"
  private static let bestColor = "#d1495b"
  /// Overlap 0.50 to 0.95: purple over blue and teal to green.
  private static let overlapColors = [
    "#440154", "#482475", "#414487", "#355f8d", "#2a788e", "#21918c", "#22a884", "#44bf70",
    "#7ad151",
    "#a8d93a",
  ]

  /// The chart as an SVG document.
  ///
  /// - Parameters:
  ///   - evaluation: what is drawn; categories without objects have no curve and are named at the bottom.
  ///   - title: the line at the top.
  /// - Returns: the text of the file.
  public static func svg(of evaluation: COCOEvaluation, title: String) -> String {
    var chart = PrecisionRecallChart(evaluation: evaluation, title: title)
    return chart.draw()
  }

  private init(evaluation: COCOEvaluation, title: String) {
    self.evaluation = evaluation
    self.title = title
  }

  private mutating func draw() -> String {
    drawing.text(title, at: .init(x: Self.margin, y: 40), size: 22, isBold: true)
    drawing.text(summary, at: .init(x: Self.margin, y: 64), size: 14, color: Self.faint)
    var bottom = drawOverview(top: 92)
    let drawn = evaluation.classes.filter { $0.curve(.all) != nil }
    if !drawn.isEmpty { bottom = drawClasses(drawn, top: bottom) }
    let others = evaluation.classes.filter { $0.curve(.all) == nil }.map(\.category.name)
    if !others.isEmpty {
      bottom += 16
      drawing.text(
        "Without objects: \(listed(others, atMost: 12))", at: .init(x: Self.margin, y: bottom),
        size: 12,
        color: Self.faint)
    }
    return drawing.document(width: Self.width, height: bottom + 32)
  }

  private var summary: String {
    let numbers = [COCOMetric.ap, .ap50, .ap75, .ar100].map { metric in
      "\(metric.name) \(evaluation[metric].map { COCOEvaluation.decimal($0, 3) } ?? "-")"
    }
    let objects = evaluation.classes.reduce(0) { $0 + $1.objectCount }
    let counts = [
      "\(evaluation.imageCount) images", "\(objects) objects",
      "\(evaluation.detectionCount) detections",
    ]
    return (numbers + counts).joined(separator: " · ")
  }

  // MARK: All categories

  private mutating func drawOverview(top: Double) -> Double {
    let panel = Panel(left: Self.margin + 12, top: top + 12, width: 600, height: 400)
    drawFrame(panel, ticks: [0, 0.2, 0.4, 0.6, 0.8, 1], size: 12)
    drawing.text(
      "recall", at: .init(x: panel.left + panel.width / 2, y: panel.bottom + 38), size: 13,
      anchor: .middle)
    drawing.text(
      "precision", at: .init(x: panel.left - 40, y: panel.top + panel.height / 2), size: 13,
      anchor: .middle, isVertical: true)
    let legend = panel.left + panel.width + 40
    drawing.text(
      evaluation.classes.count == 1 ? "overlap (IoU)" : "overlap (IoU), mean of the classes",
      at: .init(x: legend, y: panel.top + 12), size: 13, isBold: true)
    drawing.text(
      "AP", at: .init(x: legend + 140, y: panel.top + 34), size: 12, color: Self.faint, anchor: .end
    )
    for (index, threshold) in COCOProtocol.overlapThresholds.enumerated() {
      guard let precision = evaluation.meanPrecision(overlap: index) else { continue }
      let color = Self.overlapColors[index]
      drawing.curve(panel.curve(precision), color: color, width: 2)
      let y = panel.top + 54 + 22 * Double(index)
      drawing.line(
        .init(x: legend, y: y - 4), .init(x: legend + 28, y: y - 4), color: color, width: 3)
      drawing.text(
        COCOEvaluation.decimal(threshold, 2), at: .init(x: legend + 38, y: y), size: 13)
      let mean = precision.reduce(0, +) / Double(precision.count)
      drawing.text(
        COCOEvaluation.decimal(mean, 3), at: .init(x: legend + 140, y: y), size: 13, anchor: .end)
    }
    return panel.bottom + 56
  }

  // MARK: Each category

  private mutating func drawClasses(_ classes: [ClassEvaluation], top: Double) -> Double {
    drawing.text("Classes", at: .init(x: Self.margin, y: top + 24), size: 16, isBold: true)
    drawClassKey(y: top + 24)
    let columns = classes.count <= 12 ? 4 : 6
    let pitch = (Self.width - 2 * Self.margin + 24) / Double(columns)
    let (width, height) = (pitch - 36, (pitch - 36) * 0.7)
    for (index, entry) in classes.enumerated() {
      let panel = Panel(
        left: Self.margin + 12 + pitch * Double(index % columns),
        top: top + 76 + (height + 66) * Double(index / columns), width: width, height: height)
      drawClass(entry, in: panel)
    }
    let rows = (classes.count + columns - 1) / columns
    return top + 28 + (height + 66) * Double(rows)
  }

  private mutating func drawClassKey(y: Double) {
    let keys = [("IoU 0.50", Self.overlapColors[2]), ("IoU 0.75", Self.overlapColors[5])]
    for (index, key) in keys.enumerated() {
      let x = Self.margin + 100 + 110 * Double(index)
      drawing.line(.init(x: x, y: y - 5), .init(x: x + 24, y: y - 5), color: key.1, width: 3)
      drawing.text(key.0, at: .init(x: x + 32, y: y), size: 13)
    }
    drawing.dot(.init(x: Self.margin + 332, y: y - 5), radius: 5, fill: Self.bestColor)
    drawing.text(
      "best F1 at IoU 0.50, and the score threshold that gives it",
      at: .init(x: Self.margin + 344, y: y), size: 13)
  }

  private mutating func drawClass(_ entry: ClassEvaluation, in panel: Panel) {
    guard let curve = entry.curve(.all) else { return }
    drawing.text(
      // Bounded: a part of the drawing's width.
      Self.shortened(entry.category.name, to: Int(panel.width / 8)),
      at: .init(x: panel.left, y: panel.top - 24), size: 13, isBold: true)
    let numbers = [COCOMetric.ap, .ap50].map {
      "\($0.name) \(entry[$0].map { COCOEvaluation.decimal($0, 3) } ?? "-")"
    }
    drawing.text(
      numbers.joined(separator: " · "), at: .init(x: panel.left, y: panel.top - 8), size: 11,
      color: Self.faint)
    drawFrame(panel, ticks: [0, 0.5, 1], size: 10)
    let loose = panel.curve(curve.precision[0])
    let floor = [
      SVGDrawing.Point(x: loose[loose.count - 1].x, y: panel.bottom),
      SVGDrawing.Point(x: panel.left, y: panel.bottom),
    ]
    drawing.shape(loose + floor, fill: Self.overlapColors[2], opacity: 0.12)
    drawing.curve(loose, color: Self.overlapColors[2], width: 1.8)
    drawing.curve(panel.curve(curve.precision[5]), color: Self.overlapColors[5], width: 1.8)
    if let best = entry.suggestion {
      let place = panel.place(recall: best.recall, precision: best.precision)
      drawing.dot(place, radius: 4, fill: Self.bestColor)
      // Beside the dot where there is room: the curve falls to the right.
      let isFarRight = best.recall > 0.65
      drawing.text(
        COCOEvaluation.decimal(best.threshold, 2),
        at: .init(x: place.x + (isFarRight ? -8 : 8), y: place.y + (isFarRight ? 14 : 0)), size: 11,
        color: Self.bestColor, anchor: isFarRight ? .end : .start, isBold: true, hasHalo: true)
    }
  }

  private mutating func drawFrame(_ panel: Panel, ticks: [Double], size: Double) {
    for tick in ticks {
      let (across, up) = (
        panel.place(recall: tick, precision: 0), panel.place(recall: 0, precision: tick)
      )
      drawing.line(
        .init(x: panel.left, y: up.y), .init(x: panel.left + panel.width, y: up.y), color: Self.grid
      )
      drawing.line(
        .init(x: across.x, y: panel.top), .init(x: across.x, y: panel.bottom), color: Self.grid)
      // Bounded: ticks lie in 0...1.
      let label = tick == tick.rounded() ? "\(Int(tick))" : "\(tick)"
      drawing.text(
        label, at: .init(x: panel.left - 5, y: up.y + size * 0.35), size: size, color: Self.faint,
        anchor: .end)
      drawing.text(
        label, at: .init(x: across.x, y: panel.bottom + size + 4), size: size, color: Self.faint,
        anchor: .middle)
    }
  }

  private static func shortened(_ name: String, to limit: Int) -> String {
    name.count <= limit ? name : name.prefix(limit - 1) + "…"
  }
}

/// A square of recall and precision somewhere in the picture.
private struct Panel {
  var left: Double
  var top: Double
  var width: Double
  var height: Double

  var bottom: Double { top + height }

  func place(recall: Double, precision: Double) -> SVGDrawing.Point {
    .init(x: left + recall * width, y: bottom - precision * height)
  }

  /// Precision at the 101 recalls, down to the axis at the recall that is not reached.
  func curve(_ precision: [Double]) -> [SVGDrawing.Point] {
    let end = precision.firstIndex(of: 0).map { $0 + 1 } ?? precision.count
    return (0..<end).map {
      place(recall: COCOProtocol.recallThresholds[$0], precision: precision[$0])
    }
  }
}

import Evaluation
import Foundation

/// Draws losses and precision over the iterations of a training, from its `metrics.jsonl`.
struct TrainingCurves {
  private struct Line: Decodable {
    var iteration: Int
    var epoch: Double?
    var loss: Double?
    var classLoss: Double?
    var boxLoss: Double?
    var learningRate: Double?
    var ap: Double?
    var ap50: Double?
    var ap75: Double?

    enum CodingKeys: String, CodingKey {
      case iteration, epoch, loss, classLoss, boxLoss, learningRate
      case ap = "AP"
      case ap50 = "AP50"
      case ap75 = "AP75"
    }
  }

  private struct Series {
    var name: String
    var color: String
    var points: [(x: Double, y: Double)]
    var width = 2.0
    var hasDots = false
  }

  /// A plot somewhere in the picture.
  private struct Panel {
    var top: Double
    var greatestX: Double
    var greatestY: Double

    static let left = 76.0
    static let width = 780.0
    static let height = 260.0
    var bottom: Double { top + Self.height }

    func place(_ x: Double, _ y: Double) -> SVGDrawing.Point {
      .init(
        x: Self.left + Self.width * x / greatestX,
        y: bottom - Self.height * min(1, y / greatestY))
    }
  }

  private static let faint = "#8a8a8a"
  private static let grid = "#e4e4e4"
  private let lines: [Line]

  /// - Parameter metrics: the file's text; lines that are not its own are left out.
  init(metrics: String) {
    let decoder = JSONDecoder()
    lines = metrics.split(separator: "\n").compactMap { line in
      // A torn line is no reason to draw nothing.
      try? decoder.decode(Line.self, from: Data(line.utf8))
    }
  }

  /// The file's text.
  func svg() -> String {
    var drawing = SVGDrawing()
    let last = lines.last?.iteration ?? 0
    let greatestX = Double(max(1, last))
    let evaluations = lines.filter { $0.ap != nil }
    drawing.text("Training", at: .init(x: 56, y: 40), size: 22, isBold: true)
    drawing.text(summary(evaluations), at: .init(x: 56, y: 64), size: 14, color: Self.faint)

    let losses = lossSeries()
    // The first iterations' losses would flatten all others: what nine of ten are below is shown whole.
    let heights = losses.flatMap { $0.points.map(\.y) }.sorted()
    let greatestLoss = heights.isEmpty ? 1 : max(heights[heights.count * 9 / 10] * 1.25, 1e-6)
    let first = Panel(top: 108, greatestX: greatestX, greatestY: greatestLoss)
    draw(losses, in: first, title: "loss (running mean)", &drawing)
    guard !evaluations.isEmpty else {
      return drawing.document(width: 900, height: first.bottom + 64)
    }
    func points(_ value: (Line) -> Double?) -> [(x: Double, y: Double)] {
      evaluations.compactMap { line in value(line).map { (Double(line.iteration), $0) } }
    }
    let second = Panel(top: first.bottom + 88, greatestX: greatestX, greatestY: 1)
    draw(
      [
        Series(name: "AP50", color: "#2a788e", points: points(\.ap50), hasDots: true),
        Series(name: "AP75", color: "#44bf70", points: points(\.ap75), hasDots: true),
        Series(name: "AP", color: "#440154", points: points(\.ap), width: 3, hasDots: true),
      ], in: second, title: "average precision on the validation pictures", &drawing)
    return drawing.document(width: 900, height: second.bottom + 64)
  }

  private func summary(_ evaluations: [Line]) -> String {
    var parts: [String] = []
    if let step = lines.last(where: { $0.loss != nil }) {
      parts.append("iteration \(step.iteration)")
      if let epoch = step.epoch { parts.append("epoch \(short(epoch))") }
      if let rate = step.learningRate { parts.append("learning rate \(short(rate))") }
    }
    if let best = evaluations.max(by: { ($0.ap ?? 0) < ($1.ap ?? 0) }) {
      parts.append(
        "best AP \(short(best.ap ?? 0)), AP50 \(short(best.ap50 ?? 0)) at iteration \(best.iteration)"
      )
    }
    return parts.joined(separator: " · ")
  }

  /// Means over a fiftieth of the training.
  private func lossSeries() -> [Series] {
    let steps = lines.filter { $0.loss != nil }
    let window = max(1, steps.count / 50)
    func means(_ value: (Line) -> Double?) -> [(x: Double, y: Double)] {
      var result: [(x: Double, y: Double)] = []
      var sum = 0.0
      for (index, step) in steps.enumerated() {
        sum += value(step) ?? 0
        if index >= window { sum -= value(steps[index - window]) ?? 0 }
        // At most some hundred points a curve.
        if index % max(1, steps.count / 400) == 0 || index == steps.count - 1 {
          result.append((Double(step.iteration), sum / Double(min(index + 1, window))))
        }
      }
      return result
    }
    return [
      Series(name: "class", color: "#d1495b", points: means(\.classLoss)),
      Series(name: "box", color: "#2a788e", points: means(\.boxLoss)),
      Series(name: "sum", color: "#333333", points: means(\.loss), width: 2.5),
    ]
  }

  private func draw(
    _ series: [Series], in panel: Panel, title: String, _ drawing: inout SVGDrawing
  ) {
    drawing.text(title, at: .init(x: Panel.left, y: panel.top - 14), size: 15, isBold: true)
    for tick in ticks(panel.greatestY) {
      let place = panel.place(0, tick)
      drawing.line(
        place, .init(x: Panel.left + Panel.width, y: place.y), color: Self.grid)
      drawing.text(
        short(tick), at: .init(x: place.x - 8, y: place.y + 4), size: 12, color: Self.faint,
        anchor: .end)
    }
    for tick in ticks(panel.greatestX) {
      let place = panel.place(tick, 0)
      drawing.line(place, .init(x: place.x, y: panel.top), color: Self.grid)
      drawing.text(
        // Bounded: below what a forged line can say.
        "\(Int(min(tick, 1e15)))", at: .init(x: place.x, y: place.y + 18), size: 12,
        color: Self.faint,
        anchor: .middle)
    }
    drawing.text(
      "iteration", at: .init(x: Panel.left + Panel.width / 2, y: panel.bottom + 38), size: 13,
      anchor: .middle)
    for (index, one) in series.enumerated() {
      // The first iterations, far above, would be a line along the edge.
      let shown = one.points.drop { $0.y > panel.greatestY }
      let points = shown.map { panel.place($0.x, $0.y) }
      if points.count > 1 { drawing.curve(points, color: one.color, width: one.width) }
      if one.hasDots && points.count <= 60 {
        for point in points { drawing.dot(point, radius: 3.5, fill: one.color) }
      }
      let x = Panel.left + Panel.width - 90 * Double(series.count - index)
      drawing.line(
        .init(x: x, y: panel.top - 18), .init(x: x + 24, y: panel.top - 18), color: one.color,
        width: 3)
      drawing.text(one.name, at: .init(x: x + 30, y: panel.top - 14), size: 13)
    }
  }

  /// Round numbers from 0, four to eight of them.
  private func ticks(_ greatest: Double) -> [Double] {
    var step = 1.0
    while step * 8 < greatest { step *= 10 }
    while step > greatest { step /= 10 }
    for factor in [0.1, 0.2, 0.25, 0.5, 1, 2, 5] where greatest / (step * factor) <= 8 {
      // Bounded: at most 8.
      let count = Int(greatest / (step * factor) + 1e-9)
      return (0...count).map { Double($0) * step * factor }
    }
    return [0, greatest]
  }

  /// Three significant digits.
  private func short(_ value: Double) -> String {
    guard value != 0 else { return "0" }
    var scale = 1.0
    while abs(value) * scale < 100 { scale *= 10 }
    let rounded = (value * scale).rounded() / scale
    // Bounded: by the comparison.
    return rounded == rounded.rounded() && abs(rounded) < 1e15 ? "\(Int(rounded))" : "\(rounded)"
  }
}

import Drawing
import Foundation
import JSONText

/// Draws losses and precision over the iterations of a training, from the lines of its `metrics.jsonl` as they come.
/// Of the steps a bounded number of means is kept.
struct TrainingCurves {
  private struct Line {
    var iteration = 0
    var epoch: Double?
    var loss: Double?
    var classLoss: Double?
    var boxLoss: Double?
    var learningRate: Double?
    var ap: Double?
    var ap50: Double?
    var ap75: Double?

    /// Reads a line of the file; other keys are passed over, and null is a number that there is not.
    init(_ bytes: UnsafeRawBufferPointer) throws(JSONError) {
      var scanner = JSONScanner(bytes)
      var iteration: Int?
      try scanner.beginObject()
      while let key = try scanner.nextKey() {
        switch key {
        case "iteration": iteration = try scanner.readWholeNumber()
        case "epoch": epoch = try Self.number(&scanner)
        case "loss": loss = try Self.number(&scanner)
        case "classLoss": classLoss = try Self.number(&scanner)
        case "boxLoss": boxLoss = try Self.number(&scanner)
        case "learningRate": learningRate = try Self.number(&scanner)
        case "AP": ap = try Self.number(&scanner)
        case "AP50": ap50 = try Self.number(&scanner)
        case "AP75": ap75 = try Self.number(&scanner)
        default: try scanner.skipValue()
        }
      }
      try scanner.readEnd()
      guard let iteration else { throw scanner.error("there is no \"iteration\"") }
      self.iteration = iteration
    }

    private static func number(_ scanner: inout JSONScanner) throws(JSONError) -> Double? {
      try scanner.takeNull() ? nil : scanner.readNumber().double
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

  /// Steps one after another, together.
  struct Span {
    var iteration: Int
    var count = 0
    var classLoss = 0.0
    var boxLoss = 0.0
    var loss = 0.0

    /// Takes in what comes after it; or, with a sign of -1, takes it out again.
    mutating func add(_ other: Span, sign: Double = 1) {
      iteration = max(iteration, other.iteration)
      // Bounded: 1 or -1.
      count += Int(sign) * other.count
      classLoss += sign * other.classLoss
      boxLoss += sign * other.boxLoss
      loss += sign * other.loss
    }
  }

  /// Twice as many as there are columns to draw them in.
  private static let maxSpanCount = 2048

  private(set) var spans: [Span] = []
  /// Steps of each span but the last.
  private var spanLength = 1
  private var evaluations: [Line] = []
  private var lastStep: Line?
  private var lastIteration = 0

  /// Of nothing.
  init() {}

  /// - Parameter metrics: the file's text.
  init(metrics: String) {
    for line in metrics.split(separator: "\n") {
      Array(line.utf8).withUnsafeBytes { add($0) }
    }
  }

  /// Takes a line in; one that is not the file's own is left out.
  mutating func add(_ text: UnsafeRawBufferPointer) {
    // A torn line is no reason to draw nothing.
    guard let line = try? Line(text) else { return }
    lastIteration = line.iteration
    if line.ap != nil { evaluations.append(line) }
    guard let loss = line.loss else { return }
    lastStep = line
    let step = Span(
      iteration: line.iteration, count: 1, classLoss: line.classLoss ?? 0,
      boxLoss: line.boxLoss ?? 0, loss: loss)
    if let last = spans.indices.last, spans[last].count < spanLength {
      spans[last].add(step)
    } else {
      if spans.count == Self.maxSpanCount { joinPairs() }
      spans.append(step)
    }
  }

  private mutating func joinPairs() {
    spans = stride(from: 0, to: spans.count, by: 2).map { index in
      var pair = spans[index]
      pair.add(spans[index + 1])
      return pair
    }
    spanLength *= 2
  }

  /// The file's text.
  func svg() -> String {
    var drawing = SVGDrawing()
    let greatestX = Double(max(1, lastIteration))
    drawing.text("Training", at: .init(x: 56, y: 40), size: 22, isBold: true)
    drawing.text(summary, at: .init(x: 56, y: 64), size: 14, color: Self.faint)

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

  private var summary: String {
    var parts: [String] = []
    if let step = lastStep {
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
    let window = max(1, spans.count / 50)
    func means(_ value: (Span) -> Double) -> [(x: Double, y: Double)] {
      var result: [(x: Double, y: Double)] = []
      var sum = Span(iteration: 0)
      for (index, span) in spans.enumerated() {
        sum.add(span)
        if index >= window { sum.add(spans[index - window], sign: -1) }
        // At most some hundred points a curve.
        if index % max(1, spans.count / 400) == 0 || index == spans.count - 1 {
          result.append((Double(span.iteration), value(sum) / Double(sum.count)))
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

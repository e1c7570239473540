/// Something that was found, as it is shown.
public struct Annotation: Equatable, Sendable {
  /// Where, in pixels of the picture.
  public var box: AnnotatedBox
  /// What: its class.
  public var label: String
  /// How sure, 0 to 1.
  public var score: Double

  /// Names its parts.
  public init(box: AnnotatedBox, label: String, score: Double) {
    self.box = box
    self.label = label
    self.score = score
  }
}

/// Draws annotations: boxes with labels in the colours of their classes.
///
/// Lines and letters grow with the picture (the root of its area: letters are a sixtieth of it, 24 pixels at 1080p, and
/// at least 10), so that they are legible on a thumbnail and fine on a large print. Lines lie outside their boxes, with a
/// dark one on both sides that shows them on light ground. The best found lies on top, and labels keep out of each
/// other's way as far as there is room. One thread at a time.
public final class Annotator {
  private let renderer = LabelRenderer()
  /// Made for canvases of these components.
  private var stamps: [StampKey: Stamp] = [:]
  private var components = ComponentMatrix.redGreenBlue

  private struct StampKey: Hashable {
    var text: String
    var label: String
    var pixels: Int
    var widest: Int
  }

  /// More texts than a video usually shows; then all are forgotten.
  private static let mostStamps = 1000

  /// Finds the machine's fonts, which takes some milliseconds.
  public init() {}

  /// Whether labels can be written: this machine has a font.
  public var canWrite: Bool { renderer.hasFonts }

  /// Draws boxes and labels.
  ///
  /// - Returns: Where the labels lie, those of the best first.
  @discardableResult
  public func draw(_ annotations: [Annotation], on canvas: Canvas) -> [PixelRectangle] {
    // The best is laid last, and its label gets the first choice of a place.
    let ordered = annotations.sorted { $0.score < $1.score }
    let scale = Scale(canvas)
    for annotation in ordered {
      outline(
        PixelRectangle(covering: annotation.box), ClassPalette.colour(of: annotation.label), scale,
        canvas)
    }
    var labels: [(stamp: Stamp, place: PixelRectangle)] = []
    var taken: [PixelRectangle] = []
    for annotation in ordered.reversed() {
      let box = PixelRectangle(covering: annotation.box).intersection(canvas.bounds)
      if box.isEmpty { continue }
      let stamp = stamp(Self.text(annotation), annotation.label, scale, canvas)
      let place = Self.place(stamp, for: box, scale.line + 2 * scale.halo, canvas, taken)
      labels.append((stamp, place))
      taken.append(place)
    }
    for (stamp, place) in labels.reversed() { canvas.lay(stamp, left: place.left, top: place.top) }
    return taken
  }

  /// Writes a line of text on a ground of its own.
  ///
  /// - Parameters:
  ///   - text: What to write.
  ///   - ground: The colour beneath.
  ///   - pixels: Height of the letters' em square.
  ///   - left: The first column; of 4:2:0 an even one.
  ///   - top: The first row, as `left`.
  ///   - widest: Most columns.
  ///   - canvas: On what.
  public func write(
    _ text: String, on ground: Colour, pixels: Int, left: Int, top: Int, widest: Int,
    _ canvas: Canvas
  ) {
    let bitmap = renderer.render(text, pixels: Double(pixels), on: ground, widest: widest)
    canvas.lay(Stamp(bitmap, for: canvas), left: left, top: top)
  }

  /// How large things are on a canvas, in pixels.
  private struct Scale {
    let line: Int
    let halo: Int
    let letters: Int

    init(_ canvas: Canvas) {
      let side = (Double(canvas.width) * Double(canvas.height)).squareRoot()
      letters = max(10, Int((side / 60).rounded()))
      line = max(1, Int((side / 480).rounded()))
      halo = max(1, line / 3)
    }
  }

  /// Draws a frame around a box; what would lie outside the picture is moved inside.
  private func outline(
    _ box: PixelRectangle, _ colour: Colour, _ scale: Scale, _ canvas: Canvas
  ) {
    let room = canvas.bounds
    let outer = box.expanded(by: scale.line + 2 * scale.halo).intersection(room)
    if outer.isEmpty { return }
    let thickness = scale.line + 2 * scale.halo
    frame(outer, thickness, .black, canvas)
    frame(outer.expanded(by: -scale.halo), scale.line, colour, canvas)
  }

  /// Fills what lies within `thickness` of a rectangle's edges.
  private func frame(
    _ outer: PixelRectangle, _ thickness: Int, _ colour: Colour, _ canvas: Canvas
  ) {
    var (top, bottom) = (outer, outer)
    top.bottom = min(outer.bottom, outer.top + thickness)
    bottom.top = max(top.bottom, outer.bottom - thickness)
    var (left, right) = (outer, outer)
    (left.top, left.bottom) = (top.bottom, bottom.top)
    (right.top, right.bottom) = (top.bottom, bottom.top)
    left.right = min(outer.right, outer.left + thickness)
    right.left = max(left.right, outer.right - thickness)
    for side in [top, bottom, left, right] { canvas.fill(side, colour) }
  }

  /// The class and the score with two decimals; a score that is no number is not written.
  static func text(_ annotation: Annotation) -> String {
    guard annotation.score.isFinite else { return annotation.label }
    let hundredths = Int((min(max(annotation.score, 0), 1) * 100).rounded())
    let digits = hundredths < 10 ? "0.0\(hundredths)" : "0.\(hundredths)"
    return "\(annotation.label) \(hundredths == 100 ? "1.00" : digits)"
  }

  private func stamp(_ text: String, _ label: String, _ scale: Scale, _ canvas: Canvas) -> Stamp {
    // No label may hide more than half of a row, if that can hold any text.
    let widest = min(canvas.width, max(canvas.width / 2, 8 * scale.letters))
    let key = StampKey(text: text, label: label, pixels: scale.letters, widest: widest)
    if stamps.count >= Self.mostStamps || components != canvas.components { stamps = [:] }
    components = canvas.components
    if let stamp = stamps[key] { return stamp }
    let bitmap = renderer.render(
      text, pixels: Double(scale.letters), on: ClassPalette.colour(of: label), widest: widest)
    let stamp = Stamp(bitmap, for: canvas)
    stamps[key] = stamp
    return stamp
  }

  /// Where a label lies: above its box, else below, else inside, the first of them that is free; else above or, where
  /// there is no room, inside, on top of others.
  private static func place(
    _ stamp: Stamp, for box: PixelRectangle, _ edge: Int, _ canvas: Canvas,
    _ taken: [PixelRectangle]
  ) -> PixelRectangle {
    let (width, height) = (stamp.width, stamp.height)
    let outer = box.expanded(by: edge).intersection(canvas.bounds)
    let rows = [
      outer.top - height, outer.bottom, outer.top + edge, outer.bottom - edge - height,
    ].filter { $0 >= 0 && $0 + height <= canvas.height }
    let columns = [outer.left, outer.right - width]
    var fallback: PixelRectangle?
    for left in columns {
      for top in rows {
        let place = aligned(left: left, top: top, width, height, canvas)
        if fallback == nil { fallback = place }
        if !taken.contains(where: { !$0.intersection(place).isEmpty }) { return place }
      }
    }
    return fallback ?? aligned(left: outer.left, top: 0, width, height, canvas)
  }

  /// Moved into the picture, onto a pixel where the coarsest plane has a sample.
  private static func aligned(
    left: Int, top: Int, _ width: Int, _ height: Int, _ canvas: Canvas
  ) -> PixelRectangle {
    let grain = canvas.granularity
    let x = max(0, min(left, canvas.width - width)) / grain * grain
    let y = max(0, min(top, canvas.height - height)) / grain * grain
    return PixelRectangle(left: x, top: y, right: x + width, bottom: y + height)
  }
}

import Foundation

/// A picture in SVG, put together piece by piece. Lengths are pixels, y grows downwards.
package struct SVGDrawing {
  /// A place in the picture.
  package struct Point {
    /// From the left.
    package var x: Double
    /// From the top.
    package var y: Double

    /// Creates a place.
    package init(x: Double, y: Double) {
      self.x = x
      self.y = y
    }
  }

  /// Which end of a text stands at its place.
  package enum Anchor: String {
    case start, middle, end
  }

  private var body = ""

  /// An empty picture.
  package init() {}

  /// A straight line.
  package mutating func line(_ from: Point, _ to: Point, color: String, width: Double = 1) {
    body += "<line x1=\"\(Self.length(from.x))\" y1=\"\(Self.length(from.y))\""
    body += " x2=\"\(Self.length(to.x))\" y2=\"\(Self.length(to.y))\""
    body += " stroke=\"\(color)\" stroke-width=\"\(Self.length(width))\"/>\n"
  }

  /// A line through points.
  package mutating func curve(_ points: [Point], color: String, width: Double) {
    body += "<polyline points=\"\(Self.list(points))\" fill=\"none\" stroke=\"\(color)\""
    body += " stroke-width=\"\(Self.length(width))\" stroke-linejoin=\"round\"/>\n"
  }

  /// A filled shape.
  package mutating func shape(_ points: [Point], fill: String, opacity: Double) {
    body += "<polygon points=\"\(Self.list(points))\" fill=\"\(fill)\""
    body += " fill-opacity=\"\(opacity)\"/>\n"
  }

  /// The outline of a rectangle.
  package mutating func frame(
    _ corner: Point, width: Double, height: Double, color: String, lineWidth: Double
  ) {
    body += "<rect x=\"\(Self.length(corner.x))\" y=\"\(Self.length(corner.y))\""
    body += " width=\"\(Self.length(width))\" height=\"\(Self.length(height))\""
    body += " fill=\"none\" stroke=\"\(color)\" stroke-width=\"\(Self.length(lineWidth))\"/>\n"
  }

  /// A picture in the picture; `address` is what an `href` holds.
  package mutating func image(_ corner: Point, width: Double, height: Double, address: String) {
    body += "<image x=\"\(Self.length(corner.x))\" y=\"\(Self.length(corner.y))\""
    body += " width=\"\(Self.length(width))\" height=\"\(Self.length(height))\""
    body += " href=\"\(address)\"/>\n"
  }

  /// A filled circle with a white edge.
  package mutating func dot(_ center: Point, radius: Double, fill: String) {
    body += "<circle cx=\"\(Self.length(center.x))\" cy=\"\(Self.length(center.y))\""
    body += " r=\"\(Self.length(radius))\" fill=\"\(fill)\" stroke=\"white\"/>\n"
  }

  /// A line of text; its baseline goes through the place. A halo keeps it legible across lines.
  package mutating func text(
    _ text: String, at place: Point, size: Double, color: String = "#333333",
    anchor: Anchor = .start,
    isBold: Bool = false, isVertical: Bool = false, hasHalo: Bool = false
  ) {
    let (x, y) = (Self.length(place.x), Self.length(place.y))
    body += "<text x=\"\(x)\" y=\"\(y)\" font-size=\"\(Self.length(size))\" fill=\"\(color)\""
    body += anchor == .start ? "" : " text-anchor=\"\(anchor.rawValue)\""
    body += isBold ? " font-weight=\"bold\"" : ""
    body += hasHalo ? " stroke=\"white\" stroke-width=\"3\" paint-order=\"stroke\"" : ""
    body += isVertical ? " transform=\"rotate(-90 \(x) \(y))\"" : ""
    body += ">\(MarkupText.escaped(text))</text>\n"
  }

  /// The file's text, on white.
  package func document(width: Double, height: Double) -> String {
    let (width, height) = (Self.length(width), Self.length(height))
    return """
      <svg xmlns="http://www.w3.org/2000/svg" width="\(width)" height="\(height)" \
      viewBox="0 0 \(width) \(height)" font-family="Helvetica, Arial, 'DejaVu Sans', sans-serif">
      <rect width="100%" height="100%" fill="white"/>
      \(body)</svg>

      """
  }

  private static func list(_ points: [Point]) -> String {
    points.map { "\(length($0.x)),\(length($0.y))" }.joined(separator: " ")
  }

  /// At most two decimals.
  private static func length(_ value: Double) -> String {
    let rounded = (value * 100).rounded() / 100
    // Bounded: what lies further out than any drawing goes is written as it is.
    return rounded == rounded.rounded() && abs(rounded) < 1e9 ? "\(Int(rounded))" : "\(rounded)"
  }
}

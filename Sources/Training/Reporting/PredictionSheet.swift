import BoxGeometry
import Drawing
import Foundation
import Media
import RetinaNetModel

/// A page of validation pictures with what a model finds in them: what is right in green, what nobody marked in red,
/// and what it did not find in orange.
struct PredictionSheet {
  /// The pictures and their truth.
  let dataset: TrainingDataset
  /// By picture; nil of one that cannot be decoded.
  let detections: [[Detection]?]
  /// Decodes a picture.
  let load: LoadedPicture.Loader

  private static let pictureCount = 12
  private static let columns = 3
  private static let cell = 380.0
  private static let gap = 20.0
  /// Weaker detections are left out: with many they hide the picture.
  private static let leastScore: Float = 0.3
  private static let right = "#1a9850"
  private static let wrong = "#d73027"
  private static let missed = "#fdae61"

  /// The file's text.
  func svg() -> String {
    var drawing = SVGDrawing()
    let gap = Self.gap
    drawing.text("What the model finds", at: .init(x: gap, y: 34), size: 20, isBold: true)
    var x = gap
    for (text, color) in [
      ("found (IoU 0.5)", Self.right), ("found, but not marked", Self.wrong),
      ("marked, but not found", Self.missed),
    ] {
      drawing.frame(.init(x: x, y: 46), width: 14, height: 14, color: color, lineWidth: 3)
      drawing.text(text, at: .init(x: x + 22, y: 58), size: 13)
      x += 190
    }
    drawing.text(
      "scores from \(Self.leastScore)", at: .init(x: x, y: 58), size: 13, color: "#8a8a8a")
    var top = 76.0
    var height = 0.0
    for (ordinal, index) in chosen.enumerated() {
      let column = ordinal % Self.columns
      if column == 0 {
        top += height
        height = 0
      }
      let corner = SVGDrawing.Point(x: gap + Double(column) * (Self.cell + gap), y: top)
      height = max(height, draw(index, at: corner, &drawing) + gap)
    }
    return drawing.document(
      width: gap + Double(Self.columns) * (Self.cell + gap), height: top + height)
  }

  /// Evenly spread over the dataset.
  private var chosen: [Int] {
    let count = min(Self.pictureCount, dataset.images.count)
    return (0..<count).map { $0 * dataset.images.count / count }
  }

  /// Draws one picture, and gives its height.
  private func draw(
    _ index: Int, at corner: SVGDrawing.Point, _ drawing: inout SVGDrawing
  ) -> Double {
    let image = dataset.images[index]
    // Whoever evaluated has said why it cannot be decoded.
    guard let found = detections[index], let picture = try? load(image.path).picture else {
      return 0
    }
    // Bounded: a constant.
    let small = picture.shrunk(toWidth: Int(Self.cell))
    let scale = Self.cell / Double(picture.width)
    let height = Double(picture.height) * scale
    drawing.image(
      corner, width: Self.cell, height: height,
      address: "data:image/png;base64,"
        + Data(
          PNGFile.bytes(rgb: small.pixels, width: small.width, height: small.height)
        ).base64EncodedString())

    var open = image.objects
    var labels: [(Box, String, String)] = []
    for detection in found where detection.score >= Self.leastScore {
      // Greedy, by falling score: as an evaluation pairs them.
      let match = open.indices.filter { open[$0].classIndex == detection.classIndex }
        .max {
          open[$0].box.intersectionOverUnion(detection.box)
            < open[$1].box.intersectionOverUnion(detection.box)
        }
        .flatMap { open[$0].box.intersectionOverUnion(detection.box) >= 0.5 ? $0 : nil }
      if let match { open.remove(at: match) }
      // Bounded: scores lie in 0...1.
      let percent = Int((detection.score * 100).rounded())
      labels.append(
        (
          detection.box, match == nil ? Self.wrong : Self.right,
          "\(dataset.classes[detection.classIndex]) \(percent)"
        ))
    }
    labels += open.map { ($0.box, Self.missed, dataset.classes[$0.classIndex]) }
    // The strongest last, on top.
    for (box, color, label) in labels.reversed() {
      let place = SVGDrawing.Point(
        x: corner.x + Double(box.minX) * scale, y: corner.y + Double(box.minY) * scale)
      drawing.frame(
        place, width: Double(box.width) * scale, height: Double(box.height) * scale, color: color,
        lineWidth: 2)
      // In bold capitals a letter is about 0.7 of the size wide: no label reaches into the next picture.
      let edge = corner.x + Self.cell - 3
      let isAtEdge = place.x + 3 + Double(label.count) * 7.7 > edge
      drawing.text(
        label, at: .init(x: isAtEdge ? edge : place.x + 3, y: place.y + 12), size: 11,
        color: color, anchor: isAtEdge ? .end : .start, isBold: true, hasHalo: true)
    }
    return height
  }
}

extension RGBPicture {
  /// At most this many columns; each pixel the mean of those it stands for.
  func shrunk(toWidth target: Int) -> RGBPicture {
    guard width > target else { return self }
    let rows = max(1, height * target / width)
    let pixels = pixels
    var result = [UInt8](repeating: 0, count: target * rows * 3)
    for y in 0..<rows {
      let (top, bottom) = (y * height / rows, max(y * height / rows + 1, (y + 1) * height / rows))
      for x in 0..<target {
        let (left, right) = (x * width / target, (x + 1) * width / target)
        for channel in 0..<3 {
          var sum = 0
          for row in top..<bottom {
            for column in left..<right { sum += Int(pixels[(row * width + column) * 3 + channel]) }
          }
          result[(y * target + x) * 3 + channel] = UInt8(sum / ((bottom - top) * (right - left)))
        }
      }
    }
    return RGBPicture(width: target, height: rows, pixels: result)
  }
}

import ArgumentParser
import NeuralNetwork
import RetinaNetModel

/// Times post-processing on made-up head outputs in which every level has more candidates than it may keep.
struct PostprocessCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "postprocess", abstract: "Times post-processing on one thread.")

  @Option(help: "The network's input, multiples of 32.")
  var size = Size(width: 1216, height: 800)

  @Option var classes = 91
  @Option(help: "Logits above the threshold, of each level, about.")
  var candidates = 3000
  @Option var rounds = 15

  func run() throws {
    let description = ModelDescription(
      architecture: .init(backbone: .resnet50), classes: (0..<classes).map { "\($0)" },
      preprocessing: .init(), anchors: .init(), postprocessing: .init())
    let geometry = InputGeometry(
      originalHeight: size.height, originalWidth: size.width, resizedHeight: size.height,
      resizedWidth: size.width)
    let depths = [9 * classes, 9 * 4]
    let levels = try depths.flatMap { depth in
      try HeadLevels(
        [Float](repeating: 0, count: cells(geometry) * depth), geometry, depth: depth
      ).images
    }
    for (index, level) in levels.enumerated() { fill(level, isLogits: index < 5, index) }
    defer { withExtendedLifetime(levels) {} }
    let decoder = try OutputDecoder(description, DetectionOptions())
    let outputs = HeadOutputs(levels.map(\.view))
    let clock = ContinuousClock()
    var times: [Double] = []
    var found = 0
    for _ in 0..<rounds + 1 {
      let start = clock.now
      found = try decoder.detections(outputs, geometry).count
      times.append((clock.now - start).seconds * 1000)
    }
    times.removeFirst()
    try Report.json([
      "medianMilliseconds": Report.number(times.median, 2),
      "leastMilliseconds": Report.number(times.min() ?? 0, 2), "detections": "\(found)",
    ])
  }

  private func cells(_ geometry: InputGeometry) -> Int {
    var size = (geometry.paddedHeight / 8, geometry.paddedWidth / 8)
    return (0..<5).reduce(0) { sum, _ in
      defer { size = ((size.0 + 1) / 2, (size.1 + 1) / 2) }
      return sum + size.0 * size.1
    }
  }

  /// Logits of a trained network: nearly all far below the threshold's, a few spread above it. Boxes near their
  /// anchors.
  private func fill(_ level: HeadLevels.Image, isLogits: Bool, _ index: Int) {
    let base = level.buffer.address.assumingMemoryBound(to: Float.self)
    let view = level.view
    let count = view.height * view.width * view.channels
    let numbers = Formula.uniform("level \(index)", count: count)
    let share = Float(candidates) / Float(count)
    for (place, number) in numbers.enumerated() {
      let (channel, pixel) = place.quotientAndRemainder(dividingBy: view.height * view.width)
      let value: Float
      if isLogits {
        let unit = (number + 1) / 2
        value = unit < share ? 4 - 7 * unit / share : -6 - 2 * unit
      } else {
        value = 0.3 * number
      }
      base[channel / 16 * view.height * view.width * 16 + pixel * 16 + channel % 16] = value
    }
  }
}

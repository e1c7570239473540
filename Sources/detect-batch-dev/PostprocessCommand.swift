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
    let sizes = HeadLevels.sizes(geometry)
    var owned = try OwnedBlockedImages(
      [9 * classes, 9 * 4].flatMap { depth in sizes.map { (depth, $0.height, $0.width) } },
      block: 16)
    var images = owned.mutableImages
    for index in 0..<images.count {
      fill(&images[index], isLogits: index < sizes.count, index)
    }
    let decoder = try OutputDecoder(description, DetectionOptions())
    let outputs = HeadOutputs(owned.images)
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

  /// Logits of a trained network: nearly all far below the threshold's, a few spread above it. Boxes near their
  /// anchors.
  private func fill(_ image: inout MutableBlockedImage, isLogits: Bool, _ index: Int) {
    let count = image.height * image.width * image.channels
    let numbers = Formula.uniform("level \(index)", count: count)
    let share = Float(candidates) / Float(count)
    image.assign(
      plain: numbers.map { number in
        guard isLogits else { return 0.3 * number }
        let unit = (number + 1) / 2
        return unit < share ? 4 - 7 * unit / share : -6 - 2 * unit
      })
  }
}

import ArgumentParser
import RetinaNetModel

extension Conventions.Preset: ExpressibleByArgument {}

/// Times preprocessing: normalising, resizing, padding.
struct PreprocessCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "preprocess", abstract: "Times preprocessing on one thread.")

  @Option(help: "The picture.")
  var size = Size(width: 1920, height: 1080)
  @Option var minSize = 800
  @Option var maxSize = 1333
  @Option(
    help: "Whose rules: \(Conventions.Preset.allCases.map(\.rawValue).joined(separator: ", ")).")
  var rules = Conventions.Preset.torchvision
  @Option var rounds = 15

  func run() throws {
    let preprocessing = ModelDescription.Preprocessing(minSize: minSize, maxSize: maxSize)
    let geometry = InputGeometry(
      height: size.height, width: size.width, preprocessing: preprocessing,
      rules: rules.conventions.input)
    let preprocessor = Preprocessor(rules.conventions.input)
    let pixels = Formula.pixels("picture", count: size.width * size.height * 3)
    var input = [Float](
      repeating: 0, count: 3 * geometry.paddedHeight * geometry.paddedWidth)
    let clock = ContinuousClock()
    var times: [Double] = []
    for _ in 0..<rounds + 1 {
      let start = clock.now
      var span = input.mutableSpan
      preprocessor.write(pixels.span, geometry, to: &span)
      times.append((clock.now - start).seconds * 1000)
    }
    times.removeFirst()
    try Report.json([
      "medianMilliseconds": Report.number(times.median, 2),
      "leastMilliseconds": Report.number(times.min() ?? 0, 2),
      "resized": "\"\(geometry.resizedWidth)x\(geometry.resizedHeight)\"",
    ])
  }
}

import ArgumentParser
import NeuralNetwork

/// The table that `ConvolutionShape.isWorthWinograd` was made from.
struct ConvolutionsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "convolutions",
    abstract: "Times 3x3 convolutions of stride 1, direct and Winograd, on one thread.")

  @Option(help: "Input and output channels, such as 64>64.")
  var channels = ["16>16", "32>32", "64>64", "64>45", "128>128", "256>256", "256>36", "256>819"]

  @Option(help: "Maps, widths before heights.")
  var maps = [
    "4x4", "7x7", "10x7", "10x10", "12x9", "19x13", "38x25", "76x50", "152x100",
  ]

  func run() throws {
    try Report.line("channels      map     direct   winograd  ratio  rule")
    for pair in channels {
      let sides = pair.split(separator: ">").compactMap { Int($0) }
      guard sides.count == 2 else { throw ValidationError("channels '\(pair)'") }
      for map in maps {
        guard let size = Size(argument: map) else { throw ValidationError("map '\(map)'") }
        let shape = ConvolutionShape(
          inputChannels: sides[0], outputChannels: sides[1], kernel: 3)
        let maps = [MapSize(height: size.height, width: size.width)]
        let direct = try milliseconds(shape, maps[0], .direct)
        let winograd = try milliseconds(shape, maps[0], .winograd)
        try Report.line(
          Report.padded(pair, 8) + Report.padded(map, 9)
            + Report.padded(Report.number(direct, 3), 11)
            + Report.padded(Report.number(winograd, 3), 11)
            + Report.padded(Report.number(winograd / direct, 2), 7)
            + (shape.isWorthWinograd(maps) ? "  winograd" : "  direct"))
      }
    }
  }

  /// The best of several runs, behind a 1x1 convolution that makes the input.
  private func milliseconds(
    _ shape: ConvolutionShape, _ map: MapSize, _ algorithm: ConvolutionAlgorithm
  ) throws -> Double {
    var graph = NetworkGraph(inputChannels: 1)
    let input = graph.convolution(
      graph.input, "input", outputChannels: shape.inputChannels, kernel: 1)
    graph.returns(
      graph.convolution(input, "main", outputChannels: shape.outputChannels, kernel: 3))
    let shapes = Dictionary(uniqueKeysWithValues: graph.parameters.map { ($0.name, $0.shape) })
    let store = WeightStore { name in
      Formula.parameter(name, shape: shapes[name] ?? [])
    }
    let plan = try InferencePlan(
      graph, height: map.height, width: map.width, store: store
    ) { shape, _ in shape.kernel == 3 ? algorithm : .direct }
    let worker = try InferenceWorker()
    var best = Double.infinity
    var total = 0.0
    worker.stepObserver = { label, time in
      guard label.hasPrefix("main") else { return }
      best = min(best, time.seconds)
      total += time.seconds
    }
    var runs = 0
    while runs < 5 || (total < 0.05 && runs < 300) {
      try worker.run(plan) {
        $0.update(repeating: 0.5)
      } readOutputs: { _ in
      }
      runs += 1
    }
    return best * 1000
  }
}

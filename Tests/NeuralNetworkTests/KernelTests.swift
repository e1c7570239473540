import Testing

@testable import NeuralNetwork

/// The operations between convolutions, each behind a 1x1 convolution that makes its input.
@Suite struct KernelTests {
  static let channels = [1, 7, 8, 9, 15, 16, 17]

  /// Runs `declare` on a map of `channels` channels, and compares with the plain loops. `roundings` are units in
  /// the last place of the greatest number that the operation may add.
  private func check(
    channels: Int, height: Int, width: Int, roundings: Double,
    _ declare: (inout NetworkGraph, NetworkGraph.Value) -> NetworkGraph.Value
  ) throws {
    var graph = NetworkGraph(inputChannels: 3)
    let value = graph.convolution(graph.input, "make", outputChannels: channels, kernel: 1)
    graph.returns(declare(&graph, value))
    let network = TestNetwork(graph)
    let run = try network.run(height: height, width: width)
    let reference = try network.reference(height: height, width: width)[0]
    let difference = Difference(run.outputs[0], reference)
    let greatest = reference.values.map(abs).max() ?? 0
    // The convolution before has four terms.
    let tolerance = (4 + roundings) * 0x1p-23 * (greatest + 1)
    #expect(greatest > 0.05 && tolerance < 0.01 * greatest, "no signal: \(greatest)")
    #expect(difference.greatest <= tolerance, "\(difference), tolerance \(tolerance)")
    #expect(run.paddingIsZero)
  }

  @Test(arguments: channels, [(1, 1), (1, 12), (9, 1), (8, 13)])
  func maxPool(channels: Int, size: (Int, Int)) throws {
    try check(channels: channels, height: size.0, width: size.1, roundings: 0) {
      $0.maxPool($1, kernel: 3, stride: 2, padding: 1)
    }
  }

  /// 13 to 25 is what oneDNN's resampling gets otherwise.
  @Test(arguments: channels, [(13, 25), (1, 25), (25, 1), (10, 20), (2, 2)])
  func upsampleNearest(channels: Int, size: (Int, Int)) throws {
    try check(channels: channels, height: size.0, width: size.1, roundings: 0) { graph, value in
      let half = graph.convolution(value, "half", outputChannels: channels, kernel: 1, stride: 2)
      return graph.upsampleNearest(half, toSizeOf: value)
    }
  }

  @Test(arguments: channels, [(1, 1), (5, 7)])
  func reluThatCannotBeFused(channels: Int, size: (Int, Int)) throws {
    try check(channels: channels, height: size.0, width: size.1, roundings: 1) { graph, value in
      let pooled = graph.maxPool(value, kernel: 3, stride: 1, padding: 1)
      return graph.add(graph.relu(pooled), value)
    }
  }

  @Test(arguments: [(2, 1), (16, 8), (17, 17), (24, 8), (32, 32), (64, 32), (40, 4)])
  func groupNorm(channels: Int, groups: Int) throws {
    for (height, width) in [(1, 7), (9, 1), (5, 8)] {
      // A convolution of four terms may be off by four units; dividing by a small deviation enlarges that.
      try check(channels: channels, height: height, width: width, roundings: 60) {
        $0.groupNorm($1, "norm", groups: groups, epsilon: 1e-5)
      }
      try check(channels: channels, height: height, width: width, roundings: 60) {
        let norm = $0.groupNorm($1, "norm", groups: groups, epsilon: 1e-5)
        return $0.relu(norm)
      }
    }
  }

  /// A mean far from zero: the variance has to be taken around it.
  @Test func groupNormFarFromZero() {
    let pixels = 31 * 17
    let values = (0..<pixels * 16).map { Float(4096) + Float($0 * 7919 % 101) / 128 }
    let loops = GroupNormLoops(
      groups: 1, epsilon: 1e-5, relu: false,
      shape: BlockedShape(
        batch: 1, channels: 16, size: MapSize(height: 31, width: 17), block: 16))
    let output = [Float](unsafeUninitializedCapacity: values.count) { output, count in
      var statistics = [Float](repeating: 0, count: loops.statisticsCount)
      guard let target = output.baseAddress else { return }
      loops.forward(
        values, scale: Array(repeating: 1, count: 16), shift: Array(repeating: 0, count: 16),
        to: target, statistics: &statistics)
      count = values.count
    }
    let mean = values.reduce(0) { $0 + Double($1) } / Double(values.count)
    let variance =
      values.reduce(0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / Double(values.count)
    for (value, result) in zip(values, output) {
      let expected = (Double(value) - mean) / (variance + 1e-5).squareRoot()
      // The mean, 4096 and something, is rounded to units of 2^-11, and divided by a deviation of about 0.23; what is
      // left of a number when it is taken away is exact.
      #expect(abs(Double(result) - expected) < 0x1p-12 / 0.23 + 1e-5)
    }
  }

  @Test func nearestIndicesAreThoseOfWholeNumbers() {
    // As PyTorch's for every map of a pyramid (compared with `interpolate` for all of these pairs).
    for source in 1..<1200 {
      for target in [2 * source - 1, 2 * source] {
        #expect(
          UpsampleNearest.sources(from: source, to: target)
            == (0..<target).map { $0 * source / target })
      }
    }
  }
}

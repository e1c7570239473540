import Testing

@testable import NeuralNetwork

/// One convolution, between a 1x1 convolution that spreads the input over its channels without rounding, and
/// the comparison with the plain loop.
struct ConvolutionCase: CustomTestStringConvertible, Sendable {
  var inputChannels: Int
  var outputChannels: Int
  var height: Int
  var width: Int
  var kernel = 3
  var stride = 1
  var groups = 1
  var algorithm = ConvolutionAlgorithm.direct

  var testDescription: String {
    "\(algorithm) \(inputChannels)>\(outputChannels) \(height)x\(width) \(kernel)x\(kernel)/\(stride)"
      + (groups == 1 ? "" : " in \(groups) groups")
  }

  func makeNetwork() -> TestNetwork {
    var graph = NetworkGraph(inputChannels: 3)
    let spread = graph.convolution(
      graph.input, "spread", outputChannels: inputChannels, kernel: 1, hasBias: false)
    graph.returns(
      graph.convolution(
        spread, "main", outputChannels: outputChannels, kernel: kernel, stride: stride,
        groups: groups))
    let network = TestNetwork(graph)
    var weights = network.weights
    // Channel c is input channel c % 3 times a power of two.
    weights["spread.weight"] = (0..<inputChannels * 3).map { index in
      let (channel, input) = index.quotientAndRemainder(dividingBy: 3)
      return channel % 3 == input ? [1, 0.5, -1, 0.25][channel % 4] : 0
    }
    return TestNetwork(graph, weights: weights, seed: network.seed)
  }

  /// What float32 may make of any of the sums, all inputs being below 1.
  ///
  /// Direct: a bound; the number of roundings in a row times half a unit in the last place times the sum of the
  /// terms' sizes. F(4x4, 3x3): terms are larger, as with the customary points the rows of its three matrices sum
  /// up to 66.7 per axis (Lavin and Gray 2016, section 4.3); there the bound would hide the signal, so roundings
  /// count as what they are, of either sign, at four times what they sum up to.
  func tolerance(greatestWeight: Double) -> Double {
    let half = 0x1p-24
    let terms = Double(inputChannels / groups * kernel * kernel)
    switch algorithm {
    case .direct: return (terms + 2) * half * (terms * greatestWeight + 0.5)
    case .winograd:
      return 4 * Double(inputChannels).squareRoot() * half * 66.7 * 66.7 * greatestWeight
    }
  }
}

@Suite struct ConvolutionTests {
  /// Channels around the widths of blocks, maps with one row or column, every kernel the networks use.
  static let direct: [ConvolutionCase] =
    [1, 7, 8, 9, 15, 16, 17].flatMap { channels in
      [
        ConvolutionCase(inputChannels: channels, outputChannels: channels, height: 5, width: 7),
        ConvolutionCase(inputChannels: channels, outputChannels: 17, height: 1, width: 13),
        ConvolutionCase(inputChannels: 9, outputChannels: channels, height: 11, width: 1),
        ConvolutionCase(
          inputChannels: channels, outputChannels: 33 - channels, height: 6, width: 9, kernel: 1),
        ConvolutionCase(
          inputChannels: channels, outputChannels: channels, height: 7, width: 8, kernel: 1,
          stride: 2),
        ConvolutionCase(
          inputChannels: channels, outputChannels: channels, height: 8, width: 5, stride: 2),
        ConvolutionCase(
          inputChannels: channels, outputChannels: 8, height: 13, width: 9, kernel: 7, stride: 2),
      ]
    } + [
      ConvolutionCase(inputChannels: 16, outputChannels: 16, height: 1, width: 1),
      ConvolutionCase(inputChannels: 16, outputChannels: 16, height: 1, width: 1, stride: 2),
      ConvolutionCase(inputChannels: 33, outputChannels: 47, height: 12, width: 11),
    ]

  /// Large enough for the rule to ask for Winograd: odd channels, odd tiles, single rows.
  static let winograd: [ConvolutionCase] = [
    (32, 32, 10, 10), (33, 47, 11, 13), (48, 33, 9, 17), (64, 32, 1, 101), (32, 49, 103, 1),
    (40, 36, 13, 8), (63, 65, 25, 4),
  ].map {
    ConvolutionCase(
      inputChannels: $0.0, outputChannels: $0.1, height: $0.2, width: $0.3, algorithm: .winograd)
  }

  /// Groups narrower than a block of channels, as wide, wider, and of widths that fill no block; several groups of
  /// outputs and of inputs.
  static let grouped: [ConvolutionCase] = [
    (32, 32, 8, 1), (64, 64, 32, 2), (128, 128, 32, 1), (24, 24, 3, 1), (48, 96, 3, 2),
    (64, 32, 4, 1), (12, 20, 4, 1), (15, 9, 3, 2), (17, 17, 17, 1), (36, 36, 6, 1),
  ].map {
    ConvolutionCase(
      inputChannels: $0.0, outputChannels: $0.1, height: 9, width: 11, stride: $0.3, groups: $0.2)
  }

  @Test(arguments: direct + winograd + grouped)
  func equalsPlainLoop(_ test: ConvolutionCase) throws {
    let network = test.makeNetwork()
    let run = try network.run(height: test.height, width: test.width, algorithm: test.algorithm)
    let reference = try network.reference(height: test.height, width: test.width)
    let difference = Difference(run.outputs[0], reference[0])
    let greatestWeight = network.weights["main.weight"]?.map(abs).max() ?? 0
    let tolerance = test.tolerance(greatestWeight: Double(greatestWeight))
    #expect(tolerance < 0.05 * difference.rms, "the tolerance \(tolerance) hides the signal")
    #expect(difference.greatest <= tolerance, "\(difference), tolerance \(tolerance)")
    #expect(run.paddingIsZero)
  }

  /// Without this the Winograd cases above could all have run directly.
  @Test func winogradIsUsedWhereItIsAskedFor() throws {
    for test in Self.winograd {
      let run = try test.makeNetwork().run(height: test.height, width: test.width)
      #expect(run.labels[1].contains("winograd"), "\(run.labels)")
    }
  }

  /// The rule, at its edges, and that plans follow it.
  @Test func winogradIsUsedWhereItPays() throws {
    func pays(_ inputs: Int, _ outputs: Int, _ height: Int, _ width: Int) -> Bool {
      ConvolutionShape(inputChannels: inputs, outputChannels: outputs, kernel: 3)
        .isWorthWinograd([MapSize(height: height, width: width)])
    }
    #expect(pays(32, 32, 16, 32) && !pays(32, 32, 16, 28))
    #expect(pays(64, 64, 8, 16) && !pays(64, 64, 8, 12))
    #expect(pays(512, 512, 5, 5) && !pays(512, 512, 4, 12))
    for (kernel, stride, groups) in [(1, 1, 1), (3, 2, 1), (3, 1, 2), (7, 1, 1)] {
      let shape = ConvolutionShape(
        inputChannels: 64, outputChannels: 64, kernel: kernel, stride: stride, groups: groups)
      #expect(!shape.isWorthWinograd([MapSize(height: 200, width: 200)]))
    }
    let network = ConvolutionCase(inputChannels: 64, outputChannels: 64, height: 8, width: 16)
      .makeNetwork()
    func label(_ algorithm: ConvolutionAlgorithm, width: Int) throws -> String {
      try InferencePlan(
        network.graph, height: 8, width: width, store: WeightStore(load: network.load),
        algorithm: algorithm
      ).stepLabels[1]
    }
    #expect(try label(.winograd, width: 16).contains("winograd"))
    #expect(try label(.winograd, width: 12).contains("direct"))
    #expect(try label(.direct, width: 16).contains("direct"))
  }

  /// The stem: plain input of three channels, 7x7, stride 2.
  @Test(arguments: [(1, 1), (7, 32), (33, 17)])
  func stemEqualsPlainLoop(height: Int, width: Int) throws {
    var graph = NetworkGraph(inputChannels: 3)
    graph.returns(
      graph.convolution(graph.input, "stem", outputChannels: 20, kernel: 7, stride: 2))
    let network = TestNetwork(graph)
    let run = try network.run(height: height, width: width)
    let difference = Difference(
      run.outputs[0], try network.reference(height: height, width: width)[0])
    let tolerance = 149 * 0x1p-24 * (147 * 0.15 + 0.5)
    #expect(tolerance < 0.05 * difference.rms)
    #expect(difference.greatest <= tolerance, "\(difference)")
    #expect(run.paddingIsZero)
  }
}

import TestSupport
import Testing

@testable import NeuralNetwork

/// What numbers of real inputs say about ranges.
struct ValueHistogramTests {
  /// Numbers of many magnitudes, some of them 0, and three channels of a block of eight or sixteen.
  static func image(_ seed: UInt64, scale: Float) throws -> OwnedBlockedImages {
    var generator = SeededGenerator(seed: seed)
    var images = try OwnedBlockedImages([(channels: 3, height: 9, width: 7)], block: 8)
    var writable = images.mutableImages
    for channel in 0..<3 {
      for y in 0..<9 {
        for x in 0..<7 {
          let number = 2 * generator.unitFloat() - 1
          writable[0][channel: channel, y: y, x: x] =
            generator.next() % 4 == 0 ? 0 : number * number * number * scale
        }
      }
    }
    return images
  }

  @Test func countsDoNotDependOnTheOrder() throws {
    let scales: [Float] = [1, 1e-3, 250, 7, 0.03]
    func histogram(_ order: [Int]) throws -> ValueHistogram {
      var histogram = ValueHistogram()
      for index in order {
        let images = try Self.image(UInt64(index), scale: scales[index])
        let isFinite = histogram.add(images.images[0])
        #expect(isFinite)
      }
      return histogram
    }
    let forward = try histogram([0, 1, 2, 3, 4])
    #expect(forward.total == 5 * 3 * 9 * 7, "padding channels count for nothing")
    #expect(forward.zeros > 0)
    #expect(try histogram([2, 4, 0, 3, 1]) == forward)
    var merged = try histogram([3, 1])
    merged.merge(try histogram([2, 0, 4]))
    #expect(merged == forward)
  }

  @Test func numbersThatAreNotFiniteAreRefused() throws {
    var images = try Self.image(1, scale: 1)
    do {
      var writable = images.mutableImages
      writable[0][channel: 2, y: 8, x: 6] = .nan
    }
    var histogram = ValueHistogram()
    let isFinite = histogram.add(images.images[0])
    #expect(!isFinite)
    #expect(histogram == ValueHistogram())
  }

  /// A thousand numbers evenly between 0 and 1, and one at 50: what percentiles and the squared error say can be
  /// worked out by hand.
  @Test func rangesByEachRule() throws {
    var images = try OwnedBlockedImages([(channels: 1, height: 100, width: 1001)], block: 8)
    do {
      var writable = images.mutableImages
      for y in 0..<100 {
        for x in 0..<1001 { writable[0][channel: 0, y: y, x: x] = Float(x) / 1000 }
      }
      writable[0][channel: 0, y: 3, x: 3] = 50
    }
    var histogram = ValueHistogram()
    let isFinite = histogram.add(images.images[0])
    #expect(isFinite)
    #expect(histogram.range(by: .minimumMaximum) == .init(low: 0, high: 50))
    let percentile = try #require(histogram.range(by: .percentile))
    // Bins are 1/32 wide beside a number of 50.
    #expect(percentile.low == 0 && abs(percentile.high - 1) <= 1 / 32)
    // With u the upper end: 100 100 u^2 / (12 * 255^2) + (50 - u)^2 is least at u = 50 / (1 + 0.128) = 44.3.
    let leastError = try #require(histogram.range(by: .meanSquaredError))
    #expect(leastError.low == 0 && abs(leastError.high - 44.3) < 0.51)
  }
}

struct FakeQuantizationTests {
  @Test func weightsKeepTheirGreatestAndAreMultiples() {
    let weights: [Float] = [0.5, -0.1, 0.003, -2, 1.9, 0.011, 0, 0, 0]
    let rounded = RoundedWeights.round(weights, channels: 3)
    #expect(rounded[0] == 0.5 && rounded[3] == -2 && rounded[6...] == [0, 0, 0])
    for (channel, step) in [(0, 0.5 / 127), (1, 2.0 / 127)] {
      for index in channel * 3..<channel * 3 + 3 {
        let levels = Double(rounded[index]) / step
        #expect(abs(levels - levels.rounded()) < 1e-4)
        #expect(abs(Double(rounded[index] - weights[index])) <= step / 2 * 1.0001)
      }
    }
  }

  /// Plans of rounded networks against their definition. A number near the middle of two steps may go to either, so
  /// that a few may be one step of a later layer apart.
  @Test(arguments: SmallNetwork.allCases)
  func plansDoAsTheDefinitionSays(_ network: SmallNetwork) throws {
    let calibrated = try CalibratedNetwork(TestNetwork(network.graph))
    let rounded = calibrated.rounded
    let store = WeightStore(load: rounded.load)
    let plan = try InferencePlan(rounded.graph, height: 21, width: 34, store: store)
    let input = calibrated.network.makeInput(height: 21, width: 34)
    let run = try PlanRun(plan, on: try InferenceWorker(), input: input)
    let reference = try ReferenceInterpreter(rounded.graph, load: rounded.load).outputs(
      for: ReferenceImage(channels: 3, height: 21, width: 34, values: input.map(Double.init)))
    for (output, expected) in zip(run.outputs, reference) {
      let difference = Difference(output, expected)
      #expect(difference.greatest < 0.05 * difference.rms, "\(difference)")
    }
  }
}

struct LayerErrorTests {
  /// Two rules for one value that two layers of one channel read: by hand.
  @Test func theRuleWithTheLeastErrorOfAllReadersWins() throws {
    func trial(_ layer: String, _ rule: RangeRule) -> LayerTrials.Trial {
      LayerTrials.Trial(convolution: layer, input: "value", way: .direct(rule))
    }
    let trials = [
      trial("a", .minimumMaximum), trial("a", .percentile), trial("b", .minimumMaximum),
      trial("b", .percentile),
    ]
    // Means of the error, its square, its fourth power, and the square of what is right; of two pictures.
    let errors = LayerErrors(
      trials,
      [
        [[0.5, 0.26, 0.9, 2], [0, 0.5, 0.3, 2], [0, 0.2, 0.1, 1], [0, 0.1, 0.2, 1]],
        [[0.5, 0.26, 0.9, 4], [0, 0.5, 0.3, 4], [0, 0.2, 0.1, 1], [0, 0.1, 0.2, 1]],
      ])
    // By fourth powers: a 0.9 / 9 and 0.3 / 9, b 0.1 and 0.2.
    #expect(errors.bestRules == ["value": .minimumMaximum])
    let (a, b) = (try #require(errors.best["a"]), try #require(errors.best["b"]))
    #expect(abs(a.share - 0.01 / 3) < 1e-6 && abs(b.share - 0.2) < 1e-6)
    #expect(a.correction == [-0.5] && b.correction == [0])
  }

  /// With its correction a layer's mean error on what it was calibrated on is gone.
  @Test func correctionsMakeUpForTheMeanError() throws {
    var graph = NetworkGraph(inputChannels: 3)
    let first = graph.relu(graph.convolution(graph.input, "first", outputChannels: 16, kernel: 3))
    let second = graph.convolution(first, "second", outputChannels: 17, kernel: 3, hasBias: false)
    graph.returns(graph.batchNorm(second, "norm", epsilon: 1e-5))
    let calibrated = try CalibratedNetwork(TestNetwork(graph))
    func means(_ graph: NetworkGraph, _ load: @escaping WeightStore.Loader) throws -> [Double] {
      let plan = try InferencePlan(graph, height: 21, width: 34, store: WeightStore(load: load))
      let run = try PlanRun(
        plan, on: try InferenceWorker(),
        input: calibrated.network.makeInput(height: 21, width: 34))
      return (0..<17).map { channel in
        let output = run.outputs[0][channel * 21 * 34..<(channel + 1) * 21 * 34]
        return output.reduce(0.0) { $0 + Double($1) } / Double(output.count)
      }
    }
    /// The second layer alone computes in 8 bits.
    func quantizedSecond(corrected: Bool) -> FakeQuantizedNetwork {
      var quantization = calibrated.quantization(corrected: corrected)
      quantization.values["input"] = nil
      quantization.convolutions["first"] = nil
      quantization.correctedBiases.remove("first")
      return FakeQuantizedNetwork(graph, quantization, load: calibrated.load)
    }
    let exact = try means(graph, calibrated.network.load)
    let rounded = [true, false].map { quantizedSecond(corrected: $0) }
    let corrected = try means(rounded[0].graph, rounded[0].load)
    let uncorrected = try means(rounded[1].graph, rounded[1].load)
    func distance(_ values: [Double]) -> Double {
      zip(values, exact).map { abs($0 - $1) }.max() ?? 0
    }
    #expect(distance(corrected) < 1e-5, "\(distance(corrected))")
    #expect(distance(uncorrected) > 1e-4, "\(distance(uncorrected))")
  }
}

struct InputRangeTests {
  /// The layer that reads the input computes in 8 bits like the others, and what is pooled is rounded before.
  @Test func theInputAndWhatIsPooledHaveRanges() throws {
    var graph = NetworkGraph(inputChannels: 3)
    let stem = graph.relu(
      graph.convolution(graph.input, "stem", outputChannels: 16, kernel: 7, stride: 2))
    let pooled = graph.maxPool(stem, kernel: 3, stride: 2, padding: 1)
    graph.returns(graph.convolution(pooled, "out", outputChannels: 16, kernel: 3))
    let calibration = try CalibratedNetwork(TestNetwork(graph)).calibration
    #expect(Set(calibration.layers.keys) == ["stem", "out"])
    let input = try #require(calibration.ranges["input"])
    #expect(input.low < -0.9 && input.low >= -1 && input.high > 0.9 && input.high <= 1)
    let range = try #require(calibration.ranges["stem max pool"])
    #expect(range.low == 0 && calibration.ranges["stem"] == range)
  }
}

struct WinogradTrialTests {
  /// Layers of 16 and 32 channels on a map that is large enough.
  @Test func layersMayBeMultipliedInTheWinogradDomain() throws {
    var graph = NetworkGraph(inputChannels: 3)
    var value = graph.relu(graph.convolution(graph.input, "stem", outputChannels: 32, kernel: 3))
    for name in ["a", "b"] {
      value = graph.relu(graph.convolution(value, name, outputChannels: 32, kernel: 3))
    }
    graph.returns(graph.convolution(value, "c", outputChannels: 32, kernel: 1))
    let products = try CalibratedNetwork(TestNetwork(graph), height: 64, width: 64).products
    func sides(_ largestShare: Double) -> [String: Int] {
      products.calibration(largestShare: largestShare).layers.mapValues { layer in
        if case .winograd(let largest) = layer.product { return largest.count }
        return 0
      }
    }
    #expect(sides(-1) == ["stem": 0, "a": 0, "b": 0, "c": 0])
    #expect(sides(1) == ["stem": 0, "a": 36, "b": 36, "c": 0], "larger tiles are faster")
    let layers = products.calibration(largestShare: 1).layers
    let share = try #require(layers["a"]?.errorShare)
    // LoWino's figures: some per cent of the output.
    #expect(share > 1e-6 && share < 0.1 * 0.1, "\(share)")
  }
}

/// A network with ranges found on one input.
struct CalibratedNetwork {
  let network: TestNetwork
  let calibration: Calibration
  let products: Calibrator.Products
  /// The network's parameters, and the corrections of biases.
  let load: WeightStore.Loader
  let rounded: FakeQuantizedNetwork

  init(_ network: TestNetwork, height: Int = 21, width: Int = 34) throws {
    self.network = network
    let calibrator = Calibrator(network.graph, values: network.load)
    let worker = try InferenceWorker()
    let input = network.makeInput(height: height, width: width)
    let isFinite = try calibrator.look(worker, height: height, width: width) { buffer in
      buffer.withUnsafeMutableBufferPointer { _ = $0.update(fromContentsOf: input) }
    }
    #expect(isFinite)
    func write(_ buffer: inout MutableSpan<Float>) {
      buffer.withUnsafeMutableBufferPointer { _ = $0.update(fromContentsOf: input) }
    }
    let ranges = calibrator.tryRanges()
    try ranges.run(0, worker, height: height, width: width) { write(&$0) }
    let products = ranges.tryProducts()
    try products.run(0, worker, height: height, width: width) { write(&$0) }
    // Nothing by Winograd: that has no counterpart in float32.
    let calibration = products.calibration(largestShare: -1)
    self.calibration = calibration
    self.products = products
    let load: WeightStore.Loader = { name in
      for (convolution, layer) in calibration.layers
      where Quantization.biasCorrectionName(of: convolution) == name {
        return layer.correction
      }
      return try network.load(name)
    }
    self.load = load
    rounded = FakeQuantizedNetwork(
      network.graph, Self.quantization(calibration, corrected: true), load: load)
  }

  func quantization(corrected: Bool) -> Quantization {
    Self.quantization(calibration, corrected: corrected)
  }

  private static func quantization(_ calibration: Calibration, corrected: Bool) -> Quantization {
    Quantization(
      values: calibration.ranges, convolutions: calibration.layers.mapValues(\.product),
      correctedBiases: corrected ? Set(calibration.layers.keys) : [])
  }
}

import TestSupport
import Testing

@testable import NeuralNetwork

/// Networks whose steps are powers of two and whose numbers are multiples of them: what float32 computes of them is
/// exact, and so is the comparison with float64.
@Suite struct QuantizationTests {
  /// Weights that are multiples of a power of two, the largest of each output channel being 127 of them.
  private static func exact(_ graph: NetworkGraph, seed: UInt64) -> TestNetwork {
    var network = TestNetwork(graph, seed: seed)
    for parameter in graph.parameters {
      var generator = SeededGenerator(seed: seed ^ TestNetwork.hash(parameter.name))
      let perChannel = parameter.shape.dropFirst().reduce(1, *)
      let isWeight = parameter.shape.count == 4
      let values = (0..<parameter.shape.reduce(1, *)).map { index -> Float in
        if parameter.name == "first.weight" {
          return index / perChannel == index % perChannel ? 1 : 0
        }
        let whole = (254 * generator.unitFloat() - 127).rounded()
        return isWeight ? (index % perChannel == 0 ? 127 : whole) / 8192 : whole / 64
      }
      network = TestNetwork(
        graph, weights: network.weights.merging([parameter.name: values]) { $1 }, seed: seed)
    }
    return network
  }

  private static func input(_ network: TestNetwork, height: Int, width: Int) -> [Float] {
    network.makeInput(height: height, width: width).map { ($0 * 256).rounded() / 64 }
  }

  private static func check(
    _ network: TestNetwork, _ quantization: Quantization, height: Int, width: Int,
    tolerance: Double = 0, labels: [String]
  ) throws {
    let input = input(network, height: height, width: width)
    let plan = try InferencePlan(
      network.graph, height: height, width: width, store: WeightStore(load: network.load),
      precision: .int8(quantization))
    let run = try PlanRun(plan, on: InferenceWorker(), input: input)
    for label in labels {
      #expect(run.labels.contains { $0.contains(label) }, "\(label) in \(run.labels)")
    }
    #expect(run.paddingIsZero)
    let image = ReferenceImage(
      channels: network.graph.channels(network.graph.input), height: height, width: width,
      values: input.map(Double.init))
    let expected = try QuantizedReference(network: network, quantization: quantization)
      .outputs(for: image)
    for (values, reference) in zip(run.outputs, expected) {
      let difference = Difference(values, reference)
      #expect(difference.rms > 0.1)
      #expect(
        difference.greatest <= tolerance * difference.rms, "\(difference), seed \(network.seed)")
    }
  }

  private static let u8 = Quantization.StoredRange(low: 0, high: 255 / 64)
  private static let s8 = Quantization.StoredRange(low: -127 / 32, high: 127 / 32)

  /// u8 and s8 in and out, a sum over s8 and over u8, strides, an odd size, max pool and upsampling between.
  @Test(arguments: [(16, 19), (9, 33)])
  func directIsExact(size: (height: Int, width: Int)) throws {
    var graph = NetworkGraph(inputChannels: 16)
    let first = graph.relu(graph.convolution(graph.input, "first", outputChannels: 16, kernel: 1))
    let second = graph.convolution(first, "second", outputChannels: 32, kernel: 3)
    let shortcut = graph.convolution(second, "shortcut", outputChannels: 16, kernel: 1)
    let third = graph.convolution(second, "third", outputChannels: 16, kernel: 3)
    let sum = graph.relu(graph.add(third, shortcut))
    let inner = graph.relu(graph.convolution(sum, "inner", outputChannels: 16, kernel: 1))
    let fourth = graph.convolution(inner, "fourth", outputChannels: 16, kernel: 1)
    let again = graph.relu(graph.add(fourth, sum))
    let pooled = graph.maxPool(again, kernel: 3, stride: 2, padding: 1)
    let small = graph.convolution(pooled, "small", outputChannels: 16, kernel: 3, stride: 2)
    let large = graph.upsampleNearest(small, toSizeOf: pooled)
    graph.returns(graph.convolution(large, "out", outputChannels: 20, kernel: 3))
    graph.returns(graph.convolution(again, "float", outputChannels: 8, kernel: 3))
    let quantization = Quantization(
      values: [
        "first": Self.u8, "second": Self.s8, "shortcut": Self.s8, "third": Self.u8,
        "inner": Self.u8, "fourth": Self.u8, "small": Self.s8,
      ],
      convolutions: [
        "second": .direct, "shortcut": .direct, "third": .direct, "inner": .direct,
        "fourth": .direct,
        "small": .direct, "out": .direct,
      ])
    // Without VNNI the steps of u8 are 127ths: no powers of two.
    try Self.check(
      Self.exact(graph, seed: 20_261_116), quantization, height: size.height, width: size.width,
      tolerance: InstructionSet.hasVNNI ? 0 : 5e-6,
      labels: ["second.weight 3x3/1 int8 direct", "convert"])
  }

  /// The first convolution reads the input rounded, and what it gives is pooled in 8 bits; another one reads the input as it
  /// was written.
  @Test(arguments: [u8, s8])
  func theInputMayHaveARange(range: Quantization.StoredRange) throws {
    var graph = NetworkGraph(inputChannels: 3)
    let stem = graph.relu(
      graph.convolution(graph.input, "stem", outputChannels: 32, kernel: 7, stride: 2))
    let pooled = graph.maxPool(stem, kernel: 3, stride: 2, padding: 1)
    graph.returns(graph.convolution(pooled, "out", outputChannels: 20, kernel: 3))
    graph.returns(
      graph.convolution(graph.input, "plain", outputChannels: 16, kernel: 3, stride: 2))
    let quantization = Quantization(
      values: [
        "input": range, "stem": .init(low: 0, high: 255 / 4),
        "stem max pool": .init(low: 0, high: 255 / 4),
      ], convolutions: ["stem": .direct, "out": .direct])
    try Self.check(
      Self.exact(graph, seed: 20_261_129), quantization, height: 21, width: 39,
      tolerance: InstructionSet.hasVNNI ? 0 : 5e-6, labels: ["stem.weight 7x7/2 int8 direct"])
  }

  /// Where there is VNNI, products of 255 and 127 do not saturate; where there is none, 7 bits keep them from it.
  @Test func greatestProductsDoNotSaturate() throws {
    var graph = NetworkGraph(inputChannels: 16)
    let first = graph.relu(graph.convolution(graph.input, "first", outputChannels: 16, kernel: 1))
    graph.returns(graph.convolution(first, "direct", outputChannels: 16, kernel: 3))
    graph.returns(graph.convolution(first, "winograd", outputChannels: 16, kernel: 3))
    var network = Self.exact(graph, seed: 1)
    var weights = network.weights
    for name in ["direct.weight", "winograd.weight"] {
      weights[name] = [Float](repeating: 127 / 8192, count: weights[name]?.count ?? 0)
    }
    weights["first.weight"] = weights["first.weight"]?.map { $0 * 1000 }
    network = TestNetwork(graph, weights: weights, seed: 1)
    let quantization = Quantization(
      values: ["first": Self.u8],
      convolutions: [
        "direct": .direct, "winograd": .winograd(largest: [Float](repeating: 127 / 8, count: 16)),
      ])
    try Self.check(
      network, quantization, height: 12, width: 12, tolerance: 1e-5, labels: ["winograd 2x2"])
  }

  /// Their steps would be 0, or so small that a bias is infinitely many of them.
  @Test(arguments: [Float.leastNonzeroMagnitude, .leastNormalMagnitude, 1e-35, 9e-31])
  func weightsThatVanishAreZero(_ largest: Float) {
    let weights: [Float] = [largest, -largest, 1, 0.5]
    let (integers, steps) = weights.withUnsafeBufferPointer {
      Quantization.rounded($0, outputChannels: 2)
    }
    let wanted: [Float] = [0, Float(1) / 127]
    #expect(integers == [0, 0, 127, 64])
    #expect(steps == wanted)
  }

  @Test(arguments: [2, 4], [true, false])
  func winogradIsRoundedAsItSays(side: Int, ofEightBits: Bool) throws {
    var graph = NetworkGraph(inputChannels: 16)
    let first = graph.relu(graph.convolution(graph.input, "first", outputChannels: 16, kernel: 1))
    let second = graph.relu(graph.convolution(first, "second", outputChannels: 32, kernel: 3))
    let third = graph.convolution(first, "third", outputChannels: 32, kernel: 1)
    let fourth = graph.convolution(second, "fourth", outputChannels: 32, kernel: 3)
    let sum = graph.add(fourth, third)
    graph.returns(graph.convolution(sum, "out", outputChannels: 20, kernel: 3))
    // By point: 127 powers of two, so that the step is one.
    let largest = (0..<(side + 2) * (side + 2)).map { 127 / Float(4 << ($0 % 3)) }
    let top = Float(ReducedWinogradConvolution.zero - 1)
    let steps = largest.map { $0 / 127 * top }
    let quantization = Quantization(
      values: ofEightBits ? ["first": Self.u8] : [:],
      convolutions: ["second": .winograd(largest: steps)])
    var network = Self.exact(graph, seed: 42)
    var weights = network.weights
    weights[Quantization.biasCorrectionName(of: "second")] = (0..<32).map { Float($0) / 64 }
    network = TestNetwork(graph, weights: weights, seed: 42)
    var corrected = quantization
    corrected.correctedBiases = ["second"]
    try Self.check(
      network, corrected, height: 18, width: 37, tolerance: 2e-5,
      labels: ["second.weight 3x3/1 int8 winograd \(side)x\(side)"])
  }

  /// Levels that share weights have ranges of their own, also where they are computed in one call.
  @Test func levelsOfAHeadShareACall() throws {
    var graph = NetworkGraph(inputChannels: 16)
    let first = graph.relu(graph.convolution(graph.input, "first", outputChannels: 16, kernel: 1))
    let pooled = graph.maxPool(first, kernel: 3, stride: 2, padding: 1)
    for level in [first, pooled] {
      let head = graph.relu(graph.convolution(level, "head", outputChannels: 16, kernel: 3))
      graph.returns(graph.convolution(head, "out", outputChannels: 9, kernel: 3))
    }
    func points(_ factor: Float) -> Quantization.Product {
      let top = Float(ReducedWinogradConvolution.zero - 1)
      return .winograd(largest: [Float](repeating: top / factor, count: 16))
    }
    let quantization = Quantization(
      values: ["first": Self.u8, "head": Self.u8, "head#2": .init(low: 0, high: 255 / 32)],
      convolutions: [
        "head": points(16), "head#2": points(4), "out": points(8), "out#2": .direct,
      ])
    try Self.check(
      Self.exact(graph, seed: 7), quantization, height: 14, width: 22, tolerance: 2e-5,
      labels: ["head.weight 3x3/1 int8 winograd 2x2 16>16 14x22 with 1 more"])
  }

  @Test(.enabled(if: InstructionSet.hasBFloat16))
  func bfloat16IsNearFloat32() throws {
    var graph = NetworkGraph(inputChannels: 3)
    let first = graph.relu(
      graph.convolution(graph.input, "first", outputChannels: 32, kernel: 7, stride: 2))
    let pooled = graph.maxPool(first, kernel: 3, stride: 2, padding: 1)
    let second = graph.relu(graph.convolution(pooled, "second", outputChannels: 64, kernel: 3))
    let third = graph.convolution(second, "third", outputChannels: 32, kernel: 1)
    let sum = graph.relu(graph.add(third, pooled))
    let small = graph.convolution(sum, "small", outputChannels: 32, kernel: 3, stride: 2)
    let large = graph.upsampleNearest(small, toSizeOf: sum)
    graph.returns(graph.convolution(large, "out", outputChannels: 20, kernel: 3))
    graph.returns(graph.convolution(sum, "flat", outputChannels: 16, kernel: 1))
    let network = TestNetwork(graph, seed: 5)
    let plan = try InferencePlan(
      graph, height: 96, width: 120, store: WeightStore(load: network.load), precision: .bfloat16)
    let run = try PlanRun(
      plan, on: InferenceWorker(), input: network.makeInput(height: 96, width: 120))
    for label in ["second.weight 3x3/1 bf16 winograd 4x4", "third.weight 1x1/1 bf16 direct"] {
      #expect(run.labels.contains { $0.hasPrefix(label) }, "\(label) in \(run.labels)")
    }
    let reference = try network.reference(height: 96, width: 120)
    for (values, image) in zip(run.outputs, reference) {
      let difference = Difference(values, image)
      // Eight bits of mantissa, a few layers deep; float32 is within 1e-5.
      #expect(difference.greatest < 0.1 * difference.rms, "\(difference)")
      #expect(difference.greatest > 1e-4 * difference.rms, "\(difference)")
    }
  }
}

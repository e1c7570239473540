import Synchronization
import TestSupport

@testable import NeuralNetwork

/// A graph with numbers for its parameters and an input, both from a seed.
struct TestNetwork: Sendable {
  let graph: NetworkGraph
  let weights: [String: [Float]]
  let seed: UInt64

  /// Uniform numbers: weights such that a convolution keeps the rms of its input, positive variances.
  init(_ graph: NetworkGraph, seed: UInt64 = 20_261_101) {
    self.graph = graph
    self.seed = seed
    var weights: [String: [Float]] = [:]
    for parameter in graph.parameters {
      var generator = SeededGenerator(seed: seed ^ Self.hash(parameter.name))
      let count = parameter.shape.reduce(1, *)
      let fanIn = parameter.shape.dropFirst().reduce(1, *)
      let scale =
        parameter.shape.count == 4 ? (6 / Float(fanIn)).squareRoot() / 1.4142 : 0.5
      let offset: Float = parameter.name.hasSuffix("running_var") ? 0.75 : 0
      weights[parameter.name] = (0..<count).map { _ in
        (2 * generator.unitFloat() - 1) * scale + offset
      }
    }
    self.weights = weights
  }

  init(_ graph: NetworkGraph, weights: [String: [Float]], seed: UInt64) {
    self.graph = graph
    self.weights = weights
    self.seed = seed
  }

  /// FNV-1a, so that a tensor's numbers do not depend on the tensors before it.
  static func hash(_ name: String) -> UInt64 {
    name.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
  }

  var load: WeightStore.Loader {
    { [weights] name in weights[name] ?? [] }
  }

  func makeInput(height: Int, width: Int) -> [Float] {
    var generator = SeededGenerator(seed: seed)
    let count = graph.channels(graph.input) * height * width
    return (0..<count).map { _ in 2 * generator.unitFloat() - 1 }
  }

  /// `algorithm` is used wherever it can be, not only where it pays.
  func makePlan(
    height: Int, width: Int, precision: Precision = .float32,
    algorithm: ConvolutionAlgorithm = .winograd
  ) throws -> InferencePlan {
    try InferencePlan(
      graph, height: height, width: width, store: WeightStore(load: load), precision: precision
    ) { shape, _ in
      shape.hasWinograd ? algorithm : .direct
    }
  }

  /// The outputs of a plan in plain order, and a trap for padding channels that are not zero.
  func run(
    height: Int, width: Int, algorithm: ConvolutionAlgorithm = .winograd
  ) throws -> PlanRun {
    let plan = try makePlan(height: height, width: width, algorithm: algorithm)
    return try PlanRun(
      plan, on: try InferenceWorker(),
      input: makeInput(height: height, width: width))
  }

  func reference(height: Int, width: Int) throws -> [ReferenceImage] {
    let input = ReferenceImage(
      channels: graph.channels(graph.input), height: height, width: width,
      values: makeInput(height: height, width: width).map(Double.init))
    return try ReferenceInterpreter(graph, load: load).outputs(for: input)
  }
}

/// What one run of a plan gave.
struct PlanRun: Sendable {
  var outputs: [[Float]] = []
  var paddingIsZero = true
  var labels: [String] = []

  init(_ plan: InferencePlan, on worker: InferenceWorker, input: [Float]) throws {
    labels = plan.stepLabels
    (outputs, paddingIsZero) = try worker.run(plan) { buffer in
      buffer.withUnsafeMutableBufferPointer { _ = $0.update(fromContentsOf: input) }
    } readOutputs: { images in
      (images.map { $0.plain() }, !images.map { Self.paddingIsZero($0) }.contains(false))
    }
  }

  private static func paddingIsZero(_ image: BlockedImage) -> Bool {
    let padding = image.channels..<image.blockCount * image.block
    return padding.allSatisfy { channel in
      (0..<image.height * image.width).allSatisfy {
        image[channel: channel, y: $0 / image.width, x: $0 % image.width] == 0
      }
    }
  }
}

/// Greatest difference and root mean square of a comparison.
struct Difference: CustomStringConvertible {
  var greatest = 0.0
  var rms = 0.0

  init(_ values: [Float], _ reference: ReferenceImage) {
    precondition(values.count == reference.values.count, "\(values.count) numbers of \(reference)")
    for (value, expected) in zip(values, reference.values) {
      let difference = abs(Double(value) - expected)
      // A NaN is no small difference.
      greatest = difference.isNaN ? .infinity : max(greatest, difference)
      rms += expected * expected
    }
    rms = (rms / Double(values.count)).squareRoot()
  }

  var description: String { "differs by \(greatest) where the rms is \(rms)" }
}

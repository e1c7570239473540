import NeuralNetwork
import TestSupport
import Testing

@testable import Training

@Suite struct OptimizerTests {
  struct Answer: Decodable {
    let name: String
    let weights: [Double]
  }

  private func makeNetwork() throws -> TrainingNetwork {
    var graph = NetworkGraph(inputChannels: 4)
    let value = graph.convolution(graph.input, "layer", outputChannels: 8, kernel: 1)
    graph.returns(graph.groupNorm(value, "norm", groups: 2, epsilon: 1e-5))
    return try TrainingNetwork(
      graph, trained: ["layer.weight", "layer.bias", "norm.weight"], workers: 1)
  }

  /// 40 numbers spread over a weight and a bias.
  private func assign(_ numbers: [Float], to slab: ParameterSlab) {
    slab["layer.weight"] = Array(numbers[..<32])
    slab["layer.bias"] = Array(numbers[32...])
  }

  @Test func sixStepsEqualPyTorchs() throws {
    let answers = try TrainingFixture.read("optimizer", as: [Answer].self)
    #expect(answers.map(\.name) == ["sgd", "plain", "adamW"])
    for answer in answers {
      let network = try makeNetwork()
      let optimizer =
        switch answer.name {
        case "sgd": try Optimizer(.sgd(momentum: 0.9), weightDecay: 0.01, network: network)
        case "plain": try Optimizer(.sgd(momentum: 0), weightDecay: 0, network: network)
        default: try Optimizer(.adamW(), weightDecay: 0.05, network: network)
        }
      assign(TrainingFixture.numbers(seed: 1, count: 40, scale: 2), to: network.parameters)
      for step in 0..<6 {
        assign(
          TrainingFixture.numbers(seed: UInt64(10 + step), count: 40, scale: 3),
          to: network.gradients)
        optimizer.step(
          network.parameters, gradients: network.gradients,
          learningRate: answer.name == "adamW" ? 0.01 : 0.1)
      }
      let ours = network.parameters["layer.weight"] + network.parameters["layer.bias"]
      for (a, b) in zip(ours, answer.weights) {
        expectClose(Double(a), b, relative: 2e-6, absolute: 2e-6, "\(answer.name)")
      }
      #expect(optimizer.stepCount == 6)
    }
  }

  @Test func normsHaveTheirOwnDecayAndOthersStay() throws {
    let network = try makeNetwork()
    for name in ["layer.weight", "layer.bias", "norm.weight", "norm.bias"] {
      network.parameters[name] = network.parameters[name].map { _ in 1 }
    }
    let optimizer = try Optimizer(
      .sgd(momentum: 0), weightDecay: 0.5, normWeightDecay: 0, network: network)
    optimizer.step(network.parameters, gradients: network.gradients, learningRate: 0.5)
    #expect(network.parameters["layer.weight"].allSatisfy { $0 == 0.75 })
    #expect(network.parameters["layer.bias"].allSatisfy { $0 == 0.75 })
    #expect(network.parameters["norm.weight"].allSatisfy { $0 == 1 })
    #expect(network.parameters["norm.bias"].allSatisfy { $0 == 1 })
  }

  @Test func gradientsAreMeasuredAndScaled() throws {
    let network = try makeNetwork()
    assign(
      [Float](repeating: 3, count: 32) + [Float](repeating: 4, count: 8), to: network.gradients)
    // Not trained: not counted.
    network.gradients["norm.bias"] = [Float](repeating: 100, count: 8)
    let optimizer = try Optimizer(.sgd(momentum: 0), weightDecay: 0, network: network)
    let length = (9.0 * 32 + 16 * 8).squareRoot()
    #expect(optimizer.gradientNorm(network.gradients) == length)
    optimizer.step(
      network.parameters, gradients: network.gradients, learningRate: 1, gradientScale: 0.5)
    #expect(network.parameters["layer.bias"].allSatisfy { $0 == -2 })
    #expect(network.parameters["norm.bias"].allSatisfy { $0 == 0 })
  }

  @Test func ratesFollowTheSchedule() {
    let steps = LearningRateSchedule(
      base: 0.1, shape: .steps(at: [60, 80]), warmUp: 10, warmUpFactor: 0.1, iterations: 90)
    #expect(steps.rate(at: 0) == 0.1 * 0.1)
    #expect(abs(steps.rate(at: 5) - 0.055) < 1e-15)
    #expect(steps.rate(at: 10) == 0.1 && steps.rate(at: 59) == 0.1)
    #expect(steps.rate(at: 60) == 0.1 * 0.1 && steps.rate(at: 80) == 0.1 * 0.1 * 0.1)
    let cosine = LearningRateSchedule(base: 2, shape: .cosine(final: 0.1), iterations: 100)
    #expect(cosine.rate(at: 0) == 2)
    #expect(abs(cosine.rate(at: 50) - 1.1) < 1e-12)
    #expect(abs(cosine.rate(at: 100) - 0.2) < 1e-12)
    #expect(cosine.rate(at: 25) > 1.1 && cosine.rate(at: 25) < 2)
  }

  @Test func averagesForgetTheStart() throws {
    let network = try makeNetwork()
    let average = try WeightAverage(decay: 0.5, layout: network.parameters.layout)
    var expected = 0.0
    for step in 0..<40 {
      network.parameters["layer.bias"] = [Float](repeating: Float(step + 1), count: 8)
      average.update(network.parameters)
      let kept = min(0.5, Double(step) / Double(step + 10))
      expected = kept * expected + (1 - kept) * Double(step + 1)
      expectClose(Double(average.numbers["layer.bias"][3]), expected, relative: 1e-5, absolute: 0)
    }
    #expect(expected > 38 && expected < 40)
    #expect(average.updateCount == 40)
  }
}

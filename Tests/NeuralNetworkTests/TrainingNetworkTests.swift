import Synchronization
import TestSupport
import Testing

@testable import NeuralNetwork

/// A small network with everything in it that RetinaNet has.
struct TrainingSubject {
  enum HeadNorm { case none, group }

  let graph: NetworkGraph
  let parameters: [String: [Float]]
  let batchNorms: Set<String>

  /// Additions whose inputs are needed again, or are changed on the way back, or are one and the same.
  static func tangle(seed: UInt64) -> TrainingSubject {
    var graph = NetworkGraph(inputChannels: 3)
    var count = 0
    func convolution(_ value: NetworkGraph.Value) -> NetworkGraph.Value {
      count += 1
      return graph.convolution(value, "c\(count)", outputChannels: 16, kernel: 3)
    }
    let start = convolution(graph.input)
    let linear = convolution(start)
    let positive = graph.relu(convolution(start))
    let first = graph.add(positive, linear)
    let other = graph.relu(convolution(first))
    let second = graph.add(other, positive)
    let twice = graph.add(second, second)
    let third = graph.add(graph.add(twice, convolution(linear)), first)
    graph.returns(convolution(graph.relu(third)))
    graph.returns(third)
    return TrainingSubject(graph, batchNorms: [], seed: seed)
  }

  init(headNorm: HeadNorm, width: Int = 16, seed: UInt64) {
    var graph = NetworkGraph(inputChannels: 3)
    var norms: Set<String> = []
    func normalized(
      _ value: NetworkGraph.Value, _ name: String, _ channels: Int, kernel: Int, stride: Int = 1
    ) -> NetworkGraph.Value {
      let value = graph.convolution(
        value, name, outputChannels: channels, kernel: kernel, stride: stride, hasBias: false)
      norms.insert("\(name).norm")
      return graph.batchNorm(value, "\(name).norm", epsilon: 1e-5)
    }
    func block(_ input: NetworkGraph.Value, _ name: String, _ channels: Int, stride: Int)
      -> NetworkGraph.Value
    {
      var shortcut = input
      if stride > 1 || graph.channels(input) != channels {
        shortcut = normalized(input, "\(name).shortcut", channels, kernel: 1, stride: stride)
      }
      var value = graph.relu(normalized(input, "\(name).a", channels, kernel: 3, stride: stride))
      value = normalized(value, "\(name).b", channels, kernel: 3)
      return graph.relu(graph.add(value, shortcut))
    }
    var value = graph.relu(normalized(graph.input, "stem", width, kernel: 7, stride: 2))
    value = graph.maxPool(value, kernel: 3, stride: 2, padding: 1)
    value = block(value, "one", width, stride: 1)
    let fine = block(value, "two", 2 * width, stride: 1)
    let coarse = block(fine, "three", 2 * width, stride: 2)
    let top = graph.convolution(coarse, "top", outputChannels: 32, kernel: 1)
    var lateral = graph.convolution(fine, "lateral", outputChannels: 32, kernel: 1)
    lateral = graph.add(lateral, graph.upsampleNearest(top, toSizeOf: lateral))
    let extra = graph.convolution(top, "extra", outputChannels: 32, kernel: 3, stride: 2)
    let last = graph.convolution(
      graph.relu(extra), "last", outputChannels: 32, kernel: 3, stride: 2)
    for level in [
      graph.convolution(lateral, "smooth", outputChannels: 32, kernel: 3), top, extra, last,
    ] {
      var value = level
      for index in 0..<2 {
        value = graph.convolution(
          value, "head.\(index)", outputChannels: 32, kernel: 3, hasBias: headNorm == .none)
        if headNorm == .group {
          value = graph.groupNorm(value, "head.\(index).norm", groups: 8, epsilon: 1e-5)
        }
        value = graph.relu(value)
      }
      graph.returns(graph.convolution(value, "output", outputChannels: 18, kernel: 3))
    }
    self.init(graph, batchNorms: norms, seed: seed)
  }

  init(_ graph: NetworkGraph, batchNorms: Set<String>, seed: UInt64) {
    self.graph = graph
    self.batchNorms = batchNorms
    var generator = SeededGenerator(seed: seed)
    var parameters: [String: [Float]] = [:]
    for parameter in graph.parameters {
      let count = parameter.shape.reduce(1, *)
      let fanIn = count / parameter.shape[0]
      let isConvolution = parameter.shape.count == 4
      let isVariance = parameter.name.hasSuffix("running_var")
      parameters[parameter.name] = (0..<count).map { _ in
        let number = generator.unitFloat() - 0.5
        if isConvolution { return number * (24 / Float(fanIn)).squareRoot() }
        return isVariance || parameter.name.hasSuffix("norm.weight") ? 1 + number : number
      }
    }
    self.parameters = parameters
  }

  func makeTraining(
    trained: Set<String>? = nil, imagesPerCall: Int = 1, workers: Int = 2,
    algorithm: ConvolutionAlgorithm = .direct, planLimit: Int = 16
  ) throws -> TrainingNetwork {
    let network = try TrainingNetwork(
      graph, trained: trained ?? convolutions, imagesPerCall: imagesPerCall, workers: workers,
      algorithm: algorithm, planLimit: planLimit)
    for (name, values) in parameters { network.parameters[name] = values }
    return network
  }

  /// What is trained where batch norms are frozen.
  var convolutions: Set<String> {
    Set(graph.parameters.map(\.name)).filter { name in
      !batchNorms.contains { name.hasPrefix("\($0).") }
    }
  }

  /// What is trained where they are not.
  var everything: Set<String> {
    Set(graph.parameters.map(\.name)).filter { !$0.contains(".running_") }
  }
}

/// A batch of pictures and, for each output, the gradient of a loss that is linear in it.
struct TrainingBatch {
  let count: Int
  let height: Int
  let width: Int
  let pictures: [[Float]]
  let probes: [[[Float]]]

  init(_ graph: NetworkGraph, count: Int, height: Int, width: Int, seed: UInt64) {
    self.count = count
    self.height = height
    self.width = width
    var generator = SeededGenerator(seed: seed)
    func numbers(_ count: Int) -> [Float] { (0..<count).map { _ in generator.unitFloat() - 0.5 } }
    let sizes = graph.sizes(height: height, width: width)
    pictures = (0..<count).map { _ in numbers(3 * height * width) }
    probes = (0..<count).map { _ in
      graph.outputs.map { output in
        let size = sizes[output.index]
        return numbers(graph.channels(output) * size.height * size.width)
      }
    }
  }

  /// Runs the batch; the loss is the sum of outputs times probes.
  func run(_ network: TrainingNetwork) throws -> [Double] {
    let (pictures, probes) = (pictures, probes)
    return try network.computeGradients(
      imageCount: count, height: height, width: width,
      writeInput: { image, input in
        input.withUnsafeMutableBufferPointer { _ = $0.update(fromContentsOf: pictures[image]) }
      },
      loss: { image, outputs, gradients in
        var sum = 0.0
        for (index, probe) in probes[image].enumerated() {
          gradients[index].assign(plain: probe)
          for (value, factor) in zip(outputs[index].plain(), probe) {
            sum += Double(value) * Double(factor)
          }
        }
        return sum
      })
  }

  /// The same in float64.
  func reference(_ network: TrainingSubject, trainedNorms: Set<String>) -> (
    ReferenceTraining, loss: Double
  ) {
    var input = ReferenceTraining.Maps(count, 3, height, width)
    input.values = pictures.joined().map(Double.init)
    var reference = ReferenceTraining(
      network.graph, parameters: network.parameters.mapValues { $0.map(Double.init) },
      trainedNorms: trainedNorms, input: input)
    var loss = 0.0
    let gradients = network.graph.outputs.enumerated().map { index, output in
      var gradient = reference.values[output.index]
      gradient.values = probes.flatMap { $0[index].map(Double.init) }
      for (value, factor) in zip(reference.values[output.index].values, gradient.values) {
        loss += value * factor
      }
      return gradient
    }
    reference.runBackward(gradients)
    return (reference, loss)
  }
}

@Suite struct TrainingNetworkTests {
  /// Every gradient's distance from the float64 reference, relative to its length.
  private func expectEqual(
    _ network: TrainingNetwork, _ reference: ReferenceTraining, tolerance: Double,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    var compared = 0
    for name in network.trained {
      guard let expected = reference.gradients[name] else {
        Issue.record("no reference for \(name)", sourceLocation: sourceLocation)
        continue
      }
      let actual = network.gradients[name]
      var (distance, length) = (0.0, 0.0)
      for (a, e) in zip(actual, expected) {
        distance += (Double(a) - e) * (Double(a) - e)
        length += e * e
      }
      #expect(length > 0, "\(name) has no gradient to compare", sourceLocation: sourceLocation)
      #expect(
        (distance / length).squareRoot() < tolerance,
        "\(name): \((distance / length).squareRoot())", sourceLocation: sourceLocation)
      compared += 1
    }
    #expect(compared > 0, sourceLocation: sourceLocation)
  }

  @Test(arguments: [TrainingSubject.HeadNorm.none, .group])
  func gradientsWithFrozenNormsEqualTheReference(_ headNorm: TrainingSubject.HeadNorm) throws {
    let small = TrainingSubject(headNorm: headNorm, seed: 1)
    // 13 and 7 rows on the levels: nearest upsampling by a ratio that is not whole.
    let batch = TrainingBatch(small.graph, count: 2, height: 52, width: 40, seed: 2)
    let (reference, loss) = batch.reference(small, trainedNorms: [])
    let network = try small.makeTraining()
    let losses = try batch.run(network)
    #expect(losses.count == 2)
    #expect(abs(losses.reduce(0, +) - loss) < 1e-5 * abs(loss))
    expectEqual(network, reference, tolerance: 5e-6)
    for name in small.graph.parameters.map(\.name) where !network.trained.contains(name) {
      #expect(network.gradients[name].allSatisfy { $0 == 0 })
    }
  }

  @Test func gradientsWithTrainedNormsEqualTheReference() throws {
    let small = TrainingSubject(headNorm: .none, seed: 3)
    let batch = TrainingBatch(small.graph, count: 3, height: 40, width: 36, seed: 4)
    let (reference, loss) = batch.reference(small, trainedNorms: small.batchNorms)
    let network = try small.makeTraining(trained: small.everything, imagesPerCall: 3)
    let losses = try batch.run(network)
    #expect(abs(losses.reduce(0, +) - loss) < 1e-5 * abs(loss))
    expectEqual(network, reference, tolerance: 2e-5)
    // The statistics of the batch, and what becomes of the running ones.
    for prefix in small.batchNorms {
      for name in ["\(prefix).running_mean", "\(prefix).running_var"] {
        let before = network.parameters[name]
        let batchStatistics = network.gradients[name]
        for (actual, expected) in zip(batchStatistics, reference.numbersOfBatch(name)) {
          #expect(abs(Double(actual) - expected) < 1e-5 * max(1, abs(expected)), "\(name)")
        }
        network.updateRunningStatistics(momentum: 0.25)
        for (index, number) in network.parameters[name].enumerated() {
          let expected = 0.75 * before[index] + 0.25 * batchStatistics[index]
          #expect(abs(number - expected) < 1e-6 * max(1, abs(expected)))
        }
        network.parameters[name] = before
      }
    }
  }

  /// Groups of fewer channels than a block has, with and without a batch norm folded in.
  @Test(arguments: [(32, 8, 1), (24, 3, 2), (15, 5, 1)])
  func gradientsOfGroupedConvolutionsEqualTheReference(
    channels: Int, groups: Int, stride: Int
  ) throws {
    var graph = NetworkGraph(inputChannels: 3)
    let wide = graph.convolution(graph.input, "wide", outputChannels: channels, kernel: 3)
    let folded = graph.batchNorm(
      graph.convolution(
        wide, "folded", outputChannels: channels, kernel: 3, stride: stride, groups: groups,
        hasBias: false), "folded.norm", epsilon: 1e-5)
    graph.returns(
      graph.convolution(
        graph.relu(folded), "last", outputChannels: channels, kernel: 3, groups: groups))
    let small = TrainingSubject(graph, batchNorms: ["folded.norm"], seed: 31)
    let batch = TrainingBatch(graph, count: 2, height: 13, width: 9, seed: 32)
    let (reference, loss) = batch.reference(small, trainedNorms: [])
    let network = try small.makeTraining()
    let losses = try batch.run(network)
    #expect(abs(losses.reduce(0, +) - loss) < 1e-5 * abs(loss))
    expectEqual(network, reference, tolerance: 5e-6)
  }

  @Test func gradientsOfATangleOfAdditionsEqualTheReference() throws {
    let small = TrainingSubject.tangle(seed: 21)
    let batch = TrainingBatch(small.graph, count: 2, height: 9, width: 7, seed: 22)
    let (reference, loss) = batch.reference(small, trainedNorms: [])
    let network = try small.makeTraining()
    let losses = try batch.run(network)
    #expect(abs(losses.reduce(0, +) - loss) < 1e-5 * abs(loss))
    expectEqual(network, reference, tolerance: 5e-6)
  }

  /// The stem and the first block are frozen: nothing runs backward there, and the rest is as before.
  @Test func frozenStagesChangeNothingAbove() throws {
    let small = TrainingSubject(headNorm: .none, seed: 5)
    let batch = TrainingBatch(small.graph, count: 2, height: 48, width: 48, seed: 6)
    let whole = try small.makeTraining()
    _ = try batch.run(whole)
    let trained = small.convolutions.filter { !$0.hasPrefix("stem") && !$0.hasPrefix("one") }
    let part = try small.makeTraining(trained: trained)
    _ = try batch.run(part)
    #expect(trained.count < small.convolutions.count)
    for name in small.convolutions {
      let gradient = part.gradients[name]
      if trained.contains(name) {
        #expect(gradient == whole.gradients[name], "\(name)")
      } else {
        #expect(gradient.allSatisfy { $0 == 0 }, "\(name)")
      }
    }
    let sizes = try (part.memory(height: 48, width: 48), whole.memory(height: 48, width: 48))
    #expect(sizes.0.perWorker < sizes.1.perWorker)
  }

  /// Batch norms of frozen stages keep their running statistics where those above take the batch's.
  @Test func frozenNormsBelowTrainedOnes() throws {
    let small = TrainingSubject(headNorm: .none, seed: 7)
    let batch = TrainingBatch(small.graph, count: 2, height: 48, width: 40, seed: 8)
    let frozen = { (name: String) in name.hasPrefix("stem") || name.hasPrefix("one") }
    let (reference, _) = batch.reference(
      small, trainedNorms: small.batchNorms.filter { !frozen($0) })
    let network = try small.makeTraining(
      trained: small.everything.filter { !frozen($0) }, imagesPerCall: 2)
    _ = try batch.run(network)
    expectEqual(network, reference, tolerance: 2e-5)
    #expect(network.gradients["stem.norm.running_mean"].allSatisfy { $0 == 0 })
  }

  /// On maps large enough for Winograd: its distance, and that it was used at all.
  @Test func winogradIsNear() throws {
    let small = TrainingSubject(headNorm: .none, width: 32, seed: 9)
    let batch = TrainingBatch(small.graph, count: 2, height: 96, width: 104, seed: 10)
    let direct = try small.makeTraining(imagesPerCall: 2)
    let winograd = try small.makeTraining(imagesPerCall: 2, algorithm: .winograd)
    _ = try batch.run(direct)
    _ = try batch.run(winograd)
    var worst = 0.0
    for name in small.convolutions {
      var (distance, length) = (0.0, 0.0)
      for (a, b) in zip(direct.gradients[name], winograd.gradients[name]) {
        distance += Double(a - b) * Double(a - b)
        length += Double(a) * Double(a)
      }
      worst = max(worst, (distance / length).squareRoot())
    }
    #expect(worst < 2e-5)
    #expect(worst > 0)
  }

  @Test func neitherThreadsNorEarlierSizesChangeABit() throws {
    let small = TrainingSubject(headNorm: .group, seed: 11)
    let batch = TrainingBatch(small.graph, count: 5, height: 64, width: 96, seed: 12)
    let other = TrainingBatch(small.graph, count: 2, height: 96, width: 64, seed: 13)
    var results: [[Float]] = []
    for workers in [1, 2, 3] {
      let network = try small.makeTraining(workers: workers, algorithm: .winograd, planLimit: 1)
      _ = try other.run(network)
      _ = try batch.run(network)
      results.append(Array(network.gradients.numbers))
    }
    #expect(results[0] == results[1] && results[0] == results[2])
    #expect(results[0].contains { $0 != 0 })
  }

  /// A step along the gradient lowers the loss as much as the gradient says, so changed parameters are packed anew.
  @Test func parametersCanBeChangedBetweenRuns() throws {
    let small = TrainingSubject(headNorm: .none, seed: 14)
    let batch = TrainingBatch(small.graph, count: 2, height: 64, width: 64, seed: 15)
    let network = try small.makeTraining()
    let before = try batch.run(network).reduce(0, +)
    let squared = network.gradients.numbers.reduce(0) { $0 + Double($1) * Double($1) }
    let step = 1e-4 * abs(before) / squared
    for index in network.parameters.numbers.indices {
      network.parameters.numbers[index] -= Float(step) * network.gradients.numbers[index]
    }
    let after = try batch.run(network).reduce(0, +)
    #expect(abs((before - after) / (step * squared) - 1) < 0.05)
  }

  @Test func theFirstOperationThatIsNotFiniteIsFound() throws {
    let small = TrainingSubject(headNorm: .none, seed: 16)
    let network = try small.makeTraining()
    func find(_ write: (Int, inout MutableSpan<Float>) -> Void) throws -> (
      operation: String, image: Int
    )? {
      try network.findNonFinite(imageCount: 3, height: 64, width: 64, writeInput: write)
    }
    #expect(try find { $1.update(repeating: 0.5) } == nil)
    let broken = try find { image, input in
      input.update(repeating: 0.5)
      if image == 2 { input[7] = .nan }
    }
    #expect(broken?.operation == "input" && broken?.image == 2)
    network.parameters["top.bias"] = Array(repeating: .infinity, count: 32)
    let layer = try find { $1.update(repeating: 0.5) }
    #expect(layer?.operation.hasPrefix("top.weight 1x1/1 direct") == true)
    #expect(layer?.image == 0)
  }

  @Test func errorsOfTheClosuresPassThrough() throws {
    struct Refused: Error {}
    let small = TrainingSubject(headNorm: .none, seed: 17)
    let network = try small.makeTraining()
    #expect(throws: Refused.self) {
      _ = try network.computeGradients(
        imageCount: 2, height: 64, width: 64, writeInput: { _, _ in throw Refused() },
        loss: { _, _, _ in 0 })
    }
  }
}

extension ReferenceTraining {
  func numbersOfBatch(_ name: String) -> [Double] { gradients[name] ?? [] }
}

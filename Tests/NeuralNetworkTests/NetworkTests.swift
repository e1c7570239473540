import Testing

@testable import NeuralNetwork

/// Small networks with everything that fusion and shared memory can get wrong, for the tests that follow.
enum SmallNetwork: String, CaseIterable, Sendable {
  case bottleneck, basicBlock, shortcutReadLater, sumOfOutputs, pyramid, sharedHead, groupNormHead

  var graph: NetworkGraph {
    var graph = NetworkGraph(inputChannels: 3)
    func normalised(
      _ value: NetworkGraph.Value, _ name: String, _ channels: Int, kernel: Int = 3,
      stride: Int = 1
    ) -> NetworkGraph.Value {
      let convolved = graph.convolution(
        value, name, outputChannels: channels, kernel: kernel, stride: stride, hasBias: false)
      return graph.batchNorm(convolved, "\(name).norm", epsilon: 1e-5)
    }
    let stem = graph.relu(normalised(graph.input, "stem", 20, stride: 2))
    switch self {
    case .bottleneck:
      let shortcut = normalised(stem, "shortcut", 36, kernel: 1)
      let narrow = graph.relu(normalised(stem, "a", 9, kernel: 1))
      let middle = graph.relu(normalised(narrow, "b", 9))
      let wide = normalised(middle, "c", 36, kernel: 1)
      graph.returns(graph.relu(graph.add(wide, shortcut)))
    case .basicBlock:
      // The first addition's shortcut is the block's own input, read again by nobody; the second's too.
      var value = stem
      for block in 0..<2 {
        let a = graph.relu(normalised(value, "a\(block)", 20))
        value = graph.relu(graph.add(normalised(a, "b\(block)", 20), value))
      }
      graph.returns(value)
    case .shortcutReadLater:
      // The sum must not be written over `stem`, which is read after it, nor over an input of its own
      // convolution; nor may a convolution whose plain result is needed swallow the sum.
      let sum = graph.add(normalised(stem, "a", 20), stem)
      let plain = normalised(sum, "b", 20)
      let positive = graph.relu(plain)
      let second = graph.relu(graph.add(plain, sum))
      graph.returns(graph.add(graph.add(second, positive), stem))
    case .sumOfOutputs:
      // Values that a run returns are read, added to and passed through ReLU, and must survive all of it.
      let a = normalised(stem, "a", 17)
      let b = normalised(stem, "b", 17)
      let sum = graph.add(b, a)
      for value in [stem, a, graph.relu(a), sum, graph.relu(sum), b, a] { graph.returns(value) }
      graph.returns(graph.add(normalised(stem, "c", 17), a))
    case .pyramid:
      let fine = graph.relu(normalised(stem, "fine", 24))
      let coarse = graph.relu(normalised(fine, "coarse", 40, stride: 2))
      let coarsest = graph.relu(normalised(coarse, "coarsest", 48, stride: 2))
      var merged = graph.convolution(coarsest, "lateral2", outputChannels: 32, kernel: 1)
      graph.returns(graph.convolution(merged, "output2", outputChannels: 32, kernel: 3))
      for (index, stage) in [(1, coarse), (0, fine)] {
        let upsampled = graph.upsampleNearest(merged, toSizeOf: stage)
        let lateral = graph.convolution(stage, "lateral\(index)", outputChannels: 32, kernel: 1)
        merged = graph.add(lateral, upsampled)
        graph.returns(graph.convolution(merged, "output\(index)", outputChannels: 32, kernel: 3))
      }
      let extra = graph.convolution(coarsest, "p6", outputChannels: 32, kernel: 3, stride: 2)
      graph.returns(extra)
      let last = graph.convolution(
        graph.relu(extra), "p7", outputChannels: 32, kernel: 3, stride: 2)
      graph.returns(last)
    case .sharedHead, .groupNormHead:
      var levels = [graph.relu(normalised(stem, "level", 32))]
      for index in 1..<4 {
        levels.append(normalised(levels[index - 1], "level\(index)", 32, stride: 2))
      }
      for level in levels {
        var value = level
        for layer in 0..<2 {
          value = graph.convolution(value, "head\(layer)", outputChannels: 32, kernel: 3)
          if self == .groupNormHead {
            value = graph.groupNorm(value, "head\(layer).norm", groups: 16, epsilon: 1e-5)
          }
          value = graph.relu(value)
        }
        graph.returns(graph.convolution(value, "logits", outputChannels: 27, kernel: 3))
      }
    }
    return graph
  }

  /// Input sizes: odd pyramids (13 to 25), one row, whole multiples.
  static let sizes = [(49, 33), (1, 40), (32, 64)]
}

@Suite struct NetworkTests {
  /// Rounding of this many convolutions one after another, of the greatest number, where none of them enlarges
  /// differences much: weights keep the rms.
  private static let tolerance = 64 * 0x1p-23

  @Test(arguments: SmallNetwork.allCases, SmallNetwork.sizes)
  func planEqualsInterpreter(_ network: SmallNetwork, size: (height: Int, width: Int)) throws {
    let test = TestNetwork(network.graph)
    let reference = try test.reference(height: size.height, width: size.width)
    for algorithm in [ConvolutionAlgorithm.direct, .winograd] {
      let run = try test.run(height: size.height, width: size.width, algorithm: algorithm)
      #expect(run.outputs.count == reference.count)
      #expect(run.paddingIsZero)
      for (output, expected) in zip(run.outputs, reference) {
        let greatest = expected.values.map(abs).max() ?? 0
        let difference = Difference(output, expected)
        #expect(difference.rms > 0.05, "no signal in \(network)")
        #expect(
          difference.greatest <= Self.tolerance * (1 + greatest), "\(algorithm): \(difference)")
      }
    }
  }

  @Test func blocksAreOneCallForEachConvolution() {
    for (network, calls) in [
      (SmallNetwork.bottleneck, 5), (.basicBlock, 5), (.groupNormHead, 5 + 4 * 5),
      (.sharedHead, 5 + 4 * 3), (.pyramid, 4 + 6 + 2 + 3),
    ] {
      #expect(network.graph.calls(trained: nil).count == calls, "\(network)")
    }
  }

  /// Blocks add in place: the slab of a long chain of them is that of one.
  @Test func memoryDoesNotGrowWithDepth() throws {
    func slab(blocks: Int) throws -> Int {
      var graph = NetworkGraph(inputChannels: 3)
      var value = graph.convolution(graph.input, "stem", outputChannels: 16, kernel: 3)
      for index in 0..<blocks {
        let a = graph.convolution(value, "a\(index)", outputChannels: 16, kernel: 3)
        let b = graph.convolution(graph.relu(a), "b\(index)", outputChannels: 16, kernel: 3)
        value = graph.relu(graph.add(b, value))
      }
      graph.returns(value)
      return try InferencePlan.memory(graph, height: 32, width: 32).slab
    }
    #expect(try slab(blocks: 12) == slab(blocks: 1))
    // A block and its shortcut.
    #expect(try slab(blocks: 12) == 2 * 16 * 32 * 32 * 4)
  }

  @Test func memoryIsKnownWithoutWeights() throws {
    for network in SmallNetwork.allCases {
      let store = WeightStore(load: TestNetwork(network.graph).load)
      let plan = try InferencePlan(network.graph, height: 50, width: 97, store: store)
      #expect(try InferencePlan.memory(network.graph, height: 50, width: 97) == plan.memory)
    }
  }

  @Test(arguments: [(0, 5), (5, 0), (1 << 20, 1 << 20)])
  func sizesOutOfRangeAreRefused(height: Int, width: Int) {
    #expect(throws: NeuralNetworkError.self) {
      try TestNetwork(SmallNetwork.pyramid.graph).makePlan(height: height, width: width)
    }
  }

  /// Under AVX2 blocks are of 8 channels. In a process of its own, as oneDNN decides on the instruction set once.
  @Test func avx2EqualsInterpreter() async {
    await #expect(processExitsWith: .success) {
      try InstructionSet.limit(to: .avx2)
      #expect(InstructionSet.effective == .avx2)
      for network in SmallNetwork.allCases {
        let test = TestNetwork(network.graph)
        let run = try test.run(height: 49, width: 33)
        #expect(run.labels.contains { $0.contains("winograd") } || network != .sharedHead)
        #expect(run.paddingIsZero)
        for (output, expected) in zip(run.outputs, try test.reference(height: 49, width: 33)) {
          let difference = Difference(output, expected)
          #expect(
            difference.rms > 0.05 && difference.greatest < 1e-4 * difference.rms,
            "\(network): \(difference)")
        }
      }
    }
  }
}

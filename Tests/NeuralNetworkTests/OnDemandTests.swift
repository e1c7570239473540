import TestSupport
import Testing

@testable import NeuralNetwork

/// Outputs that are computed where they are wanted.
@Suite struct OnDemandTests {
  /// What the heads' layers are computed in.
  enum Arithmetic: CaseIterable {
    case winograd, direct, int8Direct, int8Winograd2, int8Winograd4, bfloat16Winograd,
      bfloat16Direct

    static var possible: [Arithmetic] {
      allCases.filter {
        InstructionSet.hasBFloat16 || $0 != .bfloat16Winograd && $0 != .bfloat16Direct
      }
    }

    /// In float32 no whole blocks of them.
    var channels: Int { self == .winograd || self == .direct ? 20 : 32 }

    var algorithm: ConvolutionAlgorithm {
      self == .direct || self == .bfloat16Direct ? .direct : .winograd
    }

    func precision(_ graph: NetworkGraph) -> Precision {
      func quantization(_ points: Int? = nil) -> Precision {
        let calls = graph.convolutionCalls
        let quantizable = Set(graph.quantizableValueNames)
        var quantization = Quantization()
        for call in calls where quantizable.contains(call.input) {
          let hasRelu = calls.contains { $0.name == call.input && $0.hasRelu }
          quantization.values[call.input] = .init(low: hasRelu ? 0 : -4, high: 4)
          let largest = points.map { [Float](repeating: 12, count: $0) }
          quantization.convolutions[call.name] =
            call.hasWinograd ? largest.map { .winograd(largest: $0) } ?? .direct : .direct
        }
        return .int8(quantization)
      }
      return switch self {
      case .winograd, .direct: .float32
      case .int8Direct: quantization()
      case .int8Winograd2: quantization(16)
      case .int8Winograd4: quantization(36)
      case .bfloat16Winograd, .bfloat16Direct: .bfloat16
      }
    }
  }

  /// Two heads of four layers over three levels that share them, the second on demand; with or without group norms.
  private static func graph(hasNorm: Bool = false, channels: Int = 20) -> NetworkGraph {
    var graph = NetworkGraph(inputChannels: 3)
    let stem = graph.convolution(
      graph.input, "stem", outputChannels: channels, kernel: 3, stride: 2)
    var levels = [graph.relu(stem)]
    for index in 1..<3 {
      levels.append(
        graph.convolution(
          levels[index - 1], "level\(index)", outputChannels: channels, kernel: 3, stride: 2))
    }
    func head(_ level: NetworkGraph.Value, _ name: String) -> NetworkGraph.Value {
      var value = level
      for layer in 0..<3 {
        value = graph.convolution(value, "\(name)\(layer)", outputChannels: channels, kernel: 3)
        if hasNorm {
          value = graph.groupNorm(value, "\(name)\(layer).norm", groups: 4, epsilon: 1e-5)
        }
        value = graph.relu(value)
      }
      return graph.convolution(value, "\(name).output", outputChannels: 12, kernel: 3)
    }
    let prompt = levels.map { head($0, "classes") }
    let demanded = levels.map { head($0, "boxes") }
    for value in prompt { graph.returns(value) }
    for value in demanded { graph.returnsOnDemand(value) }
    return graph
  }

  private let levelCount = 3

  private func random(
    _ size: (rows: Int, columns: Int), share: Double, _ generator: inout SeededGenerator
  ) -> MapArea {
    var area = MapArea(height: size.rows, width: size.columns)
    for y in 0..<size.rows {
      for x in 0..<size.columns where Double(generator.unitFloat()) < share {
        area.insert(y: y, x: x)
      }
    }
    return area
  }

  private func run(
    _ plan: InferencePlan, on worker: InferenceWorker, input: [Float], _ wanted: [MapArea]?
  ) throws -> [[Float]] {
    try worker.run(plan) { buffer in
      buffer.withUnsafeMutableBufferPointer { _ = $0.update(fromContentsOf: input) }
    } wants: { prompt in
      #expect(prompt.count == levelCount)
      return wanted
    } readOutputs: { images in
      images.map { $0.plain() }
    }
  }

  /// The bits of what is wanted are those of a run that computes all, whatever lay in the memory before.
  @Test(arguments: [false, true], Arithmetic.possible)
  func wantedBitsAreThoseOfAll(hasNorm: Bool, arithmetic: Arithmetic) throws {
    let seed = UInt64.random(in: 0...1_000_000)
    var generator = SeededGenerator(seed: seed)
    let graph = Self.graph(hasNorm: hasNorm, channels: arithmetic.channels)
    let test = TestNetwork(graph, seed: seed)
    for (height, width) in [(94, 300), (16, 18), (180, 80)] {
      let plan = try test.makePlan(
        height: height, width: width, precision: arithmetic.precision(graph),
        algorithm: arithmetic.algorithm)
      let worker = try InferenceWorker()
      let input = test.makeInput(height: height, width: width)
      let all = try run(plan, on: worker, input: input, nil)
      let sizes = Array(test.graph.outputSizes(height: height, width: width).suffix(levelCount))
      for share in [0, 0.0005, 0.002, 0.02, 0.2, 1] {
        // What the run before leaves behind is of another picture, and not a number in places.
        _ = try run(
          plan, on: worker, input: input.map { _ in generator.below(50) == 0 ? .nan : 1 }, nil)
        let wanted = sizes.map { random($0, share: share, &generator) }
        let found = try run(plan, on: worker, input: input, wanted)
        #expect(found.prefix(levelCount).elementsEqual(all.prefix(levelCount)))
        for (level, area) in wanted.enumerated() {
          let pixels = area.height * area.width
          let (right, got) = (all[levelCount + level], found[levelCount + level])
          let wrong = right.indices.filter { place in
            let (y, x) = (place % pixels).quotientAndRemainder(dividingBy: area.width)
            return area.contains(y: y, x: x) && right[place].bitPattern != got[place].bitPattern
          }
          #expect(
            wrong.isEmpty, "seed \(seed), \(width)x\(height), level \(level), share \(share)")
        }
      }
    }
  }

  /// Nothing wanted of a level: no step of it runs. One pixel: less is computed than of all.
  @Test(arguments: Arithmetic.possible)
  func whatIsNotWantedIsNotComputed(arithmetic: Arithmetic) throws {
    let graph = Self.graph(channels: arithmetic.channels)
    let test = TestNetwork(graph)
    let (height, width) = (256, 320)
    let plan = try test.makePlan(
      height: height, width: width, precision: arithmetic.precision(graph),
      algorithm: arithmetic.algorithm)
    let worker = try InferenceWorker()
    let input = test.makeInput(height: height, width: width)
    var labels: [String] = []
    worker.stepObserver = { label, _ in labels.append(label) }
    let sizes = test.graph.outputSizes(height: height, width: width).suffix(levelCount)
    let nothing = sizes.map { MapArea(height: $0.rows, width: $0.columns) }
    _ = try run(plan, on: worker, input: input, nothing)
    #expect(!labels.isEmpty && labels.allSatisfy { !$0.contains("boxes") })
    labels = []
    var wanted = nothing
    wanted[0].insert(y: 50, x: 70)
    let some = try run(plan, on: worker, input: input, wanted)
    #expect(labels.filter { $0.contains("boxes") }.allSatisfy { $0.contains("128x160") })
    #expect(labels.filter { $0.contains("boxes") }.count == 4)
    let all = try run(plan, on: worker, input: input, nil)
    #expect(some[levelCount] != all[levelCount])
  }

  @Test func areasOfWindows() {
    var area = MapArea(height: 9, width: 13)
    area.insert(y: 5, x: 12)
    area.insert(rows: -3..<1, columns: 2..<5)
    #expect(area.pixelCount == 4 && area.contains(y: 0, x: 2) && !area.contains(y: 1, x: 2))
    var runs: [[Int]] = []
    let four = MapSize(height: 4, width: 4)
    area.forEachRun(ofTiles: four) { runs.append([$0, $1, $2]) }
    #expect(runs == [[0, 0, 2], [1, 3, 1]])
    let windows = Reach.windows(ofTiles: four, margin: 1)
      .read(for: area, size: MapSize(height: 9, width: 13))
    var expected = MapArea(height: 9, width: 13)
    expected.insert(rows: 0..<5, columns: 0..<9)
    expected.insert(rows: 3..<9, columns: 11..<13)
    #expect(windows == expected)
    let bands = Reach.windows(ofTiles: MapSize(height: 2, width: 13), margin: 2)
      .read(for: area, size: MapSize(height: 9, width: 13))
    var upper = MapArea(height: 9, width: 13)
    upper.insert(rows: 0..<8, columns: 0..<13)
    #expect(bands == upper)
    var lower = MapArea(height: 9, width: 13)
    lower.insert(y: 6, x: 3)
    var rows = MapArea(height: 9, width: 13)
    rows.insert(rows: 5..<9, columns: 0..<13)
    #expect(
      Reach.windows(ofTiles: MapSize(height: 2, width: 13), margin: 1)
        .read(for: lower, size: MapSize(height: 9, width: 13)) == rows)
    #expect(Reach.map.computed(area) == .whole(height: 9, width: 13))
    let nothing = MapArea(height: 9, width: 13)
    #expect(Reach.map.computed(nothing).isEmpty)
    #expect(Reach.map.read(for: nothing, size: MapSize(height: 2, width: 2)).isEmpty)
  }
}

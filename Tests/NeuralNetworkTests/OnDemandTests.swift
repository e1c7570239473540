import TestSupport
import Testing

@testable import NeuralNetwork

/// Outputs that are computed where they are wanted.
@Suite struct OnDemandTests {
  /// Two heads of four layers over three levels that share them, the second on demand; with or without group norms.
  private static func graph(hasNorm: Bool = false) -> NetworkGraph {
    var graph = NetworkGraph(inputChannels: 3)
    let stem = graph.convolution(graph.input, "stem", outputChannels: 20, kernel: 3, stride: 2)
    var levels = [graph.relu(stem)]
    for index in 1..<3 {
      levels.append(
        graph.convolution(
          levels[index - 1], "level\(index)", outputChannels: 20, kernel: 3, stride: 2))
    }
    func head(_ level: NetworkGraph.Value, _ name: String) -> NetworkGraph.Value {
      var value = level
      for layer in 0..<3 {
        value = graph.convolution(value, "\(name)\(layer)", outputChannels: 20, kernel: 3)
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
  @Test(arguments: [false, true], [ConvolutionAlgorithm.winograd, .direct])
  func wantedBitsAreThoseOfAll(hasNorm: Bool, algorithm: ConvolutionAlgorithm) throws {
    let seed = UInt64.random(in: 0...1_000_000)
    var generator = SeededGenerator(seed: seed)
    let test = TestNetwork(Self.graph(hasNorm: hasNorm), seed: seed)
    for (height, width) in [(94, 300), (16, 18), (180, 80)] {
      let plan = try test.makePlan(height: height, width: width, algorithm: algorithm)
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
  @Test func whatIsNotWantedIsNotComputed() throws {
    let test = TestNetwork(Self.graph())
    let (height, width) = (256, 320)
    let plan = try test.makePlan(height: height, width: width)
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
    area.forEachRun(ofTiles: 4) { runs.append([$0, $1, $2]) }
    #expect(runs == [[0, 0, 2], [1, 3, 1]])
    let windows = Reach.windows(ofTiles: 4).read(for: area, size: MapSize(height: 9, width: 13))
    var expected = MapArea(height: 9, width: 13)
    expected.insert(rows: 0..<5, columns: 0..<9)
    expected.insert(rows: 3..<9, columns: 11..<13)
    #expect(windows == expected)
    #expect(Reach.map.computed(area) == .whole(height: 9, width: 13))
    let nothing = MapArea(height: 9, width: 13)
    #expect(Reach.map.computed(nothing).isEmpty)
    #expect(Reach.map.read(for: nothing, size: MapSize(height: 2, width: 2)).isEmpty)
  }
}

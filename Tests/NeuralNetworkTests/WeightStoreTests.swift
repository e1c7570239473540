import Glibc
import Synchronization
import Testing

@testable import NeuralNetwork

@Suite struct WeightStoreTests {
  /// Counts how often each tensor is loaded.
  private final class CountingLoader: Sendable {
    let network: TestNetwork
    let counts = Mutex<[String: Int]>([:])

    init(_ network: TestNetwork) { self.network = network }

    func load(_ name: String) throws -> [Float] {
      counts.withLock { $0[name, default: 0] += 1 }
      return network.weights[name] ?? []
    }

    var total: Int { counts.withLock { $0.values.reduce(0, +) } }
  }

  private func plan(
    _ loader: CountingLoader, _ store: WeightStore, _ height: Int, _ width: Int
  ) throws -> InferencePlan {
    try InferencePlan(loader.network.graph, height: height, width: width, store: store)
  }

  private func packed(_ plan: InferencePlan) throws -> Set<ObjectIdentifier> {
    Set(try plan.plan.packings.map { ObjectIdentifier(try plan.weights.weights(for: $0)) })
  }

  /// Four levels use one head, in as many packings as there are formats; a second plan uses the first's.
  @Test func plansShareWhatTheyPack() throws {
    let loader = CountingLoader(TestNetwork(SmallNetwork.sharedHead.graph))
    let store = WeightStore(load: loader.load)
    let first = try plan(loader, store, 64, 96)
    #expect(try packed(first).count <= 4 + 3 * 2)
    let loads = loader.total
    let second = try plan(loader, store, 64, 128)
    #expect(loader.total == loads)
    #expect(try packed(second) == packed(first))
  }

  @Test func weightsGoWithTheLastPlan() throws {
    let loader = CountingLoader(TestNetwork(SmallNetwork.pyramid.graph))
    let store = WeightStore(load: loader.load)
    weak var held: AlignedBuffer?
    do {
      let plan = try plan(loader, store, 40, 40)
      held = try plan.weights.weights(for: plan.plan.packings[0])
      #expect(held != nil)
    }
    #expect(held == nil)
    let loads = loader.total
    _ = try plan(loader, store, 40, 40)
    #expect(loader.total == 2 * loads)
  }

  /// Threads that compile at once pack each weight once.
  @Test func threadsPackOnce() async throws {
    let loader = CountingLoader(TestNetwork(SmallNetwork.sharedHead.graph))
    let store = WeightStore(load: loader.load)
    let alone = CountingLoader(loader.network)
    _ = try plan(alone, WeightStore(load: alone.load), 64, 96)
    let plans = try await withThrowingTaskGroup(of: InferencePlan.self) { group in
      for index in 0..<8 {
        group.addTask { try plan(loader, store, 64, 96 + index % 2 * 32) }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    #expect(plans.count == 8)
    #expect(loader.total == alone.total)
  }

  /// A plan that does not wait gives the same outputs, in a first run that meets weights in the making.
  @Test func runsMayBeginBeforeAllIsPacked() throws {
    let network = TestNetwork(SmallNetwork.sharedHead.graph)
    func outputs(waiting: Bool) throws -> [[Float]] {
      let store = WeightStore { name in
        if !waiting { usleep(2000) }
        return network.weights[name] ?? []
      }
      let plan = try InferencePlan(
        network.graph, height: 64, width: 96, store: store, waitsForWeights: waiting)
      return try InferenceWorker().run(plan) { input in
        for index in input.indices { input[index] = Float(index % 17) - 8 }
      } readOutputs: {
        $0.map { $0.plain() }
      }
    }
    #expect(try outputs(waiting: false) == outputs(waiting: true))
  }

  /// What is wrong with weights that nobody waited for is found by the run that needs them, each time.
  @Test func runsSayWhatIsWrongWithWeights() throws {
    struct Missing: Error {}
    let network = TestNetwork(SmallNetwork.sharedHead.graph)
    let names = network.graph.parameters.map(\.name).filter { $0.hasSuffix(".weight") }
    let store = WeightStore { name in
      if name == names.last { throw Missing() }
      return network.weights[name] ?? []
    }
    let plan = try InferencePlan(
      network.graph, height: 64, width: 96, store: store, waitsForWeights: false)
    let worker = try InferenceWorker()
    for _ in 0..<2 {
      #expect(throws: Missing.self) {
        try worker.run(plan, writeInput: { $0.update(repeating: 0) }, readOutputs: { _ in })
      }
    }
    #expect(throws: Missing.self) { try plan.finishPacking() }
  }

  @Test func unusableTensorsAreNamed() throws {
    let network = TestNetwork(SmallNetwork.bottleneck.graph)
    func problem(_ change: (inout [String: [Float]]) -> Void) -> NeuralNetworkError? {
      var weights = network.weights
      change(&weights)
      let changed = TestNetwork(network.graph, weights: weights, seed: network.seed)
      do {
        _ = try changed.makePlan(height: 20, width: 20)
      } catch {
        return error as? NeuralNetworkError
      }
      return nil
    }
    #expect(problem { _ in } == nil)
    #expect(
      problem { $0["b.weight"]?[100] = .nan }
        == .parameter(name: "b.weight", problem: "holds NaN or infinity"))
    #expect(
      problem { $0["b.norm.running_var"]?[3] = -1 }
        == .parameter(
          name: "b.norm.running_var",
          problem: "with these variances 'b.weight' becomes NaN or infinite"))
    #expect(
      problem { $0["c.weight"]?.removeLast() }
        == .parameter(name: "c.weight", problem: "323 numbers where the network has 324"))
    // A loader's own error passes.
    struct Missing: Error {}
    #expect(throws: Missing.self) {
      let store = WeightStore { _ in throw Missing() }
      _ = try InferencePlan(network.graph, height: 20, width: 20, store: store)
    }
  }

  /// Every last number of a tensor is looked at, whatever its length.
  @Test(arguments: 1..<40)
  func infinityIsFoundAnywhere(channels: Int) throws {
    var graph = NetworkGraph(inputChannels: 1)
    graph.returns(graph.convolution(graph.input, "a", outputChannels: channels, kernel: 1))
    let network = TestNetwork(graph)
    var weights = network.weights
    weights["a.weight"]?[channels - 1] = -.infinity
    #expect(throws: NeuralNetworkError.self) {
      try TestNetwork(graph, weights: weights, seed: 1).makePlan(height: 3, width: 3)
    }
  }

  @Test func groupNormsTensorsAreCheckedToo() throws {
    let network = TestNetwork(SmallNetwork.groupNormHead.graph)
    var weights = network.weights
    weights["head1.norm.bias"]?[5] = .infinity
    #expect(
      throws: NeuralNetworkError.parameter(
        name: "head1.norm.bias", problem: "holds NaN or infinity")
    ) {
      try TestNetwork(network.graph, weights: weights, seed: 1).makePlan(height: 32, width: 32)
    }
  }
}

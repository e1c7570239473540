import Foundation
import Synchronization
import Testing

@testable import NeuralNetwork

@Suite struct InferenceWorkerTests {
  /// The bits of one input's outputs on `count` threads that all run the plan at once, several times.
  private func bits(_ plan: InferencePlan, input: [Float], threads count: Int) -> [[[UInt32]]] {
    let results = Mutex<[[[UInt32]]]>([])
    let group = DispatchGroup()
    for _ in 0..<count {
      group.enter()
      Thread.detachNewThread {
        defer { group.leave() }
        for _ in 0..<4 {
          do {
            let run = try PlanRun(plan, on: try InferenceWorker(), input: input)
            results.withLock { $0.append(run.outputs.map { $0.map(\.bitPattern) }) }
          } catch {
            Issue.record(error)
          }
        }
      }
    }
    group.wait()
    return results.withLock { $0 }
  }

  /// `try` the bottleneck's memory and the head's Winograd under load: one plan, own slabs.
  @Test(arguments: [SmallNetwork.pyramid, .sharedHead, .groupNormHead])
  func sameBitsOnAnyNumberOfThreads(_ network: SmallNetwork) throws {
    let test = TestNetwork(network.graph)
    let plan = try test.makePlan(height: 64, width: 96)
    let input = test.makeInput(height: 64, width: 96)
    let alone = bits(plan, input: input, threads: 1)
    #expect(alone.count == 4)
    for threads in [2, 4] {
      let together = bits(plan, input: input, threads: threads)
      #expect(together.count == 4 * threads)
      #expect(together.allSatisfy { $0 == alone[0] })
    }
  }

  /// Plans compiled apart, in another process's order, give the same bits too.
  @Test func sameBitsFromAnotherPlan() throws {
    let test = TestNetwork(SmallNetwork.sharedHead.graph)
    let input = test.makeInput(height: 50, width: 97)
    let first = try PlanRun(
      try test.makePlan(height: 50, width: 97), on: InferenceWorker(), input: input)
    let second = try PlanRun(
      try test.makePlan(height: 50, width: 97), on: InferenceWorker(), input: input)
    #expect(first.outputs == second.outputs)
  }

  /// Nothing grows with the number of runs. In a process of its own, whose heap nobody else uses.
  @Test func memoryDoesNotGrowWithRuns() async {
    await #expect(processExitsWith: .success) {
      let test = TestNetwork(SmallNetwork.pyramid.graph)
      let plan = try test.makePlan(height: 32, width: 32)
      let worker = try InferenceWorker()
      let input = test.makeInput(height: 32, width: 32)
      for _ in 0..<20 { _ = try PlanRun(plan, on: worker, input: input) }
      let before = try InferenceWorkerTests.residentPages()
      for _ in 0..<1000 { _ = try PlanRun(plan, on: worker, input: input) }
      let grown = try InferenceWorkerTests.residentPages() - before
      print("\(grown) pages more after 1000 runs")
      #expect(grown < 256)
    }
  }

  private static func residentPages() throws -> Int {
    let text = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8)
    return Int(text.split(separator: " ")[1]) ?? 0
  }

  /// One worker goes from plan to plan, larger and smaller, and nothing of the one is left in the other.
  @Test func plansTakeTurnsOnOneWorker() throws {
    let tests = [SmallNetwork.bottleneck, .pyramid, .groupNormHead].map {
      TestNetwork($0.graph)
    }
    let sizes = [(64, 96), (17, 23), (50, 97)]
    let worker = try InferenceWorker()
    for round in 0..<2 {
      for (test, (height, width)) in zip(tests, round == 0 ? sizes : sizes.reversed()) {
        let run = try PlanRun(
          try test.makePlan(height: height, width: width), on: worker,
          input: test.makeInput(height: height, width: width))
        #expect(try run.outputs == test.run(height: height, width: width).outputs)
      }
    }
  }

  @Test func errorsOfTheCallerPass() throws {
    struct Stop: Error {}
    let test = TestNetwork(SmallNetwork.bottleneck.graph)
    let plan = try test.makePlan(height: 20, width: 20)
    let worker = try InferenceWorker()
    #expect(throws: Stop.self) {
      try worker.run(plan, writeInput: { _ in throw Stop() }, readOutputs: { _ in })
    }
    #expect(throws: Stop.self) {
      try worker.run(
        plan, writeInput: { $0.update(repeating: 0) }, readOutputs: { _ in throw Stop() })
    }
    let input = test.makeInput(height: 20, width: 20)
    #expect(
      try PlanRun(plan, on: worker, input: input).outputs
        == test.run(height: 20, width: 20).outputs)
  }

  @Test func observerSeesEveryStep() throws {
    let test = TestNetwork(SmallNetwork.pyramid.graph)
    let plan = try test.makePlan(height: 64, width: 64)
    let worker = try InferenceWorker()
    var labels: [String] = []
    worker.stepObserver = { label, _ in labels.append(label) }
    _ = try PlanRun(plan, on: worker, input: test.makeInput(height: 64, width: 64))
    #expect(labels == plan.stepLabels)
  }
}

@Suite struct InferencePlanCacheTests {
  private func cache(capacity: Int) throws -> InferencePlanCache {
    let test = TestNetwork(SmallNetwork.sharedHead.graph)
    return InferencePlanCache(
      test.graph, store: WeightStore(load: test.load), algorithm: .winograd,
      capacity: capacity)
  }

  @Test func theLeastRecentlyUsedGoes() throws {
    let cache = try cache(capacity: 2)
    let a = try cache.plan(height: 32, width: 32)
    let b = try cache.plan(height: 32, width: 64)
    #expect(try cache.plan(height: 32, width: 32) === a)
    let c = try cache.plan(height: 64, width: 32)
    #expect(try cache.plan(height: 32, width: 32) === a)
    #expect(try cache.plan(height: 64, width: 32) === c)
    #expect(try cache.plan(height: 32, width: 64) !== b)
  }

  @Test func threadsGetOnePlan() async throws {
    let cache = try cache(capacity: 4)
    let plans = try await withThrowingTaskGroup(of: InferencePlan.self) { group in
      for index in 0..<12 {
        group.addTask { try cache.plan(height: 32, width: 32 + index % 3 * 32) }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    #expect(Set(plans.map(ObjectIdentifier.init)).count == 3)
  }

  /// Weights that could not be had are asked for again by the next run of the same plan.
  @Test func failuresAreTriedAgain() throws {
    struct Unready: Error {}
    let test = TestNetwork(SmallNetwork.groupNormHead.graph)
    let isReady = Mutex(false)
    let store = WeightStore { name in
      guard isReady.withLock({ $0 }) else { throw Unready() }
      return test.weights[name] ?? []
    }
    let cache = InferencePlanCache(test.graph, store: store, algorithm: .direct, capacity: 2)
    let input = test.makeInput(height: 32, width: 32)
    let worker = try InferenceWorker()
    #expect(throws: Unready.self) {
      try PlanRun(try cache.plan(height: 32, width: 32), on: worker, input: input)
    }
    isReady.withLock { $0 = true }
    let run = try PlanRun(try cache.plan(height: 32, width: 32), on: worker, input: input)
    #expect(try run.outputs == test.run(height: 32, width: 32, algorithm: .direct).outputs)
  }
}

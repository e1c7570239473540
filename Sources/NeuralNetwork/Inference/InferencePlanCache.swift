import Synchronization

/// Plans of one network by input size, made when first asked for. Holds a bounded number; the one whose last use
/// is longest ago goes first, and with it the weights that only it had packed.
public final class InferencePlanCache: Sendable {
  private struct Size: Hashable {
    var height: Int
    var width: Int
  }

  /// Its lock is held while the plan is made: who asks for the same size waits, who asks for another does not.
  private final class Entry: Sendable {
    let plan = Mutex<InferencePlan?>(nil)
  }

  private struct State {
    var entries: [Size: Entry] = [:]
    /// Least recently used first.
    var order: [Size] = []
  }

  private let graph: NetworkGraph
  private let store: WeightStore
  private let precision: Precision
  private let algorithm: ConvolutionAlgorithm
  private let capacity: Int
  private let state = Mutex(State())

  /// Creates a cache without plans.
  ///
  /// - Parameters:
  ///   - graph: the network.
  ///   - store: where its weights come from.
  ///   - precision: as for `InferencePlan`.
  ///   - algorithm: as for `InferencePlan`.
  ///   - capacity: plans held at once, at least 1.
  public init(
    _ graph: NetworkGraph, store: WeightStore, precision: Precision = .float32,
    algorithm: ConvolutionAlgorithm, capacity: Int
  ) {
    precondition(capacity > 0, "a cache of \(capacity) plans")
    self.graph = graph
    self.store = store
    self.precision = precision
    self.algorithm = algorithm
    self.capacity = capacity
  }

  /// The plan for inputs of one size, compiled now if it is not there. Its weights may still be in the making.
  ///
  /// - Parameters:
  ///   - height: pixels.
  ///   - width: pixels.
  /// - Returns: the plan; it stays usable when the cache has let go of it.
  /// - Throws: what `InferencePlan` throws; the next call tries again.
  public func plan(height: Int, width: Int) throws -> InferencePlan {
    let entry = entry(for: Size(height: height, width: width))
    return try entry.plan.withLock { plan in
      if let plan { return plan }
      let made = try InferencePlan(
        graph, height: height, width: width, store: store, precision: precision,
        algorithm: algorithm, waitsForWeights: false)
      plan = made
      return made
    }
  }

  /// What inputs of one size cost, found without packing weights.
  ///
  /// - Parameters:
  ///   - height: pixels.
  ///   - width: pixels.
  /// - Returns: bytes.
  /// - Throws: `NeuralNetworkError`.
  public func memory(height: Int, width: Int) throws -> InferencePlan.Memory {
    try InferencePlan.memory(
      graph, height: height, width: width, precision: precision, algorithm: algorithm)
  }

  private func entry(for size: Size) -> Entry {
    state.withLock { state in
      if let place = state.order.firstIndex(of: size) { state.order.remove(at: place) }
      state.order.append(size)
      if let entry = state.entries[size] { return entry }
      if state.order.count > capacity { state.entries[state.order.removeFirst()] = nil }
      let entry = Entry()
      state.entries[size] = entry
      return entry
    }
  }
}

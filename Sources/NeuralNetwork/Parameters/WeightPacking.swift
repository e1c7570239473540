import Synchronization
import Workers

/// The packed weights of one plan, some of which may still be in the making.
///
/// They are packed in the order in which the plan needs them, by threads that run ahead of the plan's first run: that
/// waits, or packs itself, only where it has caught up. Holds what it has packed as long as it lives; when it goes, the
/// threads end with what they have in hand.
final class WeightPacking: Sendable {
  private let weights: Weights
  private let threads = WorkerGroup()

  /// What the threads work on.
  private final class Weights: Sendable {
    private let store: WeightStore
    private let places: [PackingKey: WeightStore.Place]
    private let packed: Mutex<[PackingKey: AlignedBuffer]>
    /// The next one last.
    private let missing: Mutex<[PackingKey]>

    init(_ keys: [PackingKey], from store: WeightStore) {
      self.store = store
      places = store.places(of: keys)
      let held = places.compactMapValues(\.held)
      packed = Mutex(held)
      missing = Mutex(keys.filter { held[$0] == nil }.reversed())
    }

    func weights(for key: PackingKey) throws -> AlignedBuffer {
      if let packed = packed.withLock({ $0[key] }) { return packed }
      guard let place = places[key] else { preconditionFailure("weights that nobody asked for") }
      let made = try place.packed { try store.pack(key) }
      packed.withLock { $0[key] = made }
      return made
    }

    func packMissing() throws {
      while let key = missing.withLock({ $0.popLast() }) { _ = try weights(for: key) }
    }

    func leaveMissing() { missing.withLock { $0 = [] } }

    var missingCount: Int { missing.withLock(\.count) }
  }

  /// Starts packing what no living plan has packed before.
  ///
  /// - Parameters:
  ///   - keys: in the order in which they are needed.
  ///   - store: where weights and places are.
  ///   - threadCount: how many threads pack, at least 1.
  init(_ keys: [PackingKey], from store: WeightStore, threadCount: Int) {
    let weights = Weights(keys, from: store)
    self.weights = weights
    for index in 0..<min(weights.missingCount, threadCount) {
      threads.start("pack \(index)") { try weights.packMissing() }
    }
  }

  deinit {
    // A thread that still packed while the process ends would run in a library that is being taken down.
    weights.leaveMissing()
    try? threads.join()  // Whoever needs the weights has been told what is wrong with them.
  }

  /// The weights in one form, as soon as they are there.
  ///
  /// - Parameter key: one of those that were asked for.
  /// - Returns: the weights, packed before or now.
  /// - Throws: `NeuralNetworkError`, or what the store's loader throws.
  func weights(for key: PackingKey) throws -> AlignedBuffer { try weights.weights(for: key) }

  /// Waits until all weights are packed.
  ///
  /// - Throws: `NeuralNetworkError`, or what the store's loader throws: of several errors, any one.
  func finish() throws {
    try threads.join()
  }
}

extension WeightPacking: PlanParameters {
  func address(of key: PackingKey) throws -> UnsafeMutableRawPointer {
    try weights(for: key).address
  }

  func address(of name: String) -> UnsafeMutablePointer<Float> {
    preconditionFailure("'\(name)' is read as it is, which only training does")
  }
}

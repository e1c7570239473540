import Synchronization
import Workers

/// The packed weights of one plan, some of which may still be in the making.
///
/// They are packed in the order in which the plan needs them, by threads that run ahead of the plan's first run: that
/// waits, or packs itself, only where it has caught up. Holds what it has packed as long as it lives.
final class WeightPacking: Sendable {
  private let store: WeightStore
  private let places: [PackingKey: WeightStore.Place]
  private let packed: Mutex<[PackingKey: AlignedBuffer]>
  private let threads = WorkerGroup()

  /// Starts packing what no living plan has packed before.
  ///
  /// - Parameters:
  ///   - keys: in the order in which they are needed.
  ///   - store: where weights and places are.
  ///   - threadCount: how many threads pack, at least 1.
  init(_ keys: [PackingKey], from store: WeightStore, threadCount: Int) {
    self.store = store
    places = store.places(of: keys)
    let held = places.compactMapValues(\.held)
    packed = Mutex(held)
    // Taken from the end.
    let missing = Array(keys.filter { held[$0] == nil }.reversed())
    let jobs = Mutex(missing)
    for index in 0..<min(missing.count, threadCount) {
      threads.start("pack \(index)") { [self] in
        while let key = jobs.withLock({ $0.popLast() }) { _ = try weights(for: key) }
      }
    }
  }

  /// Weights in one form, as soon as they are there.
  ///
  /// - Parameter key: one of those that were asked for.
  /// - Returns: the weights, packed before or now.
  /// - Throws: `NeuralNetworkError`, or what the store's loader throws.
  func weights(for key: PackingKey) throws -> AlignedBuffer {
    if let packed = packed.withLock({ $0[key] }) { return packed }
    guard let place = places[key] else { preconditionFailure("weights that nobody asked for") }
    let made = try place.packed { try store.pack(key) }
    packed.withLock { $0[key] = made }
    return made
  }

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

/// Brings results that were made in any order back into the order of their sequence numbers, in bounded memory.
///
/// A thread that is more than `window` numbers ahead of the next one to be delivered waits. The thread that holds
/// the next number never waits, so that a buffer whose numbers are all in work cannot block for ever.
public final class ReorderBuffer<Element: Sendable>: Sendable {
  private struct State: Sendable {
    var slots: [Element?]
    var next: Int
    var end: Int?
    var isCancelled = false
  }

  private let monitor: Monitor<State>

  /// Makes an empty buffer.
  ///
  /// - Parameters:
  ///   - window: How many numbers, the next one included, may be held; at least 1.
  ///   - first: The first sequence number.
  public init(window: Int, first: Int = 0) {
    precondition(window >= 1, "a window of \(window) numbers")
    monitor = Monitor(State(slots: Array(repeating: nil, count: window), next: first))
  }

  /// Hands in the element of one number, each number once, waiting while it is too far ahead.
  ///
  /// - Returns: False when the buffer was cancelled: the element was dropped and the caller should stop.
  public func insert(_ element: Element, at sequence: Int) -> Bool {
    monitor.wait { state in
      if state.isCancelled { return false }
      precondition(
        sequence >= state.next && sequence < state.end ?? .max,
        "number \(sequence) is not in \(state.next)..<\(state.end.map(String.init) ?? "")")
      guard sequence - state.next < state.slots.count else { return nil }
      let slot = sequence % state.slots.count
      precondition(state.slots[slot] == nil, "number \(sequence) was handed in twice")
      state.slots[slot] = element
      return true
    }
  }

  /// Takes the element of the next number, waiting until it has been handed in.
  ///
  /// - Returns: Nil after the last number, or when the buffer was cancelled.
  public func next() -> Element? {
    monitor.wait { state -> Element?? in
      if state.isCancelled || state.next == state.end { return .some(nil) }
      let slot = state.next % state.slots.count
      guard let element = state.slots[slot] else { return nil }
      state.slots[slot] = nil
      state.next += 1
      return .some(element)
    }
  }

  /// Says where the sequence ends.
  ///
  /// - Parameter end: One more than the last sequence number; the first number itself when there is none.
  public func finish(end: Int) {
    monitor.withLock { state in
      precondition(end >= state.next, "an end at \(end) after number \(state.next) was awaited")
      state.end = end
    }
  }

  /// Ends the buffer at once: what is in it is dropped, and everybody who waits returns.
  public func cancel() {
    // The elements are released after the lock: their deinit may take time or other locks.
    let dropped = monitor.withLock { state in
      let slots = state.slots
      state.slots = Array(repeating: nil, count: slots.count)
      state.isCancelled = true
      return slots
    }
    _ = dropped
  }
}

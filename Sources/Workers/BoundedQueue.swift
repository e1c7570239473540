/// A first-in, first-out queue between threads that holds at most `capacity` elements: a producer that is too fast
/// waits for the consumers, so that memory is bounded whatever is fed in.
///
/// Several producers and several consumers may use it at once. It ends in one of two ways: every producer says
/// `finish()` and the consumers drain what is left, or somebody says `cancel()` and everybody stops at once.
public final class BoundedQueue<Element: Sendable>: Sendable {
  private struct State: Sendable {
    var elements: [Element?]
    var head = 0
    var count = 0
    var producers: Int
    var isCancelled = false
  }

  private let monitor: Monitor<State>

  /// Makes an empty queue.
  ///
  /// - Parameters:
  ///   - capacity: How many elements it holds, at least 1.
  ///   - producers: How many `finish()` calls end it, at least 1.
  public init(capacity: Int, producers: Int = 1) {
    precondition(capacity >= 1, "a queue of capacity \(capacity)")
    precondition(producers >= 1, "a queue of \(producers) producers")
    monitor = Monitor(State(elements: Array(repeating: nil, count: capacity), producers: producers))
  }

  /// Elements that wait now.
  public var count: Int { monitor.read(\.count) }

  /// Appends an element, waiting while the queue is full.
  ///
  /// - Returns: False when the queue was cancelled: the element was dropped and the producer should stop.
  public func push(_ element: Element) -> Bool {
    monitor.wait { state in
      if state.isCancelled { return false }
      precondition(state.producers > 0, "push after the last producer's finish()")
      let capacity = state.elements.count
      guard state.count < capacity else { return nil }
      state.elements[(state.head + state.count) % capacity] = element
      state.count += 1
      return true
    }
  }

  /// Takes the oldest element, waiting while there is none.
  ///
  /// - Returns: Nil at the end: the queue is empty and every producer has finished, or it was cancelled.
  public func pop() -> Element? {
    monitor.wait { state -> Element?? in
      if state.isCancelled { return .some(nil) }
      guard state.count > 0 else { return state.producers == 0 ? .some(nil) : nil }
      let element = state.elements[state.head]
      state.elements[state.head] = nil
      state.head = (state.head + 1) % state.elements.count
      state.count -= 1
      return .some(element)
    }
  }

  /// One producer will push no more; after the last one's call the consumers drain the queue and end.
  public func finish() {
    monitor.withLock { state in
      precondition(state.producers > 0, "more finish() calls than producers")
      state.producers -= 1
    }
  }

  /// Ends the queue at once: what is in it is dropped, and everybody who waits returns.
  public func cancel() {
    // The elements are released after the lock: their deinit may take time or other locks.
    let dropped = monitor.withLock { state in
      let elements = state.elements
      state.elements = Array(repeating: nil, count: elements.count)
      state.count = 0
      state.isCancelled = true
      return elements
    }
    _ = dropped
  }
}

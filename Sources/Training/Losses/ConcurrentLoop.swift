import Dispatch
import Synchronization

/// What `body` makes of 0 ..< `count`, on all cores, in order.
///
/// - Parameters:
///   - count: how many.
///   - body: called with each index once, from several threads.
/// - Returns: the results by index: the same whatever thread made which.
func concurrentMap<Result: Sendable>(
  _ count: Int, _ body: @Sendable (Int) -> Result
) -> [Result] {
  let results = Mutex<[Result?]>(Array(repeating: nil, count: count))
  DispatchQueue.concurrentPerform(iterations: count) { index in
    let result = body(index)
    results.withLock { $0[index] = result }
  }
  return results.withLock { $0.compactMap { $0 } }
}

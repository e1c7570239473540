import Synchronization

/// Calls `body` for every number of a range, each once, on several threads, and waits for the end.
///
/// - Parameters:
///   - range: the numbers, handed out in order.
///   - threads: at most this many run at once; 1 runs all on the calling thread.
///   - body: called from several threads.
/// - Throws: of the errors that were thrown, that of the least number; `ThreadStartError`. After an error, numbers
///   that nobody has begun are left out.
public func forEach(
  _ range: Range<Int>, threads: Int, _ body: @escaping @Sendable (Int) throws -> Void
) throws {
  guard threads > 1, range.count > 1 else { return try range.forEach(body) }
  let next = Mutex(range.lowerBound)
  let failure = Mutex<(index: Int, error: any Error)?>(nil)
  let work: @Sendable () -> Void = {
    while let index = next.withLock({ next -> Int? in
      guard next < range.upperBound else { return nil }
      next += 1
      return next - 1
    }) {
      do { try body(index) } catch {
        failure.withLock { if index < $0?.index ?? .max { $0 = (index, error) } }
        next.withLock { $0 = range.upperBound }
      }
    }
  }
  let group = WorkerGroup()
  for index in 1..<min(threads, range.count) { group.start("part \(index)", work) }
  work()
  try group.join()
  if let failure = failure.withLock({ $0 }) { throw failure.error }
}

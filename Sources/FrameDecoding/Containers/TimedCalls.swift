import Dispatch
import Synchronization

/// Runs system calls that may block for ever on a thread of their own, so that the caller can stop waiting.
final class TimedCalls: Sendable {
  private let limit: Duration
  private let queue = DispatchQueue(label: "media reads")

  /// Waits at most `limit` for each call.
  init(limit: Duration) { self.limit = limit }

  /// The result of `body`; nil if it took too long: it then goes on alone, and what it holds lives until it ends.
  func run<Result: Sendable>(_ body: @escaping @Sendable () -> Result) -> Result? {
    let answer = Answer<Result>()
    queue.async {
      answer.result.withLock { $0 = body() }
      answer.arrived.signal()
    }
    let (seconds, attoseconds) = limit.components
    let nanoseconds = Double(seconds) * 1e9 + Double(attoseconds) / 1e9
    // Bounded: 1e18 fits, and a Duration is a number.
    let wait = DispatchTimeInterval.nanoseconds(Int(min(nanoseconds, 1e18)))
    guard answer.arrived.wait(timeout: .now() + wait) == .success else { return nil }
    return answer.result.withLock { $0 }
  }

  private final class Answer<Result: Sendable>: Sendable {
    let result = Mutex<Result?>(nil)
    let arrived = DispatchSemaphore(value: 0)
  }
}

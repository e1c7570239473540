import Synchronization
import Workers

/// Starts children on one thread that never ends: the kernel ends a child whose parent dies (`DecoderServer`), and takes
/// the end of the thread that started it for that.
final class ChildStarter: Sendable {
  /// Of this process.
  static let shared = ChildStarter()

  private let requests: BoundedQueue<@Sendable () -> Void>
  private let thread: WorkerGroup

  private init() {
    let requests = BoundedQueue<@Sendable () -> Void>(capacity: 16)
    self.requests = requests
    thread = WorkerGroup { _ in requests.cancel() }
    thread.start("child starter") {
      while let request = requests.pop() { request() }
    }
  }

  /// Runs `body` on that thread.
  func run<Value: Sendable>(_ body: @escaping @Sendable () -> Value) -> Value {
    let answer = Monitor<Value?>(nil)
    let isTaken = requests.push {
      let value = body()
      answer.withLock { $0 = value }
    }
    // Where there is no such thread, a child lives as long as this one does.
    return isTaken ? answer.wait { $0 } : body()
  }
}

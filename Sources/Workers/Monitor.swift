import Glibc

/// One value under one lock, with one condition to wait for. What waits for another thread waits here, but for short
/// turns at a lock (`Mutex`), for the end of threads (`WorkerGroup.join`), and for reads with a time limit.
///
/// Every change wakes every waiter, who looks again. That is simple and cannot lose a wake-up; the queues built on
/// it carry whole frames, some hundreds a second, so that a spare wake-up does not show.
public final class Monitor<State: Sendable> {
  private var state: State
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private let condition: UnsafeMutablePointer<pthread_cond_t>

  /// Puts a value under the lock.
  public init(_ state: State) {
    self.state = state
    mutex = .allocate(capacity: 1)
    condition = .allocate(capacity: 1)
    pthread_mutex_init(mutex, nil)
    var attributes = pthread_condattr_t()
    pthread_condattr_init(&attributes)
    // A wait with a limit must not jump when somebody sets the wall clock.
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    pthread_cond_init(condition, &attributes)
    pthread_condattr_destroy(&attributes)
  }

  deinit {
    pthread_cond_destroy(condition)
    pthread_mutex_destroy(mutex)
    condition.deallocate()
    mutex.deallocate()
  }

  /// Reads or changes the value; whoever waits looks at it again. `body` must not block nor take another lock.
  public func withLock<Result>(_ body: (inout State) throws -> Result) rethrows -> Result {
    pthread_mutex_lock(mutex)
    defer {
      pthread_cond_broadcast(condition)
      pthread_mutex_unlock(mutex)
    }
    return try body(&state)
  }

  /// Reads the value, which nobody needs to look at again.
  public func read<Result>(_ body: (State) -> Result) -> Result {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return body(state)
  }

  /// Blocks until `ready` answers something, and returns that. `ready` runs under the lock, may change the value
  /// when it answers, and must leave it alone when it answers nil.
  public func wait<Result>(_ ready: (inout State) -> Result?) -> Result {
    pthread_mutex_lock(mutex)
    defer {
      pthread_cond_broadcast(condition)
      pthread_mutex_unlock(mutex)
    }
    while true {
      if let result = ready(&state) { return result }
      pthread_cond_wait(condition, mutex)
    }
  }

  /// As `wait`, for at most `limit`; nil when that has passed.
  public func wait<Result>(atMost limit: Duration, _ ready: (inout State) -> Result?) -> Result? {
    var deadline = timespec()
    clock_gettime(CLOCK_MONOTONIC, &deadline)
    let nanoseconds = deadline.tv_nsec + Int(limit.components.attoseconds / 1_000_000_000)
    deadline.tv_sec += Int(limit.components.seconds) + nanoseconds / 1_000_000_000
    deadline.tv_nsec = nanoseconds % 1_000_000_000

    pthread_mutex_lock(mutex)
    defer {
      pthread_cond_broadcast(condition)
      pthread_mutex_unlock(mutex)
    }
    while true {
      if let result = ready(&state) { return result }
      if pthread_cond_timedwait(condition, mutex, &deadline) == ETIMEDOUT { return ready(&state) }
    }
  }
}

// Every access to `state` happens while `mutex` is held.
extension Monitor: @unchecked Sendable {}

import Glibc
import Synchronization
import TestSupport
import Testing

@testable import Workers

@Suite struct WorkerGroupTests {
  private struct Failure: Error, Equatable { let number: Int }

  @Test func threadsHaveTheirNamesAndStacks() throws {
    let seen = Mutex<Set<String>>([])
    let group = WorkerGroup(stackSize: 32 << 20)
    for name in ["decode-1", "fifteen-bytes-x"] {
      group.start(name) {
        // 12 MiB on the stack and a little for the calls: more than the 8 MiB that threads usually get.
        #expect(depth(12_000) == 12_000)
        let own = readText("/proc/thread-self/comm")
        seen.withLock { _ = $0.insert(own ?? "") }
      }
    }
    try group.join()
    #expect(seen.withLock { $0 } == ["decode-1\n", "fifteen-bytes-x\n"])
  }

  @Test func firstErrorIsKeptAndToldOnce() throws {
    for _ in 0..<50 {
      let told = Mutex<[Failure?]>([])
      let group = WorkerGroup { error in told.withLock { $0.append(error as? Failure) } }
      let worked = Atomic(0)
      for number in 0..<8 {
        group.start("worker") {
          worked.add(1, ordering: .relaxed)
          if number % 2 == 1 { throw Failure(number: number) }
        }
      }
      var thrown: Failure?
      do { try group.join() } catch let error as Failure { thrown = error }
      #expect(worked.load(ordering: .relaxed) == 8)
      let first = told.withLock { $0 }
      #expect(first.count == 1)
      #expect(thrown == first.first)
    }
  }

  @Test func joinWaitsForThreadsThatThreadsStart() throws {
    let ended = Atomic(0)
    let group = WorkerGroup()
    group.start("outer") {
      group.start("inner") {
        ended.add(1, ordering: .relaxed)
      }
      ended.add(1, ordering: .relaxed)
    }
    try group.join()
    #expect(ended.load(ordering: .relaxed) == 2)
  }

  @Test func cancellationRunsEachActionOnce() throws {
    let token = CancellationToken()
    let runs = Mutex<[Int]>([])
    let removed = token.onCancel { runs.withLock { $0.append(0) } }
    for number in 1...3 { token.onCancel { runs.withLock { $0.append(number) } } }
    removed.remove()
    #expect(!token.isCancelled)
    #expect(!token.wait(for: .zero))
    let group = WorkerGroup()
    // Waits until the token is cancelled, however long the others take; the limit is never reached.
    group.start("waiting") { #expect(token.wait(for: .seconds(3600))) }
    for _ in 0..<4 { group.start("cancelling") { token.cancel() } }
    try group.join()
    #expect(token.isCancelled)
    #expect(runs.withLock { $0 } == [1, 2, 3])
    token.onCancel { runs.withLock { $0.append(4) } }
    #expect(runs.withLock { $0 } == [1, 2, 3, 4])
  }
}

/// Recursion with a stack frame of at least 1024 bytes, the most that is not put on the heap.
private func depth(_ remaining: Int) -> Int {
  withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 1024) { buffer in
    buffer.initialize(repeating: UInt8(truncatingIfNeeded: remaining))
    if remaining == 0 { return 0 }
    return depth(remaining - 1) + (buffer[1023] == UInt8(truncatingIfNeeded: remaining) ? 1 : 2)
  }
}

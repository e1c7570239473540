import Synchronization
import TestSupport
import Testing

@testable import Workers

@Suite struct ReorderBufferTests {
  @Test(arguments: [1, 2, 5, 16], [1, 3, 8]) func deliversInOrder(window: Int, workers: Int) throws
  {
    let seed = UInt64(1000 * window + workers)
    print("deliversInOrder: seed \(seed)")
    let count = 3000
    let first = 17
    let buffer = ReorderBuffer<Int>(window: window, first: first)
    let next = Atomic(first)
    let delivered = Atomic(first)
    let excess = Atomic(0)
    let group = WorkerGroup()
    for worker in 0..<workers {
      group.start("worker") {
        var generator = SeededGenerator(seed: seed + UInt64(worker))
        while true {
          let number = next.add(1, ordering: .relaxed).oldValue
          if number >= first + count { return }
          // Work of uneven length, so that results come in another order.
          var sum: UInt64 = 0
          for _ in 0..<generator.below(2000) { sum ^= generator.next() }
          #expect(sum != 1)
          #expect(buffer.insert(number * 3, at: number))
          let beyond = number - delivered.load(ordering: .sequentiallyConsistent) - window
          excess.max(beyond, ordering: .relaxed)
        }
      }
    }
    var received: [Int] = []
    for _ in 0..<count {
      delivered.add(1, ordering: .sequentiallyConsistent)
      received.append(try #require(buffer.next()))
    }
    try group.join()
    buffer.finish(end: first + count)
    #expect(buffer.next() == nil)
    #expect(received == (first..<first + count).map { $0 * 3 })
    #expect(excess.load(ordering: .relaxed) <= 0)
  }

  @Test func endsWhereItIsTold() {
    let none = ReorderBuffer<Int>(window: 1)
    none.finish(end: 0)
    #expect(none.next() == nil)
    let three = ReorderBuffer<Int>(window: 4)
    for number in [2, 0, 1] { #expect(three.insert(number, at: number)) }
    three.finish(end: 3)
    #expect([three.next(), three.next(), three.next(), three.next()] == [0, 1, 2, nil])
  }

  @Test func cancelFreesEverybody() throws {
    let buffer = ReorderBuffer<Int>(window: 2)
    let group = WorkerGroup()
    group.start("ahead") { #expect(!buffer.insert(9, at: 9)) }
    group.start("waiting") { #expect(buffer.next() == nil) }
    buffer.cancel()
    try group.join()
    #expect(!buffer.insert(0, at: 0))
  }
}

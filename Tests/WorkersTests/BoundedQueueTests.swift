import Synchronization
import TestSupport
import Testing

@testable import Workers

@Suite struct BoundedQueueTests {
  struct Shape: CustomTestStringConvertible {
    let capacity: Int
    let producers: Int
    let consumers: Int
    let count: Int
    var testDescription: String {
      "capacity \(capacity), \(producers) producers of \(count), \(consumers) consumers"
    }
  }

  static let shapes = [(1, 1, 1), (1, 4, 4), (2, 1, 5), (3, 5, 1), (8, 3, 3), (64, 4, 2)].map {
    Shape(capacity: $0.0, producers: $0.1, consumers: $0.2, count: 2000)
  }

  @Test(arguments: shapes) func everyElementArrivesOnceAndInItsProducersOrder(_ shape: Shape) throws
  {
    let queue = BoundedQueue<[Int]>(capacity: shape.capacity, producers: shape.producers)
    let pushed = Atomic(0)
    let askedFor = Atomic(0)
    let excess = Atomic(0)
    let received = Mutex<[[[Int]]]>([])
    let group = WorkerGroup()
    for producer in 0..<shape.producers {
      group.start("producer") {
        for number in 0..<shape.count {
          #expect(queue.push([producer, number]))
          let total = pushed.add(1, ordering: .sequentiallyConsistent).newValue
          // What has been let in, less what somebody has asked for since, must fit.
          let beyond = total - askedFor.load(ordering: .sequentiallyConsistent) - shape.capacity
          excess.max(beyond, ordering: .relaxed)
        }
        queue.finish()
      }
    }
    for _ in 0..<shape.consumers {
      group.start("consumer") {
        var own: [[Int]] = []
        while true {
          askedFor.add(1, ordering: .sequentiallyConsistent)
          guard let element = queue.pop() else { break }
          own.append(element)
        }
        received.withLock { $0.append(own) }
      }
    }
    try group.join()
    let lists = received.withLock { $0 }
    #expect(excess.load(ordering: .relaxed) <= 0)
    #expect(queue.count == 0)
    #expect(lists.count == shape.consumers)
    let expected = (0..<shape.producers).flatMap { producer in
      (0..<shape.count).map { [producer, $0] }
    }
    #expect(lists.flatMap { $0 }.sorted { $0.lexicographicallyPrecedes($1) } == expected)
    // Whatever the consumers share, each sees every producer's elements in the order they were pushed.
    for list in lists {
      for producer in 0..<shape.producers {
        let numbers = list.filter { $0[0] == producer }.map { $0[1] }
        #expect(numbers == numbers.sorted())
      }
    }
  }

  @Test func cancelFreesEverybodyAndDropsWhatIsQueued() throws {
    for capacity in [1, 7] {
      let full = BoundedQueue<Int>(capacity: capacity)
      let empty = BoundedQueue<Int>(capacity: capacity)
      let group = WorkerGroup()
      for _ in 0..<3 {
        group.start("producer") { while full.push(1) {} }
        group.start("consumer") { while empty.pop() != nil {} }
      }
      full.cancel()
      empty.cancel()
      try group.join()
      #expect(full.count == 0)
      #expect(full.pop() == nil)
      #expect(!empty.push(1))
    }
  }

  @Test func cancelReleasesTheElements() {
    final class Frame: Sendable {}
    weak var frame: Frame?
    let queue = BoundedQueue<Frame>(capacity: 2)
    do {
      let made = Frame()
      frame = made
      #expect(queue.push(made))
    }
    #expect(frame != nil)
    queue.cancel()
    #expect(frame == nil)
  }

  @Test func drainsAfterTheLastProducer() {
    let queue = BoundedQueue<Int>(capacity: 4, producers: 2)
    #expect(queue.push(1) && queue.push(2))
    queue.finish()
    #expect(queue.push(3))
    queue.finish()
    #expect(
      [queue.pop(), queue.pop(), queue.pop(), queue.pop(), queue.pop()] == [1, 2, 3, nil, nil])
  }
}

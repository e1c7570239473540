import DetectionRecords
import Foundation
import FrameDecoding
import Media
import Synchronization
import Testing

@testable import DetectionPipeline

@Suite struct FrameQueueTests {
  static func frame(input: Int = 0, _ sequence: Int, width: Int = 2) throws -> QueuedFrame {
    let source = try SourceName("\(input).mp4")
    let job = InputJob(
      ordinal: input, path: source.path, source: source, root: "/", work: 1,
      encoder: RecordEncoder(source: source, labels: LabelTable([])))
    let picture = RGBPicture(
      width: width, height: 1, pixels: [UInt8](repeating: 0, count: width * 3))
    return QueuedFrame(
      job: job, sequence: sequence,
      frame: DecodedFrame(
        index: sequence, time: nil, isCorrupt: false, isKeyframe: false, picture: picture))
  }

  /// A put on a thread of its own, let go at the latest by the queue's `stop()`.
  final class Put: Sendable {
    private let begun = DispatchSemaphore(value: 0)
    private let done = DispatchSemaphore(value: 0)
    /// Where the system tells of its thread.
    private let thread = Mutex("")

    init(_ frame: QueuedFrame, into queue: FrameQueue) {
      Thread { [self] in
        // A link to `PROCESS/task/THREAD`, which is there where /proc is.
        let own = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/thread-self")
        thread.withLock { $0 = "/proc/\(own ?? "")/stat" }
        begun.signal()
        if queue.put(frame) { done.signal() }
      }.start()
    }

    /// Whether it came through without anybody's help; to be asked once.
    var isThrough: Bool { done.wait(timeout: .now() + 10) == .success }

    /// Whether it has to wait: its thread has come to the queue, sleeps there, and is not through; can be asked again.
    var isWaiting: Bool {
      if begun.wait(timeout: .now() + 10) != .success { return false }
      begun.signal()
      let limit = ContinuousClock.now + .seconds(60)
      var sleeps = 0
      while sleeps < 5, ContinuousClock.now < limit {
        sleeps = isAsleep ? sleeps + 1 : 0
        usleep(5000)
      }
      return sleeps == 5 && done.wait(timeout: .now()) == .timedOut
    }

    /// The state of its thread, as the system tells it.
    private var isAsleep: Bool {
      // Nothing is to be read where the thread has ended.
      let text = try? String(contentsOfFile: thread.withLock { $0 }, encoding: .utf8)
      return text?.split(separator: ")").last?.hasPrefix(" S ") == true
    }
  }

  static func queue(
    decoders: Int = 1, waiting: Int = 100, bytes: Int = 1 << 20, records: Int = 100,
    reserved: Int = 1,
    workers: Int = 2, isOrdered: Bool = false
  ) -> FrameQueue {
    FrameQueue(
      bounds: FrameBounds(
        waitingFrames: waiting, bytes: bytes, unwrittenRecords: records,
        reservedRecords: reserved), decoders: decoders, workers: workers, isOrdered: isOrdered)
  }

  @Test func `batches are of one shape, the oldest first, and leave something for others`() throws {
    let queue = Self.queue()
    for (sequence, width) in [2, 3, 2, 2, 3, 2].enumerated() {
      #expect(queue.put(try Self.frame(sequence, width: width)))
    }
    #expect(queue.takeBatch(atMost: 2)?.map(\.sequence) == [0, 2])
    // Four are left for two workers: two each.
    #expect(queue.takeBatch(atMost: 8)?.map(\.sequence) == [1, 4])
    #expect(queue.takeBatch(atMost: 8)?.map(\.sequence) == [3])
    queue.finish()
    #expect(queue.takeBatch(atMost: 8)?.map(\.sequence) == [5])
    #expect(queue.takeBatch(atMost: 8)?.count == nil)
  }

  @Test func `bytes are bounded until workers are through with them`() throws {
    let queue = Self.queue(bytes: 20)
    defer { queue.stop() }
    for sequence in 0..<3 { #expect(queue.put(try Self.frame(sequence))) }
    let batch = try #require(queue.takeBatch(atMost: 1))
    let late = Put(try Self.frame(3), into: queue)
    #expect(late.isWaiting)
    queue.release(batch[0])
    #expect(late.isThrough)
    #expect(Put(try Self.frame(4), into: queue).isWaiting)
  }

  @Test func `a frame larger than the bound goes alone`() throws {
    let queue = Self.queue(bytes: 20)
    defer { queue.stop() }
    #expect(Put(try Self.frame(0, width: 50), into: queue).isThrough)
    #expect(Put(try Self.frame(1), into: queue).isWaiting)
  }

  @Test func `bytes are reserved before there is a frame`() throws {
    let queue = Self.queue(bytes: 20)
    defer { queue.stop() }
    let room = queue.room(for: 0)
    #expect(room.reserve(18))
    let late = Put(try Self.frame(input: 1, 0), into: queue)
    #expect(late.isWaiting)
    // The frame is smaller than was thought.
    #expect(room.put(try Self.frame(0)))
    #expect(late.isThrough)
    let next = Put(try Self.frame(input: 1, 1, width: 3), into: queue)
    #expect(next.isWaiting)
    // One that does not come gives its room back.
    let batch = try #require(queue.takeBatch(atMost: 1))
    queue.release(batch[0])
    #expect(next.isThrough)
    #expect(room.reserve(5))
    let last = Put(try Self.frame(input: 1, 2, width: 1), into: queue)
    #expect(last.isWaiting)
    room.giveBack()
    #expect(last.isThrough)
  }

  @Test func `more room is waited for with nothing in hand`() throws {
    let queue = Self.queue(bytes: 20)
    defer { queue.stop() }
    let rooms = (0..<2).map { queue.room(for: $0) }
    #expect(rooms[0].reserve(10) && rooms[1].reserve(10))
    // Each holds what the other would need.
    let done = DispatchSemaphore(value: 0)
    for room in rooms {
      Thread {
        #expect(room.reserve(15))
        room.giveBack()
        done.signal()
      }.start()
    }
    for _ in rooms { #expect(done.wait(timeout: .now() + 10) == .success) }
  }

  @Test func `records on their way are bounded until they are written`() throws {
    let queue = Self.queue(records: 2)
    defer { queue.stop() }
    for sequence in 0..<2 { #expect(queue.put(try Self.frame(sequence))) }
    let batch = try #require(queue.takeBatch(atMost: 1))
    queue.release(batch[0])
    let late = Put(try Self.frame(2), into: queue)
    #expect(late.isWaiting)
    queue.recordsWritten(1)
    #expect(late.isThrough)
    #expect(Put(try Self.frame(3), into: queue).isWaiting)
  }

  @Test func `an input ahead of its turn leaves room for the one whose turn it is`() throws {
    let queue = Self.queue(records: 3, reserved: 2, isOrdered: true)
    defer { queue.stop() }
    #expect(Put(try Self.frame(input: 1, 0), into: queue).isThrough)
    let ahead = Put(try Self.frame(input: 1, 1), into: queue)
    #expect(ahead.isWaiting)
    #expect(Put(try Self.frame(input: 0, 0), into: queue).isThrough)
    #expect(Put(try Self.frame(input: 0, 1), into: queue).isThrough)
    queue.recordsWritten(2)
    // Still ahead, with one record on its way.
    #expect(ahead.isWaiting)
    queue.passTurn(to: 1)
    #expect(ahead.isThrough)
  }

  @Test func `a second decoder begins when workers would wait`() throws {
    let queue = Self.queue(decoders: 3)
    defer { queue.stop() }
    queue.admit(0)
    for sequence in 0..<2 { #expect(queue.put(try Self.frame(sequence))) }
    let admitted = DispatchSemaphore(value: 0)
    for number in [2, 1] {
      Thread {
        queue.admit(number)
        admitted.signal()
      }.start()
    }
    // Two frames wait for two workers.
    #expect(admitted.wait(timeout: .now() + 0.4) == .timedOut)
    _ = queue.takeBatch(atMost: 1)
    #expect(admitted.wait(timeout: .now() + 10) == .success)
    #expect(admitted.wait(timeout: .now() + 10) == .success)
  }

  @Test func `a decoder that was not needed is let go at the end`() throws {
    let queue = Self.queue(decoders: 2)
    for sequence in 0..<2 { #expect(queue.put(try Self.frame(sequence))) }
    let released = DispatchSemaphore(value: 0)
    Thread {
      queue.admit(1)
      released.signal()
    }.start()
    queue.finish()
    #expect(released.wait(timeout: .now() + 10) == .success)
  }

  @Test func `a stopped queue lets everybody go`() throws {
    let queue = Self.queue(waiting: 1)
    #expect(queue.put(try Self.frame(0)))
    let released = DispatchSemaphore(value: 0)
    let late = try Self.frame(1)
    Thread {
      if !queue.put(late) { released.signal() }
    }.start()
    queue.stop()
    #expect(released.wait(timeout: .now() + 10) == .success)
    #expect(queue.takeBatch(atMost: 1)?.count == nil)
  }
}

extension FrameQueue {
  /// Puts a frame that no room was reserved for.
  fileprivate func put(_ frame: QueuedFrame) -> Bool { room(for: frame.job.ordinal).put(frame) }
}

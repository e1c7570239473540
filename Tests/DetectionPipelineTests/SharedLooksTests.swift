import BoxGeometry
import RetinaNetModel
import Testing

@testable import DetectionPipeline

@Suite struct SharedLooksTests {
  private struct Failure: Error, Equatable { let look: Int }

  private func detection(_ look: Int) -> Detection {
    Detection(
      classIndex: look, score: 0.5, box: Box(minX: 0, minY: 0, maxX: 1, maxY: 1), anchorIndex: 0)
  }

  @Test func `who finishes last has all, in the looks' order`() throws {
    let looks = SharedLooks(count: 3)
    #expect([looks.next(), looks.next(), looks.next(), looks.next()] == [0, 1, 2, nil])
    #expect(looks.finish(2, .success([detection(2)])) == nil)
    #expect(looks.finish(0, .success([detection(0)])) == nil)
    let all = try #require(try looks.finish(1, .success([]))?.get())
    #expect(all.map { $0.map(\.classIndex) } == [[0], [2]])
  }

  @Test func `the first failure is told whoever was faster, and no more looks are given out`() {
    let looks = SharedLooks(count: 9)
    for look in 0..<4 { #expect(looks.next() == look) }
    #expect(looks.finish(3, .failure(Failure(look: 3))) == nil)
    #expect(looks.next() == nil)
    #expect(looks.finish(0, .success([])) == nil)
    #expect(looks.finish(1, .failure(Failure(look: 1))) == nil)
    #expect(throws: Failure(look: 1)) { _ = try looks.finish(2, .success([]))?.get() }
  }

  /// While the first worker looks, others that ask get the same frame, before any that waits.
  @Test func `a frame of which looks are left goes to every worker that asks`() throws {
    let queue = FrameQueue(bounds: .of(waiting: 4), decoders: 1, workers: 2, isOrdered: false)
    for sequence in 0..<2 {
      #expect(queue.room(for: 0).put(try FrameQueueTests.frame(sequence)))
    }
    queue.finish()
    var large = try #require(queue.takeBatch(atMost: 1)?.first)
    large.looks = SharedLooks(count: 2)
    queue.share(large)
    for _ in 0..<2 {
      let taken = try #require(queue.takeBatch(atMost: 8))
      #expect(taken.count == 1 && taken[0].looks === large.looks)
    }
    queue.unshare(large)
    #expect(queue.takeBatch(atMost: 8)?.first?.sequence == 1)
    #expect(queue.takeBatch(atMost: 8) == nil)
  }
}

import TestSupport
import Testing

@testable import NeuralNetwork

@Suite struct SlabPlanTests {
  @Test(arguments: 0..<40)
  func buffersThatLiveTogetherDoNotOverlap(round: Int) {
    let seed = UInt64(977 + round)
    var generator = SeededGenerator(seed: seed)
    let steps = 1 + generator.below(60)
    let buffers = (0..<generator.below(80)).map { _ in
      let first = generator.below(steps)
      return SlabPlan.Buffer(
        byteCount: generator.below(10) == 0 ? generator.below(3) : generator.below(5000),
        firstStep: first, lastStep: first + generator.below(steps - first))
    }
    let plan = SlabPlan(buffers)
    #expect(plan.offsets.count == buffers.count, "seed \(seed)")
    for (index, buffer) in buffers.enumerated() {
      let offset = plan.offsets[index]
      #expect(offset % 64 == 0 && offset + buffer.byteCount <= plan.byteCount, "seed \(seed)")
      for (other, neighbour) in buffers.enumerated().dropFirst(index + 1) {
        let liveTogether =
          buffer.firstStep <= neighbour.lastStep && neighbour.firstStep <= buffer.lastStep
        let apart =
          offset + buffer.byteCount <= plan.offsets[other]
          || plan.offsets[other] + neighbour.byteCount <= offset
        #expect(apart || !liveTogether, "seed \(seed): buffers \(index) and \(other)")
      }
    }
    let everything = buffers.reduce(0) { $0 + ($1.byteCount + 63) / 64 * 64 }
    #expect(plan.byteCount <= everything, "seed \(seed)")
  }

  @Test func chainsShareMemory() {
    let chain = (0..<50).map { SlabPlan.Buffer(byteCount: 640, firstStep: $0, lastStep: $0 + 1) }
    #expect(SlabPlan(chain).byteCount == 2 * 640)
    #expect(SlabPlan([]).byteCount == 0)
  }

  /// A short buffer fits into the gap that a long-lived one leaves.
  @Test func gapsAreFilled() {
    let plan = SlabPlan([
      .init(byteCount: 1024, firstStep: 0, lastStep: 1),
      .init(byteCount: 512, firstStep: 1, lastStep: 9),
      .init(byteCount: 1024, firstStep: 2, lastStep: 3),
    ])
    #expect(plan.byteCount == 1536)
  }
}

import Glibc
import TestSupport
import Testing

@testable import BoxGeometry

@Suite struct SoftNonMaximumSuppressionTests {
  static let decays: [ScoreDecay] = [
    .linear(threshold: 0), .linear(threshold: 0.3), .linear(threshold: 0.5),
    .gaussian(sigma: 0.1), .gaussian(sigma: 0.5),
  ]

  /// The paper's figure 2 as it reads: sets B and D, one box at a time, every pair compared.
  private func reference(
    _ boxes: [Box], _ scores: [Float], _ classes: [Int], _ decay: ScoreDecay, _ least: Float
  ) -> [DecayedBox] {
    var rest = boxes.indices.map { (index: $0, score: scores[$0]) }
    var taken: [DecayedBox] = []
    while let best = rest.max(by: { ($0.score, -$0.index) < ($1.score, -$1.index) }) {
      rest.removeAll { $0.index == best.index }
      if best.score > least { taken.append(DecayedBox(index: best.index, score: best.score)) }
      for place in rest.indices where classes[rest[place].index] == classes[best.index] {
        let overlap = boxes[best.index].intersectionOverUnion(boxes[rest[place].index])
        switch decay {
        case .linear(let threshold):
          if Double(overlap) > threshold { rest[place].score *= 1 - overlap }
        case .gaussian(let sigma):
          rest[place].score *= exp(-(overlap * overlap) / Float(sigma))
        }
      }
    }
    return taken
  }

  @Test(arguments: decays, [0, 1, 7, 40, 150])
  func `equals the paper's listing`(decay: ScoreDecay, count: Int) {
    var hasLowered = false
    for seed in UInt64(0)..<8 {
      var generator = SeededGenerator(seed: seed &* 1000 + UInt64(count))
      let boxes = GeometryFixture.randomBoxes(
        &generator, count: count, extent: 40, grid: seed % 2 == 0 ? 4 : 0)
      // Few different scores in every second case: ties.
      let scores =
        seed % 4 < 2
        ? GeometryFixture.distinctScores(&generator, count: count)
        : (0..<count).map { _ in Float(generator.below(5) + 1) / 8 }
      let classes = (0..<count).map { _ in generator.below(3) }
      for least in [Float(0), 0.05, 0.4] {
        let expected = reference(boxes, scores, classes, decay, least)
        let found = softNonMaximumSuppression(
          boxes: boxes, scores: scores, classIndices: classes, decay: decay,
          leastScores: .init(repeating: least, count: count))
        #expect(found == expected, "seed \(seed), least \(least)")
        let limit = expected.count / 2
        #expect(
          softNonMaximumSuppression(
            boxes: boxes, scores: scores, classIndices: classes, decay: decay,
            leastScores: .init(repeating: least, count: count), limit: limit)
            == Array(expected.prefix(limit)), "seed \(seed), limit \(limit)")
        let acrossClasses = reference(
          boxes, scores, .init(repeating: 0, count: count), decay, least)
        #expect(
          softNonMaximumSuppression(
            boxes: boxes, scores: scores, classIndices: nil, decay: decay,
            leastScores: .init(repeating: least, count: count)) == acrossClasses)
        if found.contains(where: { $0.score < scores[$0.index] }) { hasLowered = true }
      }
    }
    #expect(hasLowered || count < 40, "no score was lowered")
  }

  /// The paper's figure 1 in numbers: two horses, boxes that overlap by 3/5, which NMS at 0.5 makes one.
  @Test func `a neighbour stays with a lower score`() throws {
    let boxes = [
      Box(minX: 0, minY: 0, maxX: 8, maxY: 4), Box(minX: 2, minY: 0, maxX: 10, maxY: 4),
    ]
    #expect(nonMaximumSuppression(boxes: boxes, scores: [0.95, 0.8], threshold: 0.5) == [0])
    func found(_ decay: ScoreDecay, least: Float = 0.05) -> [DecayedBox] {
      softNonMaximumSuppression(
        boxes: boxes, scores: [0.95, 0.8], classIndices: nil, decay: decay,
        leastScores: [least, least])
    }
    let linear = found(.linear(threshold: 0.5))
    try #require(linear.count == 2)
    #expect(linear[0] == DecayedBox(index: 0, score: 0.95))
    #expect(abs(linear[1].score - 0.32) < 1e-6)
    let gaussian = found(.gaussian(sigma: 0.5))
    // 0.8 exp(-0.36 / 0.5)
    #expect(abs(gaussian[1].score - 0.389402) < 1e-5)
    // At the threshold nothing is lowered, and what is not above the least score goes.
    #expect(found(.linear(threshold: 0.6000001))[1].score == 0.8)
    #expect(found(.linear(threshold: 0.5), least: 0.33).count == 1)
  }

  @Test func `boxes without area lower nothing`() {
    let point = Box(minX: 1, minY: 1, maxX: 1, maxY: 1)
    for decay in Self.decays {
      let found = softNonMaximumSuppression(
        boxes: [point, point], scores: [0.5, 0.4], classIndices: nil, decay: decay,
        leastScores: [0, 0])
      #expect(found.map(\.score) == [0.5, 0.4], "\(decay)")
    }
  }
}

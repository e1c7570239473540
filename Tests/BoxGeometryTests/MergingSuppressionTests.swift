import TestSupport
import Testing

@testable import BoxGeometry

@Suite struct MergingSuppressionTests {
  private func reference(
    _ boxes: [Box], _ scores: [Float], _ classes: [Int], _ looks: [Int]?, _ measure: OverlapMeasure,
    _ threshold: Double
  ) -> [Int] {
    var kept: [Int] = []
    for index in boxes.indices.sorted(by: { (scores[$1], $0) < (scores[$0], $1) }) {
      let isSuppressed = kept.contains { other in
        classes[other] == classes[index] && (looks == nil || looks?[other] != looks?[index])
          && Double(boxes[other].overlap(boxes[index], by: measure)) > threshold
      }
      if !isSuppressed { kept.append(index) }
    }
    return kept
  }

  @Test(arguments: OverlapMeasure.allCases, [0, 1, 8, 9, 120])
  func `equals the definition`(measure: OverlapMeasure, count: Int) {
    var differs = false
    for seed in UInt64(0)..<10 {
      var generator = SeededGenerator(seed: seed &* 1000 + UInt64(count))
      let boxes = GeometryFixture.randomBoxes(
        &generator, count: count, extent: 60, grid: seed % 2 == 0 ? 4 : 0)
      let scores = (0..<count).map { _ in Float(generator.below(40)) / 40 }
      let classes = (0..<count).map { _ in generator.below(2) }
      let looks = (0..<count).map { _ in generator.below(3) }
      for threshold in [0, 0.15, 0.5] {
        let all = mergingSuppression(
          boxes: boxes, scores: scores, classIndices: classes, measure: measure,
          threshold: threshold)
        #expect(
          all == reference(boxes, scores, classes, nil, measure, threshold), "seed \(seed)")
        let sparing = mergingSuppression(
          boxes: boxes, scores: scores, classIndices: classes, looks: looks, measure: measure,
          threshold: threshold)
        #expect(
          sparing == reference(boxes, scores, classes, looks, measure, threshold), "seed \(seed)")
        #expect(
          mergingSuppression(
            boxes: boxes, scores: scores, classIndices: nil, measure: measure,
            threshold: threshold, limit: 3)
            == Array(
              reference(boxes, scores, .init(repeating: 0, count: count), nil, measure, threshold)
                .prefix(3)), "seed \(seed)")
        if all != sparing { differs = true }
        if measure == .iou {
          #expect(
            all
              == classwiseNonMaximumSuppression(
                boxes: boxes, scores: scores, classIndices: classes, threshold: threshold))
        }
      }
    }
    #expect(differs || count < 100, "looks made no difference")
  }

  /// A tile has the left half of what another has whole.
  @Test func `a piece of an object goes by the smaller box only`() {
    let whole = Box(minX: 0, minY: 0, maxX: 10, maxY: 4)
    let piece = Box(minX: 0, minY: 0, maxX: 4, maxY: 4)
    #expect(whole.intersectionOverUnion(piece) == 0.4)
    #expect(whole.intersectionOverSmaller(piece) == 1)
    func kept(_ measure: OverlapMeasure) -> [Int] {
      mergingSuppression(
        boxes: [piece, whole], scores: [0.6, 0.9], classIndices: nil, measure: measure,
        threshold: 0.5)
    }
    #expect(kept(.iou) == [1, 0])
    #expect(kept(.ios) == [1])
  }
}

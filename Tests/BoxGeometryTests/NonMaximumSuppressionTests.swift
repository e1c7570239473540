import TestSupport
import Testing

@testable import BoxGeometry

@Suite struct NonMaximumSuppressionTests {
  struct Kept: Decodable, Equatable {
    let count: Int
    let first: [Int]
    let checksum: Int

    init(_ indices: [Int]) {
      count = indices.count
      first = Array(indices.prefix(10))
      checksum = indices.enumerated().reduce(0) { $0 + ($1.offset % 1009 + 1) * $1.element }
    }
  }

  struct Case: Decodable, CustomTestStringConvertible {
    let seed: UInt64
    let count: Int
    let extent: Int
    let grid: Int
    let classes: Int
    let threshold: Double
    let plain: Kept
    let batched: Kept
    let classwise: Kept

    var testDescription: String { "seed \(seed): \(count) boxes, threshold \(threshold)" }

    func makeInputs() -> (boxes: [Box], scores: [Float], classIndices: [Int]) {
      var generator = SeededGenerator(seed: seed)
      let boxes =
        grid < 0
        ? GeometryFixture.crowdedBoxes(
          &generator, count: count, extent: extent, threshold: Float(threshold))
        : GeometryFixture.randomBoxes(&generator, count: count, extent: extent, grid: grid)
      let scores = GeometryFixture.distinctScores(&generator, count: count)
      var classIndices = (0..<count).map { _ in generator.below(classes) }
      if grid < 0 {
        for index in stride(from: 1, to: count, by: 2) {
          classIndices[index] = classIndices[index - 1]
        }
      }
      return (boxes, scores, classIndices)
    }
  }

  static let cases = Result { try GeometryFixture.read("suppression", as: [Case].self) }

  @Test(arguments: try cases.get())
  func equalsTorchvision(_ expected: Case) {
    let (boxes, scores, classes) = expected.makeInputs()
    let threshold = expected.threshold
    let plain = nonMaximumSuppression(boxes: boxes, scores: scores, threshold: threshold)
    #expect(Kept(plain) == expected.plain)
    let classwise = classwiseNonMaximumSuppression(
      boxes: boxes, scores: scores, classIndices: classes, threshold: threshold)
    #expect(Kept(classwise) == expected.classwise)
    let batched = classwiseNonMaximumSuppression(
      boxes: boxes, scores: scores, classIndices: classes, separation: .movedUpTo1000,
      threshold: threshold)
    #expect(Kept(batched) == expected.batched)

    let limit = classwise.count / 2
    #expect(
      classwiseNonMaximumSuppression(
        boxes: boxes, scores: scores, classIndices: classes, threshold: threshold, limit: limit)
        == Array(classwise.prefix(limit)))
    #expect(
      nonMaximumSuppression(boxes: boxes, scores: scores, threshold: threshold, limit: limit)
        == Array(plain.prefix(limit)))
  }

  /// The cases are worth something only if moving the boxes apart changes some of them.
  @Test func someCasesTellTheTwoFormsApart() throws {
    let cases = try Self.cases.get()
    #expect(cases.contains { $0.batched != $0.classwise })
    #expect(cases.contains { $0.count > 1000 && $0.batched.count < $0.count })
  }

  @Test(arguments: [0, 1, 7, 8, 9, 15, 16, 17, 61, 127])
  func equalsTheReference(count: Int) {
    for seed in UInt64(0)..<20 {
      var generator = SeededGenerator(seed: seed &* 1000 + UInt64(count))
      let boxes = GeometryFixture.randomBoxes(
        &generator, count: count, extent: 40, grid: seed % 2 == 0 ? 4 : 0)
      // Few different scores: ties everywhere.
      let scores = (0..<count).map { _ in Float(generator.below(5)) / 4 }
      let classes = (0..<count).map { _ in generator.below(3) }
      for threshold in [0, 0.25, 0.3, 0.5, 0.7] {
        #expect(
          nonMaximumSuppression(boxes: boxes, scores: scores, threshold: threshold)
            == nonMaximumSuppressionReference(
              boxes: boxes, scores: scores, threshold: threshold), "seed \(seed)")
        #expect(
          classwiseNonMaximumSuppression(
            boxes: boxes, scores: scores, classIndices: classes, threshold: threshold)
            == nonMaximumSuppressionReference(
              boxes: boxes, scores: scores, classIndices: classes, threshold: threshold),
          "seed \(seed)")
      }
    }
  }

  @Test func anIoUAtTheThresholdStays() {
    // 8x4 against 4x4 inside it: 0.5 exactly.
    let boxes = [
      Box(minX: 0, minY: 0, maxX: 8, maxY: 4), Box(minX: 0, minY: 0, maxX: 4, maxY: 4),
    ]
    #expect(nonMaximumSuppression(boxes: boxes, scores: [0.9, 0.8], threshold: 0.5) == [0, 1])
    #expect(
      nonMaximumSuppression(boxes: boxes, scores: [0.9, 0.8], threshold: 0.5.nextDown) == [0])
    // 3 of 10: Float(0.3), which lies above the Double 0.3 and so goes, as in torchvision's kernel.
    let tenths = [
      Box(minX: 0, minY: 0, maxX: 10, maxY: 1), Box(minX: 0, minY: 0, maxX: 3, maxY: 1),
    ]
    #expect(nonMaximumSuppression(boxes: tenths, scores: [0.9, 0.8], threshold: 0.3) == [0])
    #expect(
      nonMaximumSuppression(boxes: tenths, scores: [0.9, 0.8], threshold: Double(Float(0.3)))
        == [0, 1])
  }

  @Test func equalScoresKeepTheirOrder() {
    let box = Box(minX: 0, minY: 0, maxX: 4, maxY: 4)
    let apart = Box(minX: 10, minY: 0, maxX: 14, maxY: 4)
    #expect(
      nonMaximumSuppression(boxes: [box, apart, box], scores: [0.5, 0.5, 0.5], threshold: 0.5)
        == [0, 1])
    #expect(
      indicesByFallingScore([0, -0.0, 0.5, .nan, -1, 0.5, .infinity]) == [3, 6, 2, 5, 0, 1, 4])
  }

  @Test func boxesWithoutAreaOrNumbersSuppressNothing() {
    let point = Box(minX: 1, minY: 1, maxX: 1, maxY: 1)
    let broken = Box(minX: .nan, minY: 0, maxX: 4, maxY: 4)
    let box = Box(minX: 0, minY: 0, maxX: 4, maxY: 4)
    #expect(
      nonMaximumSuppression(
        boxes: [point, point, broken, broken, box], scores: [5, 4, 3, 2, 1], threshold: 0)
        == [0, 1, 2, 3, 4])
    // One NaN coordinate makes torch's maximum NaN, and with it every box that is moved by it.
    #expect(
      classwiseNonMaximumSuppression(
        boxes: [box, box, broken], scores: [3, 2, 1], classIndices: [0, 0, 0],
        separation: .movedUpTo1000, threshold: 0.5)
        == [0, 1, 2])
  }
}

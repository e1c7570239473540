import TestSupport
import Testing

@testable import BoxGeometry

@Suite struct AnchorMatcherTests {
  struct Case: Decodable, CustomTestStringConvertible {
    let seed: UInt64
    let plain: [Int]
    let lowQuality: [Int]

    var testDescription: String { "seed \(seed)" }
  }

  @Test(arguments: try GeometryFixture.read("matcher", as: [Case].self))
  func equalsTorchvision(_ expected: Case) {
    var generator = SeededGenerator(seed: expected.seed)
    let count = 1 + generator.below(400)
    let objects = 1 + generator.below(12)
    let extent = 60 + generator.below(200)
    let grid = [0, 1, 2, 8][generator.below(4)]
    let (high, low): (Float, Float) = [(0.5, 0.4), (0.7, 0.3), (0.5, 0.5), (0.3, 0.1)][
      generator.below(4)]
    let anchors = GeometryFixture.randomBoxes(
      &generator, count: count, extent: extent, grid: grid)
    var truth = GeometryFixture.randomBoxes(
      &generator, count: objects, extent: extent, grid: grid)
    if grid == 0 {
      for index in truth.indices {
        truth[index].maxX += 0.5
        truth[index].maxY += 0.5
      }
    }
    if expected.seed % 5 == 0 {
      let shift = Float(4 * extent)
      let last = truth[objects - 1]
      truth[objects - 1] = Box(
        minX: last.minX + shift, minY: last.minY + shift, maxX: last.maxX + shift,
        maxY: last.maxY + shift)
    }
    for (allows, answers) in [(false, expected.plain), (true, expected.lowQuality)] {
      let matcher = AnchorMatcher(
        highThreshold: high, lowThreshold: low, allowsLowQualityMatches: allows)
      #expect(matcher.assign(truth, to: anchors).map(torchvisionCode) == answers)
    }
  }

  /// Object 1 reaches furthest at anchor 0, which keeps its own best object 0; object 2 gets anchor 2.
  @Test func anAnchorKeepsItsOwnBestObject() {
    let overlaps: [[Float]] = [
      [0.6, 0.45, 0.3, 0], [0.55, 0.48, 0.2, 0.1], [0.1, 0.2, 0.35, 0],
    ]
    func codes(_ matcher: AnchorMatcher) -> [Int] {
      matcher.assign(objectCount: 3, anchorCount: 4) { overlaps[$0][$1] }.map(torchvisionCode)
    }
    #expect(codes(AnchorMatcher(allowsLowQualityMatches: false)) == [0, -2, -1, -1])
    #expect(codes(AnchorMatcher()) == [0, -2, 2, -1])
  }

  @Test func withoutObjectsEveryAnchorIsBackground() {
    let anchor = Box(minX: 0, minY: 0, maxX: 8, maxY: 8)
    #expect(AnchorMatcher().assign([], to: [anchor, anchor]) == [.background, .background])
    #expect(AnchorMatcher().assign([anchor], to: []).isEmpty)
  }

  @Test func thresholdsBelongToTheUpperSide() {
    let object = Box(minX: 0, minY: 0, maxX: 10, maxY: 10)
    let half = Box(minX: 0, minY: 0, maxX: 10, maxY: 5)
    let twoFifths = Box(minX: 0, minY: 0, maxX: 10, maxY: 4)
    let less = Box(minX: 0, minY: 0, maxX: 10, maxY: 3.9)
    let matcher = AnchorMatcher(allowsLowQualityMatches: false)
    #expect(
      matcher.assign([object], to: [half, twoFifths, less]) == [.object(0), .ignored, .background])
  }

  private func torchvisionCode(_ assignment: AnchorAssignment) -> Int {
    switch assignment {
    case .background: -1
    case .ignored: -2
    case .object(let index): index
    }
  }
}

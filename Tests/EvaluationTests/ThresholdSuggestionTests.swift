import TestSupport
import Testing

@testable import Evaluation

struct ThresholdSuggestionTests {
  private static let right = Verdict(matched: 1, ignored: 0)
  private static let wrong = Verdict(matched: 0, ignored: 0)

  @Test func cutsWhereF1IsBest() throws {
    // F1 of 3 objects: 2/4, 4/5, 4/6, 6/7, 6/8.
    let suggestion = try #require(
      ThresholdSuggestion(
        scores: [0.9, 0.8, 0.7, 0.6, 0.3],
        verdicts: [Self.right, Self.right, Self.wrong, Self.right, Self.wrong], objectCount: 3))
    #expect(abs(suggestion.threshold - 0.45) < 1e-12)
    #expect(suggestion.precision == 0.75)
    #expect(suggestion.recall == 1)
    #expect(abs(suggestion.f1 - 6 / 7) < 1e-12)
  }

  @Test func keepsTheLowestWhereNothingLiesBelow() throws {
    let suggestion = try #require(
      ThresholdSuggestion(
        scores: [0.9, 0.0521], verdicts: [Self.right, Self.right], objectCount: 2))
    #expect(suggestion.threshold == 0.052)
  }

  /// Detections score above a threshold: it has to be less than each score of four decimals, as records have.
  @Test func isLessThanEveryScore() throws {
    for number in 1...10_000 {
      let score = Double(number) / 10_000
      let suggestion = try #require(
        ThresholdSuggestion(scores: [score], verdicts: [Self.right], objectCount: 1))
      #expect(suggestion.threshold < score && suggestion.threshold > score - 0.000_11, "\(score)")
    }
  }

  /// Between two scores in as few decimals as it takes.
  @Test(arguments: [
    (0.9, 0.1, 0.5), (0.474725, 0.4712, 0.473), (0.47472, 0.47470, 0.47471),
    (0.5, 0.4999999, 0.49999995),
    (0.06, 0.05, 0.055),
  ])
  func isShort(_ kept: Double, _ dropped: Double, _ expected: Double) throws {
    let suggestion = try #require(
      ThresholdSuggestion(
        scores: [kept, dropped], verdicts: [Self.right, Self.wrong], objectCount: 1))
    #expect(abs(suggestion.threshold - expected) < 1e-9)
    #expect(suggestion.threshold < kept && suggestion.threshold > dropped)
  }

  @Test func needsOneRightDetection() {
    #expect(ThresholdSuggestion(scores: [0.9], verdicts: [Self.wrong], objectCount: 2) == nil)
    #expect(ThresholdSuggestion(scores: [], verdicts: [], objectCount: 2) == nil)
  }

  /// Against counting anew at every possible threshold, equal scores and ignored detections included.
  @Test func equalsTheBestOfAllCuts() throws {
    let seed: UInt64 = 11
    print("seed \(seed)")
    var generator = SeededGenerator(seed: seed)
    var cases = 0
    for _ in 0..<300 {
      let scores = (0..<(1 + generator.below(30))).map { _ in Double(generator.below(15)) / 15 }
        .sorted(by: >)
      let verdicts = scores.map { _ in
        Verdict(matched: UInt16(generator.below(2)), ignored: generator.below(5) == 0 ? 1 : 0)
      }
      let objectCount = scores.count + generator.below(5)
      func f1(above threshold: Double) -> Double {
        let kept = zip(scores, verdicts).filter { $0.0 > threshold && $0.1.ignored == 0 }
        return 2 * Double(kept.filter { $0.1.matched == 1 }.count)
          / Double(kept.count + objectCount)
      }
      let best = ([-1] + scores).map(f1).max() ?? 0
      guard
        let suggestion = ThresholdSuggestion(
          scores: scores, verdicts: verdicts, objectCount: objectCount)
      else {
        #expect(best == 0)
        continue
      }
      cases += 1
      #expect(abs(suggestion.f1 - best) < 1e-12)
      // A threshold is never below 0, so a last score of 0 cannot be kept.
      if suggestion.threshold > 0 { #expect(abs(f1(above: suggestion.threshold) - best) < 1e-12) }
    }
    #expect(cases > 250)
  }
}

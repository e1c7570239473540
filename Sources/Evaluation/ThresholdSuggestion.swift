/// The score threshold with which one category's detections have the best F1 at overlap 0.50.
public struct ThresholdSuggestion: Equatable, Sendable {
  /// Keep detections that score above it: about half way between the lowest score to keep and the next one
  /// below, in as few decimals as lie between them; just below the lowest score where nothing lies below.
  public let threshold: Double
  /// Right ones among the detections kept, 0...1.
  public let precision: Double
  /// Objects found by the detections kept, 0...1.
  public let recall: Double
  /// The harmonic mean of both.
  public var f1: Double { 2 * precision * recall / (precision + recall) }

  /// Looks at every cut between two different scores; of equally good ones the highest counts.
  /// Nil where no detection is right.
  ///
  /// - Parameters:
  ///   - scores: falling, one per verdict.
  ///   - verdicts: of which the bit for overlap 0.50 is read.
  ///   - objectCount: objects to be found, more than 0.
  init?(scores: [Double], verdicts: [Verdict], objectCount: Int) {
    var right = 0
    var wrong = 0
    var best: (f1: Double, last: Int, right: Int, kept: Int)?
    for (index, verdict) in verdicts.enumerated() {
      if verdict.ignored & 1 == 0 {
        if verdict.matched & 1 != 0 { right += 1 } else { wrong += 1 }
      }
      if index + 1 < scores.count, scores[index + 1] == scores[index] { continue }
      let f1 = 2 * Double(right) / Double(right + wrong + objectCount)
      if f1 > best?.f1 ?? 0 { best = (f1, index, right, right + wrong) }
    }
    guard let best else { return nil }
    let lowest = scores[best.last]
    threshold =
      best.last + 1 < scores.count
      ? Self.middle(below: lowest, from: scores[best.last + 1]) : Self.fourDecimals(below: lowest)
    precision = Double(best.right) / Double(best.kept)
    recall = Double(best.right) / Double(objectCount)
  }

  /// The middle between two scores, rounded to the fewest decimals (two at least) that keep it between them.
  private static func middle(below high: Double, from low: Double) -> Double {
    let middle = (low + high) / 2
    for scale in [1e2, 1e3, 1e4, 1e5, 1e6] {
      let rounded = (middle * scale).rounded() / scale
      if rounded > low, rounded < high { return rounded }
    }
    return middle
  }

  /// The greatest number of four decimals, as records have, that is less than a score.
  private static func fourDecimals(below score: Double) -> Double {
    // One less where the product was rounded up past a whole number that is the score's own.
    let number = (score * 10_000).rounded(.up) - 1
    return max(0, (number / 10_000 < score ? number : number - 1) / 10_000)
  }
}

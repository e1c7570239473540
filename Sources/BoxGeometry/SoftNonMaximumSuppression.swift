import Glibc

/// How soft suppression lowers the score of a box that overlaps a better one (Bodla et al. 2017, "Soft-NMS: improving
/// object detection with one line of code", section 3).
public enum ScoreDecay: Equatable, Sendable {
  /// Times 1 - IoU where that exceeds the threshold, a number in 0...1; the paper's 0.3 suited its detectors.
  case linear(threshold: Double)
  /// Times exp(-IoU² / sigma), sigma above 0; 0.5 in the paper.
  case gaussian(sigma: Double)

  /// What a score is multiplied with, 0...1.
  ///
  /// - Parameter overlap: an IoU; of NaN (two boxes without area) nothing follows.
  /// - Returns: 1 where the boxes do not overlap.
  public func factor(_ overlap: Float) -> Float {
    guard overlap > 0 else { return 1 }
    switch self {
    case .linear(let threshold): return Double(overlap) > threshold ? 1 - overlap : 1
    case .gaussian(let sigma): return exp(-(overlap * overlap) / Float(sigma))
    }
  }
}

/// A box that soft suppression has left, by its place in what was given, and its score afterwards.
public struct DecayedBox: Equatable, Sendable {
  /// Place among the boxes that were given.
  public var index: Int
  /// The score after all decays.
  public var score: Float

  /// Creates a result.
  public init(index: Int, score: Float) {
    self.index = index
    self.score = score
  }
}

/// Soft suppression: instead of dropping the boxes that a better one overlaps, lowers their scores, takes the best of
/// what remains, and so on. Boxes go only where their scores have sunk too low.
///
/// Equal scores are taken in the order they came.
///
/// - Parameters:
///   - boxes: corners in any one frame.
///   - scores: one per box, none NaN.
///   - classIndices: boxes of different classes never meet; nil for suppression across classes.
///   - decay: how scores are lowered.
///   - leastScores: one per box: it goes once its score is not above this.
///   - limit: at most this many boxes over all classes; the result is the beginning of the unlimited one.
/// - Returns: by falling score after decay, equal ones in the order they came.
/// - Complexity: O(n * min(n, limit)) for n boxes of one class.
public func softNonMaximumSuppression(
  boxes: [Box], scores: [Float], classIndices: [Int]?, decay: ScoreDecay, leastScores: [Float],
  limit: Int = .max
) -> [DecayedBox] {
  precondition(
    boxes.count == scores.count && boxes.count == leastScores.count
      && boxes.count == classIndices?.count ?? boxes.count,
    "\(boxes.count) boxes with \(scores.count) scores and \(leastScores.count) least scores")
  let classes = Dictionary(grouping: boxes.indices) { classIndices?[$0] ?? 0 }
  var result = classes.values.flatMap { indices in
    softSuppression(indices, boxes, scores, decay, leastScores, limit)
  }
  result.sort { ($1.score, $0.index) < ($0.score, $1.index) }
  return Array(result.prefix(limit))
}

/// Boxes of one class, in the order they came.
private func softSuppression(
  _ indices: [Int], _ boxes: [Box], _ scores: [Float], _ decay: ScoreDecay,
  _ leastScores: [Float], _ limit: Int
) -> [DecayedBox] {
  var remaining = indices.filter { scores[$0] > leastScores[$0] }
    .map { DecayedBox(index: $0, score: scores[$0]) }
  var taken: [DecayedBox] = []
  while taken.count < limit, var best = remaining.indices.first {
    // The first of equals, whose order `remaining` keeps.
    for place in remaining.indices where remaining[place].score > remaining[best].score {
      best = place
    }
    let winner = remaining.remove(at: best)
    taken.append(winner)
    let box = boxes[winner.index]
    for place in remaining.indices {
      remaining[place].score *= decay.factor(
        box.intersectionOverUnion(boxes[remaining[place].index]))
    }
    remaining.removeAll { $0.score <= leastScores[$0.index] }
  }
  return taken
}

import BoxGeometry

/// Which anchors of an image take part in the class loss.
public enum ExampleSelection: Equatable, Sendable {
  /// All that are not ignored: what focal loss is for.
  case all
  /// Online hard example mining (the paper's section 5.1, after Shrivastava et al. 2016): an image's anchors by
  /// falling loss, each suppressing those it overlaps by more than `nmsThreshold`; the first `count` that are left
  /// are trained on, all others take no part. Where the paper leaves it open: an anchor's loss is its class loss
  /// (Shrivastava et al. add the box loss), `count` is of each image, and boxes are learnt from all objects.
  ///
  /// With `keepsOneToThree`, of what is left the first `count` / 4 objects and three times as many background
  /// anchors as there are objects (of an image without any: `count` * 3/4).
  case hardest(count: Int, nmsThreshold: Double, keepsOneToThree: Bool = false)

  /// Picks the anchors to train on.
  ///
  /// - Parameters:
  ///   - losses: the class loss of every anchor, over all its classes.
  ///   - targets: what they are trained to say; ignored ones are never picked.
  ///   - anchors: their boxes.
  /// - Returns: indices of anchors by falling loss, or nil for all.
  func pick(losses: [Float], targets: ImageTargets, anchors: [Box]) -> [Int]? {
    guard case .hardest(let count, let threshold, let keepsOneToThree) = self else { return nil }
    precondition(
      losses.count == targets.anchorCount && anchors.count == targets.anchorCount,
      "\(losses.count) losses and \(anchors.count) boxes for \(targets.anchorCount) anchors")
    var role = [Role](repeating: .background, count: losses.count)
    for object in targets.objects { role[object.anchorIndex] = .object }
    for anchor in targets.ignoredAnchors { role[anchor] = .ignored }
    let candidates = losses.indices.filter { role[$0] != .ignored }
    let boxes = candidates.map { anchors[$0] }
    let scores = candidates.map { losses[$0] }

    func hardest(_ limit: Int) -> [Int] {
      nonMaximumSuppression(boxes: boxes, scores: scores, threshold: threshold, limit: limit)
        .map { candidates[$0] }
    }
    guard keepsOneToThree else { return hardest(count) }
    let kept = hardest(.max)
    let objects = kept.filter { role[$0] == .object }.prefix(count / 4)
    let background = kept.filter { role[$0] == .background }
      .prefix(objects.isEmpty ? count * 3 / 4 : 3 * objects.count)
    let picked = Set(objects).union(background)
    return kept.filter { picked.contains($0) }
  }

  private enum Role {
    case background
    case object
    case ignored
  }
}

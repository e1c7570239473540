/// What an anchor is trained to say.
public enum AnchorAssignment: Equatable, Sendable {
  /// No object: the class subnet learns that every class is absent.
  case background
  /// Too close to an object for background, too far for the object: takes no part in any loss.
  case ignored
  /// The object by its index among the image's ground truth: both subnets learn it.
  case object(Int)
}

/// Assigns ground truth to anchors by IoU (Lin et al. 2017, section 4; torchvision `det_utils.Matcher`).
///
/// Each anchor takes the ground truth it overlaps most, the first of equals: as object from `highThreshold` on,
/// ignored from `lowThreshold` on, background below. Then, with `allowsLowQualityMatches`, for each ground truth
/// every anchor whose IoU with it equals the best that any anchor reaches becomes an object too, whatever its IoU.
/// Such an anchor is given *its own* best ground truth, which need not be the one it was picked for; and a ground
/// truth that no anchor overlaps (best IoU 0) so picks every anchor that does not overlap it. Both are
/// torchvision's behaviour, kept because published weights and numbers come from it. The paper has no
/// low-quality matches.
public struct AnchorMatcher: Equatable, Sendable {
  /// Smallest IoU of an object; 0.5 in the paper.
  public var highThreshold: Float
  /// Smallest IoU that is ignored; 0.4 in the paper.
  public var lowThreshold: Float
  /// Whether every ground truth gets its best anchors however little they overlap it.
  public var allowsLowQualityMatches: Bool

  /// Creates a matcher; the defaults are torchvision's for RetinaNet.
  public init(
    highThreshold: Float = 0.5, lowThreshold: Float = 0.4, allowsLowQualityMatches: Bool = true
  ) {
    precondition(
      lowThreshold <= highThreshold, "low threshold \(lowThreshold) above high \(highThreshold)")
    self.highThreshold = highThreshold
    self.lowThreshold = lowThreshold
    self.allowsLowQualityMatches = allowsLowQualityMatches
  }

  /// Assigns the ground truth of one image.
  ///
  /// - Parameters:
  ///   - groundTruth: the objects in pixels of the network's input, finite and with positive sides (a dataset
  ///     reader's job to see to). May be empty: then every anchor is background.
  ///   - anchors: every anchor of the image, those that reach outside it too.
  /// - Returns: one assignment per anchor.
  /// - Complexity: O(anchors * ground truth); twice that over ground truth no anchor reaches
  ///   `highThreshold` with.
  public func assign(_ groundTruth: [Box], to anchors: [Box]) -> [AnchorAssignment] {
    for (index, box) in groundTruth.enumerated() {
      precondition(
        box.width > 0 && box.height > 0 && box.area.isFinite,
        "ground truth \(index) has no area: \(box)")
    }
    return assign(objectCount: groundTruth.count, anchorCount: anchors.count) { object, anchor in
      groundTruth[object].intersectionOverUnion(anchors[anchor])
    }
  }

  /// Assigns by a table of overlaps: `overlap(object, anchor)`, never NaN.
  @inline(__always)
  func assign(
    objectCount: Int, anchorCount: Int, overlap: (Int, Int) -> Float
  ) -> [AnchorAssignment] {
    guard objectCount > 0 else { return Array(repeating: .background, count: anchorCount) }
    var bestObject = Array(repeating: 0, count: anchorCount)
    var bestOverlap = Array(repeating: -Float.infinity, count: anchorCount)
    var reachOfObject = Array(repeating: -Float.infinity, count: objectCount)
    for object in 0..<objectCount {
      var reach = -Float.infinity
      for anchor in 0..<anchorCount {
        let value = overlap(object, anchor)
        if value > bestOverlap[anchor] {
          bestOverlap[anchor] = value
          bestObject[anchor] = object
        }
        if value > reach { reach = value }
      }
      reachOfObject[object] = reach
    }

    var assignments: [AnchorAssignment] = (0..<anchorCount).map { anchor in
      let value = bestOverlap[anchor]
      if value < lowThreshold { return .background }
      if value < highThreshold { return .ignored }
      return .object(bestObject[anchor])
    }
    guard allowsLowQualityMatches else { return assignments }
    // An anchor at the reach of an object overlaps its own best object at least as much: where the reach is
    // at the high threshold or above, the anchor has been given its best object already.
    for object in 0..<objectCount where reachOfObject[object] < highThreshold {
      for anchor in 0..<anchorCount where overlap(object, anchor) == reachOfObject[object] {
        assignments[anchor] = .object(bestObject[anchor])
      }
    }
    return assignments
  }
}

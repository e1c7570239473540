import Datasets

/// Which detections have their own object and which objects have their detection, at overlap 0.50: what stands behind
/// precision and recall with one threshold.
///
/// Detections take objects by falling score, as in `COCOEvaluation`; those below the threshold take none. Crowds and what
/// is found in them count neither way.
public struct COCOMatches: Sendable {
  /// What became of one image.
  public struct Image: Sendable {
    /// Its id in the annotations.
    public let id: Int
    /// Detections that have an object of their own.
    public var right: [COCODetection] = []
    /// Detections that have none.
    public var wrong: [COCODetection] = []
    /// Objects without a detection.
    public var missed: [COCOAnnotations.Object] = []
  }

  /// The images with detections or objects, by rising id.
  public let images: [Image]

  /// Matches.
  ///
  /// - Parameters:
  ///   - annotations: what is to be found.
  ///   - detections: what was found.
  ///   - threshold: only detections that score this or more count.
  public init(
    annotations: COCOAnnotations, detections: [COCODetection], threshold: Double
  ) {
    let ids = Set(annotations.images.map(\.id)).sorted()
    var images: [Int: Image] = [:]
    var matcher = ImageMatcher()
    let counted = detections.filter { $0.score >= threshold }
    for group in CategoryGroup.groups(annotations: annotations, detections: counted) {
      group.forEachImage { place, objects, found in
        var image = images[ids[place]] ?? Image(id: ids[place])
        matcher.load(objects: objects, detections: found)
        let matches = matcher.objectsFound()
        for (detection, match) in zip(found, matches) {
          if let match, objects[match].isCrowd { continue }
          let whole = COCODetection(
            imageID: image.id, categoryID: group.categoryID, score: detection.score,
            box: detection.box)
          if match == nil { image.wrong.append(whole) } else { image.right.append(whole) }
        }
        let taken = Set(matches.compactMap(\.self))
        image.missed += objects.indices.filter { !taken.contains($0) && !objects[$0].isCrowd }
          .map { objects[$0] }
        images[image.id] = image
      }
    }
    self.images = images.values.sorted { $0.id < $1.id }
  }
}

import Datasets

/// The objects and detections of one category, image after image.
struct CategoryGroup {
  var categoryID: Int
  /// Place of the image among the sorted image ids, and the object: in the order in which pycocotools sees them.
  var objects: [(image: Int, object: COCOAnnotations.Object)] = []
  /// Place of the image, and the detection: by image, within one in the order given.
  var detections: [(image: Int, detection: JudgedDetection)] = []

  /// One group per category, by rising id, the empty ones too.
  static func groups(annotations: COCOAnnotations, detections: [COCODetection]) -> [CategoryGroup] {
    let imageIDs = Set(annotations.images.map(\.id)).sorted()
    let imagePlaces = places(of: imageIDs)
    let categoryIDs = Set(annotations.categories.map(\.id)).sorted()
    let categoryPlaces = places(of: categoryIDs)
    var groups = categoryIDs.map { CategoryGroup(categoryID: $0) }

    for object in loaded(annotations, imagePlaces: imagePlaces, categoryPlaces: categoryPlaces) {
      guard let image = imagePlaces[object.imageID],
        let category = categoryPlaces[object.categoryID]
      else { continue }
      groups[category].objects.append((image, object))
    }
    for detection in detections {
      guard let image = imagePlaces[detection.imageID],
        let category = categoryPlaces[detection.categoryID]
      else { continue }
      groups[category].detections.append(
        (image, JudgedDetection(score: detection.score, box: detection.box)))
    }
    for index in groups.indices {
      groups[index].objects = sortedByImage(groups[index].objects) { $0.image }
      groups[index].detections = sortedByImage(groups[index].detections) { $0.image }
    }
    return groups
  }

  /// The objects as pycocotools loads them: it finds an annotation by its own image and category, image by
  /// image, and then takes the last one that has the same id.
  private static func loaded(
    _ annotations: COCOAnnotations, imagePlaces: [Int: Int], categoryPlaces: [Int: Int]
  ) -> [COCOAnnotations.Object] {
    let objects = annotations.objects
    var last: [Int: Int] = [:]
    last.reserveCapacity(objects.count)
    for (index, object) in objects.enumerated() { last[object.id] = index }
    guard last.count < objects.count else { return objects }
    let found = objects.indices.compactMap { index -> (image: Int, index: Int)? in
      guard let image = imagePlaces[objects[index].imageID],
        categoryPlaces[objects[index].categoryID] != nil
      else { return nil }
      return (image, index)
    }
    return sortedByImage(found) { $0.image }.map { objects[last[objects[$0.index].id] ?? $0.index] }
  }

  private static func places(of ids: [Int]) -> [Int: Int] {
    Dictionary(uniqueKeysWithValues: zip(ids, ids.indices))
  }

  /// Hands out each image's objects, and its detections by falling score; images by their place.
  func forEachImage(
    _ body: (_ image: Int, _ objects: [COCOAnnotations.Object], _ detections: [JudgedDetection])
      -> Void
  ) {
    var objects = self.objects[...]
    var detections = self.detections[...]
    while let image = [objects.first?.image, detections.first?.image].compactMap(\.self).min() {
      let ownObjects = objects.prefix { $0.image == image }
      let ownDetections = detections.prefix { $0.image == image }
      objects = objects.dropFirst(ownObjects.count)
      detections = detections.dropFirst(ownDetections.count)
      body(
        image, ownObjects.map(\.object),
        Self.byFallingScore(ownDetections.map(\.detection), score: \.score))
    }
  }

  /// Sorted by falling score; equal ones stay in their order.
  fileprivate static func byFallingScore<Element>(
    _ elements: [Element], score: (Element) -> Double
  ) -> [Element] {
    elements.enumerated()
      .sorted { left, right in
        let (first, second) = (score(left.element), score(right.element))
        return first == second ? left.offset < right.offset : first > second
      }
      .map(\.element)
  }

  /// Sorted by image; those of one image stay in their order.
  private static func sortedByImage<Element>(
    _ elements: [Element], image: (Element) -> Int
  ) -> [Element] {
    elements.enumerated()
      .sorted { (image($0.element), $0.offset) < (image($1.element), $1.offset) }
      .map(\.element)
  }
}

/// All verdicts on the detections of one category.
struct CategoryTally {
  /// Per detection that is counted, image after image.
  private(set) var scores: [Double] = []
  /// Place of each detection among those of its image, by falling score from 0.
  private(set) var ranks: [Int] = []
  /// Per class of size, one verdict per detection.
  private(set) var verdicts: [[Verdict]]
  /// Per class of size, the objects to be found.
  private(set) var objectCounts: [Int]
  /// Indices of the detections by falling score; equal ones in the order of images and ranks.
  private(set) var order: [Int] = []

  init(_ group: CategoryGroup) {
    verdicts = AreaRange.allCases.map { _ in [] }
    objectCounts = AreaRange.allCases.map { _ in 0 }
    var matcher = ImageMatcher()
    group.forEachImage { _, objects, detections in
      let kept = detections.prefix(COCOProtocol.detectionLimit)
      scores += kept.map(\.score)
      ranks += kept.indices
      matcher.load(objects: objects, detections: kept)
      for area in AreaRange.allCases {
        objectCounts[area.rawValue] += matcher.judge(in: area, into: &verdicts[area.rawValue])
      }
    }
    order = CategoryGroup.byFallingScore(Array(scores.indices)) { scores[$0] }
  }
}

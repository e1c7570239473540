import Datasets

/// A detection of one image and category as the matcher wants it.
struct JudgedDetection {
  var score: Double
  var box: COCOBox
}

/// What became of one detection, one bit per overlap threshold (bit 0: 0.50).
struct Verdict {
  /// It was given an object.
  var matched: UInt16 = 0
  /// It counts neither as right nor as wrong.
  var ignored: UInt16 = 0
}

/// Pairs the detections of one image and category with its objects, as pycocotools' `evaluateImg` does.
/// Its buffers are kept from image to image.
struct ImageMatcher {
  private var objects: [COCOAnnotations.Object] = []
  private var detections: [JudgedDetection] = []
  /// One row of objects per detection.
  private var overlaps: [Double] = []
  private var isIgnored: [Bool] = []
  /// Indices of the objects, the ignored ones last.
  private var order: [Int] = []
  /// Per object, the thresholds at which it has a detection already.
  private var taken: [UInt16] = []

  /// Takes the next image; detections by falling score.
  mutating func load(
    objects: some Sequence<COCOAnnotations.Object>, detections: some Sequence<JudgedDetection>
  ) {
    self.objects.replaceSubrange(self.objects.indices, with: Array(objects))
    self.detections.replaceSubrange(self.detections.indices, with: Array(detections))
    overlaps.removeAll(keepingCapacity: true)
    for detection in self.detections {
      for object in self.objects {
        overlaps.append(detection.box.overlap(with: object.box, isCrowd: object.isCrowd))
      }
    }
  }

  /// Appends one verdict per detection to `verdicts`.
  ///
  /// - Returns: the number of objects that are not ignored in this range.
  mutating func judge(in area: AreaRange, into verdicts: inout [Verdict]) -> Int {
    let bounds = area.bounds
    func isOutside(_ size: Double) -> Bool { size < bounds.lowerBound || size > bounds.upperBound }
    isIgnored.removeAll(keepingCapacity: true)
    for object in objects { isIgnored.append(object.isCrowd || isOutside(object.area)) }
    order.removeAll(keepingCapacity: true)
    for index in objects.indices where !isIgnored[index] { order.append(index) }
    let counted = order.count
    for index in objects.indices where isIgnored[index] { order.append(index) }
    taken.removeAll(keepingCapacity: true)
    taken.append(contentsOf: repeatElement(0, count: objects.count))

    for row in detections.indices {
      var verdict = Verdict()
      for (bit, threshold) in COCOProtocol.overlapThresholds.enumerated() {
        let mask: UInt16 = 1 << UInt16(bit)
        guard let match = bestObject(row: row, threshold: threshold, mask: mask) else { continue }
        taken[match] |= mask
        // pycocotools notes a match by the object's id, so that id 0 reads as none.
        if objects[match].id != 0 { verdict.matched |= mask }
        if isIgnored[match] { verdict.ignored |= mask }
      }
      if isOutside(detections[row].box.area) { verdict.ignored |= ~verdict.matched }
      verdicts.append(verdict)
    }
    return counted
  }

  /// The object that each detection is given at overlap 0.50, as an index into the objects: where `judge` gives it one in
  /// all sizes.
  mutating func objectsFound() -> [Int?] {
    isIgnored = objects.map(\.isCrowd)
    order = objects.indices.filter { !isIgnored[$0] } + objects.indices.filter { isIgnored[$0] }
    taken = Array(repeating: 0, count: objects.count)
    return detections.indices.map { row in
      let match = bestObject(row: row, threshold: COCOProtocol.overlapThresholds[0], mask: 1)
      if let match { taken[match] |= 1 }
      return match
    }
  }

  /// The free object with the greatest overlap, of equals the last; an ignored one only if no other will do.
  private func bestObject(row: Int, threshold: Double, mask: UInt16) -> Int? {
    var best = min(threshold, 1 - 1e-10)
    var match: Int?
    for index in order {
      if taken[index] & mask != 0, !objects[index].isCrowd { continue }
      if let match, !isIgnored[match], isIgnored[index] { break }
      let overlap = overlaps[row * objects.count + index]
      // Not `overlap >= best` turned round: a NaN overlap is a match in pycocotools too.
      if overlap < best { continue }
      best = overlap
      match = index
    }
    return match
  }
}

import Datasets
import DetectionRecords
import Evaluation
import JSONText

/// What annotations say of the records: COCO's numbers and curves, and pictures of true, false and missed.
struct ReportEvaluation {
  private let request: ReportRequest.Annotations
  private let evaluation: COCOEvaluation
  private let remarks: [String]
  private let matches: [COCOMatches.Image]
  private let names: [Int: String]
  /// The sources of the images that have records, by image.
  private let sources: [Int: String]
  private let chosen: [(kind: Kind, total: Int, images: [COCOMatches.Image])]

  /// What a gallery shows.
  private enum Kind: String, CaseIterable {
    case wrong = "false"
    case missed
    case right = "true"

    var title: String {
      switch self {
      case .wrong: "With a false detection"
      case .missed: "With a missed object"
      case .right: "With a true detection"
      }
    }

    func isIn(_ image: COCOMatches.Image) -> Bool {
      switch self {
      case .wrong: !image.wrong.isEmpty
      case .missed: !image.missed.isEmpty
      case .right: !image.right.isEmpty
      }
    }
  }

  /// Evaluates; all detections are held in memory for it.
  ///
  /// - Throws: `DatasetError` and errors of reading, as `DetectionRecordFiles` does.
  init(_ annotations: ReportRequest.Annotations, _ request: ReportRequest) throws {
    let files = try DetectionRecordFiles(
      contentsOf: request.records, for: annotations.annotations)
    self.request = annotations
    sources = files.sources
    remarks = annotations.remarks + files.remarks
    evaluation = COCOEvaluation(
      annotations: annotations.annotations, detections: files.detections)
    matches =
      COCOMatches(
        annotations: annotations.annotations, detections: files.detections,
        threshold: request.threshold ?? 0
      ).images
    names = Dictionary(annotations.annotations.categories.map { ($0.id, $0.name) }) { $1 }
    let keys = SampleKeys(seed: request.seed)
    chosen = Kind.allCases.map { [matches, sources] kind in
      var sample = SeededSample<COCOMatches.Image>(capacity: request.samples)
      for image in matches where kind.isIn(image) {
        // One without a record has no picture.
        guard sources[image.id] != nil else { continue }
        sample.offer(key: keys.key(source: 0, record: image.id), image)
      }
      return (kind, sample.total, sample.elements)
    }
  }

  /// Sources of which a picture is shown.
  var wanted: Set<String> {
    Set(chosen.flatMap { $0.images.compactMap { sources[$0.id] } })
  }

  /// The galleries.
  ///
  /// - Parameters:
  ///   - frames: the records that were wanted, by source.
  ///   - labels: the classes.
  /// - Returns: those with pictures. Objects of classes that were never found have no place among the classes and are
  ///   left out of the pictures; the numbers count them.
  func galleries(_ frames: [String: SampledFrame], labels: [String]) -> [ReportGallery] {
    let places = Dictionary(labels.enumerated().map { ($1, ReportClasses.place(of: $0)) }) {
      first, _ in first
    }
    return chosen.compactMap { kind, total, images in
      let tiles = images.compactMap { image -> ReportGallery.Tile? in
        guard let frame = sources[image.id].flatMap({ frames[$0] }) else { return nil }
        var boxes: [ReportGallery.Box] = []
        func add(_ category: Int, _ score: Double, _ box: COCOBox, _ mark: ReportGallery.Box.Mark) {
          guard let place = names[category].flatMap({ places[$0] }) else { return }
          boxes.append(
            .init(
              place: place, score: score, x: box.x, y: box.y, width: box.width, height: box.height,
              mark: mark))
        }
        for found in image.right { add(found.categoryID, found.score, found.box, .right) }
        for found in image.wrong { add(found.categoryID, found.score, found.box, .wrong) }
        for object in image.missed { add(object.categoryID, 0, object.box, .missed) }
        let score: Double? =
          switch kind {
          case .right: image.right.map(\.score).max()
          case .wrong: image.wrong.map(\.score).max()
          // Sorted by how many there are.
          case .missed: Double(image.missed.count)
          }
        return .init(frame: frame, boxes: boxes, score: score)
      }
      guard !tiles.isEmpty else { return nil }
      return ReportGallery(
        name: "evaluation-\(kind.rawValue)", title: kind.title,
        note: "Solid boxes are true, dashed ones false, dotted ones are objects that were missed.",
        kind: .evaluation, least: 0, total: total, tiles: tiles)
    }
  }

  /// What the page is told.
  var json: JSONValue {
    func number(_ value: Double?) -> JSONValue { value.map(JSONValue.double) ?? .null }
    func curve(_ row: [Double]) -> JSONValue {
      .array(row.map { .double(($0 * 1e4).rounded() / 1e4) })
    }
    func count(_ list: (COCOMatches.Image) -> Int) -> JSONValue {
      .int(matches.reduce(0) { $0 + list($1) })
    }
    let mean = (0..<10).compactMap { evaluation.meanPrecision(overlap: $0) }
    return .object([
      ("annotations", .string(request.name)), ("images", .int(evaluation.imageCount)),
      ("objects", .int(evaluation.classes.reduce(0) { $0 + $1.objectCount })),
      ("notes", .array(remarks.map(JSONValue.string))),
      ("right", count { $0.right.count }), ("wrong", count { $0.wrong.count }),
      ("missed", count { $0.missed.count }),
      (
        "metrics",
        .array(COCOMetric.allCases.map { .array([.string($0.name), number(evaluation[$0])]) })
      ),
      ("mean", mean.isEmpty ? .null : .array(mean.map(curve))),
      (
        "classes",
        .array(
          evaluation.classes.map { entry in
            let own = entry.curve(.all)
            return .object([
              ("label", .string(entry.category.name)), ("objects", .int(entry.objectCount)),
              ("detections", .int(entry.detectionCount)),
              ("numbers", .array([.ap, .ap50, .ap75, .ar100].map { number(entry[$0]) })),
              (
                "best",
                entry.suggestion.map {
                  .array([$0.threshold, $0.precision, $0.recall, $0.f1].map(JSONValue.double))
                } ?? .null
              ),
              ("curve50", own.map { curve($0.precision[0]) } ?? .null),
              ("curve75", own.map { curve($0.precision[5]) } ?? .null),
            ])
          })
      ),
    ])
  }
}

import Datasets
import SystemPackage

/// Detections from this project's own records: one JSON object a line, one line per image.
public struct DetectionRecordFiles: Sendable {
  /// What the records say, by the ids of the annotations.
  public let detections: [COCODetection]
  /// What a person should know about them, one line each.
  public let remarks: [String]

  /// Reads records.
  ///
  /// A record belongs to the image whose `file_name` is its `source`, else to the only image that has the same
  /// base name. Labels are matched to the categories' names; other labels do not count, with a remark. An image
  /// without a record, or whose detection failed, has no detections, with a remark. A damaged image has those of what
  /// could be decoded, with a remark, also where a second record in the same file says that it failed. Paths are files
  /// of records, or folders whose `.jsonl` files are read (what lies below a `.detect-batch` folder is not records).
  ///
  /// - Throws: where a line is not a record, a record belongs to no image or to one that has a record already,
  ///   or no label is a category.
  public init(
    contentsOf paths: [FilePath], for annotations: COCOAnnotations
  ) throws(DatasetError) {
    var gathering = RecordGathering(annotations)
    for path in paths {
      for file in try RecordFolder.files(at: path) { try gathering.add(fileAt: file) }
    }
    detections = gathering.detections
    remarks = try gathering.remarks()
  }
}

/// What has been read of the records so far.
private struct RecordGathering {
  private(set) var detections: [COCODetection] = []
  private let annotations: COCOAnnotations
  private let images: ImageIndex
  private var categoryIDs: [String: Int] = [:]
  /// The records so far, by image id.
  private var known: [Int: Known] = [:]
  /// Names that several categories have.
  private var sharedNames: [String] = []
  private var foreignLabels: [String: Int] = [:]
  private var otherSizes: [String] = []

  /// What is known of an image.
  private struct Known {
    var source: String
    var file: FilePath
    var place: String
    /// Whether there are detections, be they none.
    var isDetected: Bool
    var isDamaged: Bool
    /// Whether this is of two records.
    var isJoined = false
  }

  init(_ annotations: COCOAnnotations) {
    self.annotations = annotations
    images = ImageIndex(annotations.images)
    for category in annotations.categories {
      if let earlier = categoryIDs.updateValue(category.id, forKey: category.name),
        earlier != category.id
      {
        sharedNames.append(category.name)
      }
    }
  }

  mutating func add(fileAt path: FilePath) throws(DatasetError) {
    let file = try JSONFile(path)
    // One line after another, so that a fault can name its line.
    for (index, line) in file.data.split(
      separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false
    )
    .enumerated() where !(line.isEmpty && line.endIndex == file.data.endIndex) {
      let place = "line \(index + 1)"
      let record = try file.decode(Record.self, from: line, place: place)
      func malformed(_ problem: String) -> DatasetError {
        .malformed(file: path, place: place, problem: problem)
      }
      let imageID: Int
      switch images.find(source: record.source) {
      case .one(let id): imageID = id
      case .none:
        throw malformed(
          "no image of the annotations has the file_name or base name of source \"\(record.source)\""
        )
      case .several(let names):
        throw malformed(
          "source \"\(record.source)\" is no file_name of the annotations, and its base name is that of "
            + listed(names))
      }
      var new = Known(
        source: record.source, file: path, place: place, isDetected: record.detections != nil,
        isDamaged: record.isDamaged)
      if let earlier = known[imageID] {
        // Of a torn picture there were two: what was found in its upper part, and that it failed.
        guard earlier.file == path, earlier.source == record.source, !earlier.isJoined,
          earlier.isDetected != new.isDetected
        else {
          throw malformed(
            "source \"\(record.source)\" belongs to image \(imageID), which has a record already "
              + "(\(earlier.file) \(earlier.place)): an evaluation takes one record per image")
        }
        (new.isDetected, new.isDamaged, new.isJoined) = (true, true, true)
      }
      known[imageID] = new
      add(record, imageID: imageID)
    }
  }

  private mutating func add(_ record: Record, imageID: Int) {
    guard let found = record.detections else { return }
    if let size = record.size, images.hasOtherSize(imageID, size) {
      otherSizes.append(record.source)
    }
    for detection in found {
      if let categoryID = categoryIDs[detection.label] {
        detections.append(
          COCODetection(
            imageID: imageID, categoryID: categoryID, score: detection.score, box: detection.box))
      } else {
        foreignLabels[detection.label, default: 0] += 1
      }
    }
  }

  func remarks() throws(DatasetError) -> [String] {
    if detections.isEmpty, !foreignLabels.isEmpty {
      throw .noCommonLabel(
        labels: foreignLabels.keys.sorted(), categories: annotations.categories.map(\.name))
    }
    var remarks = sharedNames.map {
      "several categories are called \"\($0)\": the records' label belongs to the last of them"
    }
    if !foreignLabels.isEmpty {
      remarks.append(
        "\(foreignLabels.values.reduce(0, +)) detections have labels that are no categories of the "
          + "annotations (\(listed(foreignLabels.keys.sorted()))): they do not count")
    }
    let failures = images.ids.compactMap { known[$0] }.filter { !$0.isDetected }
    if !failures.isEmpty {
      remarks.append(
        "\(failures.count) images could not be detected in (\(listed(failures.map(\.source)))): "
          + "their objects count as missed")
    }
    let damaged = images.ids.compactMap { known[$0] }.filter(\.isDamaged)
    remarks += [
      ImageRemark.damaged(damaged.map(\.source)), ImageRemark.otherSizes(otherSizes),
    ].compactMap(\.self)
    let missing = images.ids.filter { known[$0] == nil }
    if let first = missing.first {
      remarks.append(
        "\(missing.count) of \(images.ids.count) images have no record "
          + "(first: \"\(images.name(of: first))\"): their objects count as missed")
    }
    if let remark = ScoreCut.remark(detections) { remarks.append(remark) }
    return remarks
  }
}

/// Finds images by what a record calls them.
private struct ImageIndex {
  /// Different ids in the order of the annotations.
  let ids: [Int]
  private var names: [Int: String] = [:]
  private var sizes: [Int: COCOAnnotations.Image] = [:]
  private var byName: [String: [Int]] = [:]
  private var byBaseName: [String: [Int]] = [:]

  enum Finding {
    case none
    case one(Int)
    case several([String])
  }

  init(_ images: [COCOAnnotations.Image]) {
    var ids: [Int] = []
    for image in images where names.updateValue(image.fileName, forKey: image.id) == nil {
      ids.append(image.id)
    }
    self.ids = ids
    sizes = Dictionary(images.map { ($0.id, $0) }) { $1 }
    for id in ids {
      byName[name(of: id), default: []].append(id)
      byBaseName[Self.baseName(name(of: id)), default: []].append(id)
    }
  }

  func name(of id: Int) -> String { names[id] ?? "" }

  /// Whether the annotations are for another size.
  func hasOtherSize(_ id: Int, _ size: (width: Int, height: Int)) -> Bool {
    sizes[id]?.isOfOtherSize(width: size.width, height: size.height) ?? false
  }

  func find(source: String) -> Finding {
    let ids = byName[source] ?? byBaseName[Self.baseName(source)] ?? []
    return switch ids.count {
    case 0: .none
    case 1: .one(ids[0])
    default: .several(ids.map { "\(name(of: $0)) (image \($0))" })
    }
  }

  private static func baseName(_ path: String) -> String {
    path.split(separator: "/").last.map(String.init) ?? path
  }
}

private struct Record: Decodable {
  var source: String
  /// Of the picture that was looked at; nil where the record does not say it.
  var size: (width: Int, height: Int)?
  /// Whether a part of the picture could not be decoded.
  var isDamaged: Bool
  /// Nil where the input failed.
  var detections: [RecordDetection]?

  enum Key: String, CodingKey { case source, width, height, corrupt, detections }

  init(from decoder: any Decoder) throws {
    let fields = try EntryFields<Key>(decoder, otherwise: "is not a record")
    source = try fields.required(.source, String.self, kind: "text")
    let width = try fields.optional(.width, Int.self, kind: "a whole number")
    let height = try fields.optional(.height, Int.self, kind: "a whole number")
    if let width, let height { size = (width, height) }
    let isCorrupt = try fields.optional(.corrupt, Bool.self, kind: "true or false") ?? false
    detections = try fields.required(
      .detections, [RecordDetection]?.self, kind: "a list of detections or null")
    isDamaged = isCorrupt && detections != nil
  }
}

private struct RecordDetection: Decodable {
  var label: String
  var score: Double
  var box: COCOBox

  enum Key: String, CodingKey { case label, score, box }

  init(from decoder: any Decoder) throws {
    let fields = try EntryFields<Key>(decoder, list: "detections")
    label = try fields.required(.label, String.self, kind: "text")
    score = try fields.required(.score, Double.self, kind: "a number")
    box = try fields.box(.box)
  }
}

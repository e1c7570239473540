import Datasets
import DetectionRecords
import SystemPackage

/// Detections from this project's own records: one JSON object a line, one line per image.
public struct DetectionRecordFiles: Sendable {
  /// What the records say, by the ids of the annotations.
  public let detections: [COCODetection]
  /// What a person should know about them, one line each.
  public let remarks: [String]
  /// The sources of the images' records, by the images' ids.
  public let sources: [Int: String]

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
    let reader = try DatasetError.ofRecords { () throws(RecordReadingError) in
      RecordReader(try RecordFiles(paths))
    }
    while let line = try DatasetError.ofRecords(reader.next) {
      try gathering.add(line, labels: reader.labels)
    }
    detections = gathering.detections
    remarks = try gathering.remarks()
    sources = gathering.sources
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
    var file: RecordFile
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

  /// Takes a line in; `labels` are those that its detections count.
  mutating func add(_ line: RecordLine, labels: [String]) throws(DatasetError) {
    let source = line.source.text
    let place = "line \(line.number)"
    func malformed(_ problem: String) -> DatasetError {
      .malformed(file: line.file.place, place: place, problem: problem)
    }
    let imageID: Int
    switch images.find(source: source) {
    case .one(let id): imageID = id
    case .none:
      throw malformed(
        "no image of the annotations has the file_name or base name of source \"\(source)\"")
    case .several(let names):
      throw malformed(
        "source \"\(source)\" is no file_name of the annotations, and its base name is that of "
          + listed(names))
    }
    var found: [RecordedDetection]?
    if case .detections(let detections) = line.record.outcome { found = detections }
    var new = Known(
      source: source, file: line.file, place: place, isDetected: found != nil,
      isDamaged: line.record.isCorrupt && found != nil)
    if let earlier = known[imageID] {
      // Of a torn picture there were two: what was found in its upper part, and that it failed.
      guard earlier.file == line.file, earlier.source == source, !earlier.isJoined,
        earlier.isDetected != new.isDetected
      else {
        throw malformed(
          "source \"\(source)\" belongs to image \(imageID), which has a record already "
            + "(\(earlier.file) \(earlier.place)): an evaluation takes one record per image")
      }
      (new.isDetected, new.isDamaged, new.isJoined) = (true, true, true)
    }
    known[imageID] = new
    guard let found else { return }
    if let width = line.record.width, let height = line.record.height,
      images.hasOtherSize(imageID, (width, height))
    {
      otherSizes.append(source)
    }
    for detection in found {
      let label = labels[detection.classIndex]
      if let categoryID = categoryIDs[label] {
        detections.append(
          COCODetection(
            imageID: imageID, categoryID: categoryID, score: detection.score,
            box: COCOBox(
              x: detection.x, y: detection.y, width: detection.width, height: detection.height)))
      } else {
        foreignLabels[label, default: 0] += 1
      }
    }
  }

  var sources: [Int: String] { known.mapValues(\.source) }

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

extension RecordFile {
  /// What a message calls it.
  fileprivate var place: FilePath { path ?? "standard input" }
}

extension DatasetError {
  /// Runs what reads records, with its errors as those of a dataset.
  fileprivate static func ofRecords<Result>(
    _ work: () throws(RecordReadingError) -> Result
  ) throws(DatasetError) -> Result {
    do throws(RecordReadingError) {
      return try work()
    } catch {
      switch error {
      case .missing(let path): throw .missing(file: path)
      case .noRecords(let path): throw .noRecords(folder: path)
      case .unreadable(let file, let reason):
        throw .unreadable(file: file.place, reason: reason)
      case .malformed(let file, let line, let column, let problem):
        throw .malformed(
          file: file.place, place: "line \(line)" + (column.map { ", column \($0)" } ?? ""),
          problem: problem)
      case .lostInput(_, let file, _):
        throw .unreadable(file: file.place, reason: "\(error)")
      }
    }
  }
}

import Datasets
import SystemPackage

/// A file of COCO's results format: a list of detections with `image_id`, `category_id`, `bbox` and `score`.
public struct COCOResultsFile: Sendable {
  /// What the file says, in its order.
  public let detections: [COCODetection]
  /// What a person should know about it, one line each.
  public let remarks: [String]

  /// Reads a file.
  ///
  /// - Throws: where a field is missing or of the wrong kind, and where a detection's image is not one of the
  ///   annotations' (pycocotools stops there too), naming the entry. Detections of other categories are left
  ///   out by the evaluation, with a remark.
  public init(
    contentsOf path: FilePath, for annotations: COCOAnnotations
  ) throws(DatasetError) {
    let content = try JSONFile(path).decode(Content.self)
    detections = content.detections.map(\.detection)
    let imageIDs = Set(annotations.images.map(\.id))
    if let index = detections.firstIndex(where: { !imageIDs.contains($0.imageID) }) {
      throw .malformed(
        file: path, place: "[\(index)]",
        problem: "image_id \(detections[index].imageID) is not an image of the annotations: "
          + "are these results of another data set?")
    }
    var remarks: [String] = []
    let categoryIDs = Set(annotations.categories.map(\.id))
    let foreign = detections.filter { !categoryIDs.contains($0.categoryID) }
    if let first = foreign.first {
      remarks.append(
        "\(foreign.count) detections are of categories that the annotations do not list "
          + "(first: category \(first.categoryID)): they do not count")
    }
    if let remark = ScoreCut.remark(detections) { remarks.append(remark) }
    self.remarks = remarks.map { "\(path): \($0)" }
  }
}

/// Detections that were cut at a score that is too high for average precision.
enum ScoreCut {
  /// A line to say where no detection scores near 0.05, torchvision's threshold; nil where one does, or where
  /// there are none.
  static func remark(_ detections: [COCODetection]) -> String? {
    guard let lowest = detections.map(\.score).min(), lowest > 0.06 else { return nil }
    return
      "the lowest score is \(lowest): these detections look cut there, and average precision needs "
      + "those down to 0.05 (detect with --score-threshold 0.05 or less)"
  }
}

private struct Content: Decodable {
  var detections: [DetectionEntry]

  init(from decoder: any Decoder) throws {
    // Whatever the decoder has against it, there is one remedy: the error below.
    guard (try? decoder.unkeyedContainer()) != nil else {
      throw EntryFault(
        place: nil,
        problem:
          "must be a list of detections with \"image_id\", \"category_id\", \"bbox\", \"score\"")
    }
    detections = try decoder.singleValueContainer().decode([DetectionEntry].self)
  }
}

private struct DetectionEntry: Decodable {
  var detection: COCODetection

  enum Key: String, CodingKey {
    case bbox, score
    case imageID = "image_id"
    case categoryID = "category_id"
  }

  init(from decoder: any Decoder) throws {
    let fields = try EntryFields<Key>(decoder, list: "")
    detection = COCODetection(
      imageID: try fields.wholeNumber(.imageID), categoryID: try fields.wholeNumber(.categoryID),
      score: try fields.required(.score, Double.self, kind: "a number"), box: try fields.box(.bbox))
  }
}

import Datasets
import JSONText
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
    detections = try JSONFile(path).read { scanner in
      do { try scanner.beginArray() } catch {
        // What is no value at all is said to be so.
        try scanner.skipValue()
        throw EntryFault(
          place: nil,
          problem:
            "must be a list of detections with \"image_id\", \"category_id\", \"bbox\", \"score\"")
      }
      return try scanner.entries(of: "") { try COCODetection(&$0) }
    }
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

extension COCODetection {
  fileprivate init(_ fields: inout EntryFields) throws {
    var imageID: Int?
    var categoryID: Int?
    var score: Double?
    var box: COCOBox?
    while let key = try fields.next() {
      switch key {
      case "image_id": imageID = try fields.wholeNumber("image_id")
      case "category_id": categoryID = try fields.wholeNumber("category_id")
      case "score": score = try fields.number("score")
      case "bbox": box = try fields.box("bbox")
      default: try fields.skip()
      }
    }
    guard let imageID else { throw fields.lacks("image_id") }
    guard let categoryID else { throw fields.lacks("category_id") }
    guard let score else { throw fields.lacks("score") }
    guard let box else { throw fields.lacks("bbox") }
    self.init(imageID: imageID, categoryID: categoryID, score: score, box: box)
  }
}

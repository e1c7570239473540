import JSONText
import SystemPackage

/// A file of COCO's annotation format ("instances": images, categories, annotations with boxes).
public struct COCOAnnotationsFile: Sendable {
  /// What the file says.
  public let annotations: COCOAnnotations
  /// What a person should know about it, one line each: entries that do not count, ids used twice.
  public let remarks: [String]

  /// Reads a file.
  ///
  /// - Throws: where a field that counts is missing or of the wrong kind, naming the entry. `area` may be missing
  ///   (the box's is taken, with a remark), and so may `iscrowd` (0), names and sizes.
  public init(contentsOf path: FilePath) throws(DatasetError) {
    let content = try JSONFile(path).read { try Content(&$0) }
    annotations = COCOAnnotations(
      images: content.images, categories: content.categories, objects: content.objects)
    var remarks = annotations.remarks
    if let first = content.withoutArea.first {
      remarks.append(
        "\(content.withoutArea.count) annotations have no \"area\" (first: id \(first)): "
          + "their box's width x height is taken")
    }
    self.remarks = remarks.map { "\(path): \($0)" }
  }
}

extension COCOAnnotations {
  /// Entries that do not count or not as one would think, one line for each kind.
  var remarks: [String] {
    var remarks: [String] = []
    func remark(_ entries: [Object], _ text: (Int, Object) -> String) {
      if let first = entries.first { remarks.append(text(entries.count, first)) }
    }
    for (name, ids) in [
      ("image", images.map(\.id)), ("category", categories.map(\.id)),
      ("annotation", objects.map(\.id)),
    ] {
      if let id = Self.firstRepeated(ids) {
        remarks.append("\(name) id \(id) is used more than once: the last one counts")
      }
    }
    let imageIDs = Set(images.map(\.id))
    let categoryIDs = Set(categories.map(\.id))
    remark(objects.filter { !imageIDs.contains($0.imageID) }) {
      "\($0) annotations are of images that are not listed (first: id \($1.id), image \($1.imageID)): "
        + "they do not count"
    }
    remark(objects.filter { !categoryIDs.contains($0.categoryID) }) {
      "\($0) annotations are of categories that are not listed "
        + "(first: id \($1.id), category \($1.categoryID)): they do not count"
    }
    remark(objects.filter { $0.id == 0 }) { _, _ in
      "an annotation has the id 0: detections that find it count as wrong, as in pycocotools"
    }
    return remarks
  }

  private static func firstRepeated(_ ids: [Int]) -> Int? {
    var seen: Set<Int> = []
    return ids.first { !seen.insert($0).inserted }
  }
}

/// What is read of a file.
private struct Content {
  var images: [COCOAnnotations.Image]
  var categories: [COCOAnnotations.Category]
  var objects: [COCOAnnotations.Object]
  /// The ids of annotations that have no area.
  var withoutArea: [Int] = []

  init(_ scanner: inout JSONScanner) throws {
    var fields = try EntryFields(
      scanner, otherwise: "must be an object with \"images\", \"categories\" and \"annotations\"")
    var images: [COCOAnnotations.Image]?
    var categories: [COCOAnnotations.Category]?
    var objects: [COCOAnnotations.Object]?
    var withoutArea: [Int] = []
    while let key = try fields.next() {
      switch key {
      case "images": images = try fields.entries("images") { try COCOAnnotations.Image(&$0) }
      case "categories":
        categories = try fields.entries("categories") { try COCOAnnotations.Category(&$0) }
      case "annotations":
        objects = try fields.entries("annotations") { fields in
          let (object, hasArea) = try COCOAnnotations.Object.read(&fields)
          if !hasArea { withoutArea.append(object.id) }
          return object
        }
      default: try fields.skip()
      }
    }
    scanner = fields.scanner
    guard let images else { throw fields.lacks("images") }
    guard let categories else { throw fields.lacks("categories") }
    guard let objects else { throw fields.lacks("annotations") }
    self.images = images
    self.categories = categories
    self.objects = objects
    self.withoutArea = withoutArea
  }
}

extension COCOAnnotations.Image {
  fileprivate init(_ fields: inout EntryFields) throws {
    var id: Int?
    var image = COCOAnnotations.Image(id: 0, fileName: "")
    while let key = try fields.next() {
      switch key {
      case "id": id = try fields.wholeNumber("id")
      case "file_name": image.fileName = try fields.optionalText("file_name") ?? ""
      case "width": image.width = try fields.optionalWholeNumber("width")
      case "height": image.height = try fields.optionalWholeNumber("height")
      default: try fields.skip()
      }
    }
    guard let id else { throw fields.lacks("id") }
    image.id = id
    self = image
  }
}

extension COCOAnnotations.Category {
  fileprivate init(_ fields: inout EntryFields) throws {
    var id: Int?
    var name: String?
    while let key = try fields.next() {
      switch key {
      case "id": id = try fields.wholeNumber("id")
      case "name": name = try fields.optionalText("name")
      default: try fields.skip()
      }
    }
    guard let id else { throw fields.lacks("id") }
    self.init(id: id, name: name ?? String(id))
  }
}

extension COCOAnnotations.Object {
  fileprivate static func read(
    _ fields: inout EntryFields
  ) throws -> (object: COCOAnnotations.Object, hasArea: Bool) {
    var id: Int?
    var imageID: Int?
    var categoryID: Int?
    var box: COCOBox?
    var area: Double?
    var isCrowd = false
    while let key = try fields.next() {
      switch key {
      case "id": id = try fields.wholeNumber("id")
      case "image_id": imageID = try fields.wholeNumber("image_id")
      case "category_id": categoryID = try fields.wholeNumber("category_id")
      case "bbox": box = try fields.box("bbox")
      case "area":
        area = try fields.optional("area", "a number") { (scanner) throws(JSONError) in
          try scanner.readNumber().double
        }
      case "iscrowd":
        isCrowd =
          try fields.optional("iscrowd", "0 or 1") { (scanner) throws(JSONError) in
            // A number, or the boolean that some tools write.
            switch try scanner.readToken() {
            case .bool(let flag): return flag
            case .number(let number) where number.wholeNumber != nil: return number.wholeNumber != 0
            default: throw scanner.error("there should be 0 or 1")
            }
          } ?? false
      default: try fields.skip()
      }
    }
    guard let id else { throw fields.lacks("id") }
    guard let imageID else { throw fields.lacks("image_id") }
    guard let categoryID else { throw fields.lacks("category_id") }
    guard let box else { throw fields.lacks("bbox") }
    let object = COCOAnnotations.Object(
      id: id, imageID: imageID, categoryID: categoryID, box: box, area: area, isCrowd: isCrowd)
    return (object, area != nil)
  }
}

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
    let content = try JSONFile(path).decode(Content.self)
    annotations = COCOAnnotations(
      images: content.images.map(\.image), categories: content.categories.map(\.category),
      objects: content.annotations.map(\.object))
    var remarks = annotations.remarks
    let withoutArea = content.annotations.filter(\.isWithoutArea)
    if let first = withoutArea.first {
      remarks.append(
        "\(withoutArea.count) annotations have no \"area\" (first: id \(first.object.id)): "
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

private struct Content: Decodable {
  var images: [ImageEntry]
  var categories: [CategoryEntry]
  var annotations: [AnnotationEntry]

  enum Key: String, CodingKey { case images, categories, annotations }

  init(from decoder: any Decoder) throws {
    let fields = try EntryFields<Key>(
      decoder, otherwise: "must be an object with \"images\", \"categories\" and \"annotations\"")
    images = try fields.required(.images, [ImageEntry].self, kind: "a list")
    categories = try fields.required(.categories, [CategoryEntry].self, kind: "a list")
    annotations = try fields.required(.annotations, [AnnotationEntry].self, kind: "a list")
  }
}

private struct ImageEntry: Decodable {
  var image: COCOAnnotations.Image

  enum Key: String, CodingKey {
    case id, width, height
    case fileName = "file_name"
  }

  init(from decoder: any Decoder) throws {
    let fields = try EntryFields<Key>(decoder, list: "images", idKey: .id)
    image = .init(
      id: try fields.wholeNumber(.id),
      fileName: try fields.optional(.fileName, String.self, kind: "text") ?? "",
      width: try fields.optional(.width, Int.self, kind: "a whole number"),
      height: try fields.optional(.height, Int.self, kind: "a whole number"))
  }
}

private struct CategoryEntry: Decodable {
  var category: COCOAnnotations.Category

  enum Key: String, CodingKey { case id, name }

  init(from decoder: any Decoder) throws {
    let fields = try EntryFields<Key>(decoder, list: "categories", idKey: .id)
    let id = try fields.wholeNumber(.id)
    category = .init(
      id: id, name: try fields.optional(.name, String.self, kind: "text") ?? String(id))
  }
}

private struct AnnotationEntry: Decodable {
  var object: COCOAnnotations.Object
  var isWithoutArea: Bool

  enum Key: String, CodingKey {
    case id, bbox, area
    case imageID = "image_id"
    case categoryID = "category_id"
    case isCrowd = "iscrowd"
  }

  init(from decoder: any Decoder) throws {
    let fields = try EntryFields<Key>(decoder, list: "annotations", idKey: .id)
    let area = try fields.optional(.area, Double.self, kind: "a number")
    object = .init(
      id: try fields.wholeNumber(.id), imageID: try fields.wholeNumber(.imageID),
      categoryID: try fields.wholeNumber(.categoryID), box: try fields.box(.bbox), area: area,
      isCrowd: try fields.optional(.isCrowd, CrowdFlag.self, kind: "0 or 1")?.isSet ?? false)
    isWithoutArea = area == nil
  }
}

/// A number, or the boolean that some tools write.
private struct CrowdFlag: Decodable {
  var isSet: Bool

  init(from decoder: any Decoder) throws {
    let value = try decoder.singleValueContainer()
    // Not a boolean: then it has to be a number, and that error is thrown.
    if let flag = try? value.decode(Bool.self) {
      isSet = flag
    } else {
      isSet = try value.decode(Int.self) != 0
    }
  }
}

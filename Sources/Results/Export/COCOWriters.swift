import Datasets
import DetectionRecords
import Failures
import JSONText

/// COCO's results, a list of `{"image_id":…,"category_id":…,"bbox":[x,y,width,height],"score":…}` in the order of the
/// records.
///
/// Ids are those of a file of annotations where one is given. Else images that were looked at are numbered from 1 in the
/// order of the records, frames of videos too, and categories from 1: as `COCODatasetWriter` numbers them.
struct COCOResultsWriter: ExportWriter {
  private let ids: COCOIdentifiers?
  /// Those that had a record.
  private var used: Set<Int> = []
  private var image = 0
  private var isFirst = true
  private var failures = 0

  init(_ ids: COCOIdentifiers?) { self.ids = ids }

  var untold: Int { failures }

  mutating func begin(pass: Int, _ classes: ExportClasses, to bytes: inout [UInt8]) {
    bytes.append(UInt8(ascii: "["))
  }

  mutating func append(
    _ frame: ExportFrame, _ input: ExportInput, _ classes: ExportClasses, to bytes: inout [UInt8]
  ) throws {
    guard let found = frame.detections, let picture = input.pictureName(frame.record) else {
      failures += 1
      return
    }
    image += 1
    var imageID = image
    if let ids {
      imageID = try ids.image(picture, isFrameOfVideo: picture != input.name)
      // As `evaluate` does: the detections of two would count as one's.
      guard used.insert(imageID).inserted else { throw COCOIdentifierError.twice(picture) }
    }
    for detection in found {
      let category =
        try ids.map { try $0.category(classes.names[detection.classIndex]) }
        ?? detection.classIndex + 1
      ExportText.append(isFirst ? "\n{\"image_id\":" : ",\n{\"image_id\":", to: &bytes)
      isFirst = false
      JSON.append(imageID, to: &bytes)
      ExportText.append(",\"category_id\":", to: &bytes)
      JSON.append(category, to: &bytes)
      detection.appendCOCOBox(to: &bytes)
      bytes.append(UInt8(ascii: "}"))
    }
  }

  mutating func end(pass: Int, _ classes: ExportClasses, to bytes: inout [UInt8]) {
    ExportText.append("\n]\n", to: &bytes)
  }
}

extension RecordedDetection {
  /// Appends `,"bbox":[…],"score":…`.
  fileprivate func appendCOCOBox(to bytes: inout [UInt8]) {
    ExportText.append(",\"bbox\":[", to: &bytes)
    for (ordinal, value) in [x, y, width, height].enumerated() {
      if ordinal > 0 { bytes.append(UInt8(ascii: ",")) }
      JSON.append(value, decimals: 2, to: &bytes)
    }
    ExportText.append("],\"score\":", to: &bytes)
    JSON.append(score, decimals: 4, to: &bytes)
  }
}

/// The ids that a file of COCO annotations gives images and categories.
public struct COCOIdentifiers: Sendable {
  private var byName: [String: Int] = [:]
  /// -1 where several images have the base name.
  private var byBaseName: [String: Int] = [:]
  private var categories: [String: Int] = [:]

  /// The ids of annotations.
  public init(_ annotations: COCOAnnotations) {
    for image in annotations.images {
      byName[image.fileName] = image.id
      byBaseName[Self.baseName(image.fileName)] =
        byBaseName[Self.baseName(image.fileName)].map { $0 == image.id ? $0 : -1 } ?? image.id
    }
    for category in annotations.categories { categories[category.name] = category.id }
  }

  private static func baseName(_ name: String) -> String {
    name.split(separator: "/").last.map(String.init) ?? name
  }

  /// The id of an image.
  ///
  /// - Parameters:
  ///   - name: its path.
  ///   - isFrameOfVideo: whether its base name is one that every video has.
  /// - Returns: what the annotations call it.
  /// - Throws: `COCOIdentifierError.image`.
  func image(_ name: String, isFrameOfVideo: Bool) throws(COCOIdentifierError) -> Int {
    if let id = byName[name] { return id }
    guard !isFrameOfVideo, let id = byBaseName[Self.baseName(name)], id >= 0 else {
      throw .image(name)
    }
    return id
  }

  func category(_ name: String) throws(COCOIdentifierError) -> Int {
    guard let id = categories[name] else { throw .category(name) }
    return id
  }
}

/// A record of something that the annotations do not have.
public enum COCOIdentifierError: ClassifiedError, Equatable, Sendable {
  /// No image of this name, nor a single one of its base name.
  case image(String)
  /// The image of this record had one already.
  case twice(String)
  /// No category of this name.
  case category(String)

  /// The kind.
  public var kind: FailureKind { .unusableInput }

  /// One line: what, on what, what to do.
  public var description: String {
    switch self {
    case .image(let name):
      "no image of the annotations has the file_name of \(name), nor has one alone its base name"
    case .twice(let name):
      "\(name) belongs to an image of the annotations that had a record already: export them apart"
    case .category(let name):
      "no category of the annotations is called \"\(name)\": --classes leaves labels out"
    }
  }
}

/// A data set in COCO's format: `images`, `annotations` and `categories`, a line each entry.
///
/// Images are those that were looked at, numbered from 1 in the order of the records; a frame of a video is an image
/// `<source>/frame000042.jpg` with `video`, `frame` and `time` beside it. Annotations are numbered from 1, with `score`.
/// The first pass writes images, the second annotations.
struct COCODatasetWriter: ExportWriter {
  private var pass = 1
  private var image = 0
  private var annotation = 0
  private var failures = 0

  var untold: Int { failures }

  mutating func begin(pass: Int, _ classes: ExportClasses, to bytes: inout [UInt8]) {
    (self.pass, image, annotation, failures) = (pass, 0, 0, 0)
    ExportText.append(
      pass == 1
        ? "{\"info\":{\"description\":\"detections, to be checked\"},\"licenses\":[],\n\"images\":["
        : "\n],\n\"annotations\":[", to: &bytes)
  }

  mutating func append(
    _ frame: ExportFrame, _ input: ExportInput, _ classes: ExportClasses, to bytes: inout [UInt8]
  ) {
    guard let found = frame.detections, let size = frame.size,
      let name = input.pictureName(frame.record)
    else {
      failures += 1
      return
    }
    image += 1
    if pass == 1 {
      appendImage(name, frame.record, input, size, &bytes)
    } else {
      for detection in found { append(detection, &bytes) }
    }
  }

  private func appendImage(
    _ name: String, _ record: FrameRecord, _ input: ExportInput, _ size: (width: Int, height: Int),
    _ bytes: inout [UInt8]
  ) {
    ExportText.append(image == 1 ? "\n{\"id\":" : ",\n{\"id\":", to: &bytes)
    JSON.append(image, to: &bytes)
    ExportText.append(",\"file_name\":", to: &bytes)
    JSON.append(name, to: &bytes)
    ExportText.append(",\"width\":", to: &bytes)
    JSON.append(size.width, to: &bytes)
    ExportText.append(",\"height\":", to: &bytes)
    JSON.append(size.height, to: &bytes)
    if name != input.name {
      ExportText.append(",\"video\":", to: &bytes)
      JSON.append(input.name, to: &bytes)
      ExportText.append(",\"frame\":", to: &bytes)
      JSON.append(record.frame, to: &bytes)
      if let time = record.time {
        ExportText.append(",\"time\":", to: &bytes)
        JSON.append(time, decimals: 6, to: &bytes)
      }
    }
    bytes.append(UInt8(ascii: "}"))
  }

  private mutating func append(_ detection: RecordedDetection, _ bytes: inout [UInt8]) {
    annotation += 1
    ExportText.append(annotation == 1 ? "\n{\"id\":" : ",\n{\"id\":", to: &bytes)
    JSON.append(annotation, to: &bytes)
    ExportText.append(",\"image_id\":", to: &bytes)
    JSON.append(image, to: &bytes)
    ExportText.append(",\"category_id\":", to: &bytes)
    JSON.append(detection.classIndex + 1, to: &bytes)
    ExportText.append(",\"area\":", to: &bytes)
    JSON.append(detection.width * detection.height, decimals: 2, to: &bytes)
    ExportText.append(",\"iscrowd\":0,\"segmentation\":[]", to: &bytes)
    detection.appendCOCOBox(to: &bytes)
    bytes.append(UInt8(ascii: "}"))
  }

  mutating func end(pass: Int, _ classes: ExportClasses, to bytes: inout [UInt8]) {
    guard pass == 2 else { return }
    ExportText.append("\n],\n\"categories\":[", to: &bytes)
    for (number, name) in classes.names.enumerated() {
      ExportText.append(number == 0 ? "\n{\"id\":" : ",\n{\"id\":", to: &bytes)
      JSON.append(number + 1, to: &bytes)
      ExportText.append(",\"name\":", to: &bytes)
      JSON.append(name, to: &bytes)
      ExportText.append(",\"supercategory\":\"\"}", to: &bytes)
    }
    ExportText.append("\n]}\n", to: &bytes)
  }
}

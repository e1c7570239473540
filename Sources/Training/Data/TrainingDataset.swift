import BoxGeometry
import Datasets
import Files
import SystemPackage

/// Pictures and what is marked in them, made fit for training: every box has an area and lies inside its picture.
///
/// Crowds (COCO's `iscrowd`, Pascal VOC's `difficult`) are not trained on; in an evaluation they count for nobody.
public struct TrainingDataset: Sendable {
  /// One picture.
  public struct Image: Equatable, Sendable {
    /// Its number in `annotations`.
    public var id: Int
    /// Where it is.
    public var path: FilePath
    /// Width and height that the annotations are for, if they say it.
    public var size: Size?
    /// What is marked in it, in pixels of the picture.
    public var objects: [LabelledBox]
  }

  /// Columns and rows.
  public struct Size: Equatable, Sendable {
    /// Columns.
    public var width: Int
    /// Rows.
    public var height: Int

    /// Creates a size.
    public init(width: Int, height: Int) {
      self.width = width
      self.height = height
    }

    /// What annotations say of an image; nil where they do not, or say 0x0, as some tools do that do not know.
    init?(_ image: COCOAnnotations.Image) {
      guard let width = image.width, let height = image.height, width > 0, height > 0 else {
        return nil
      }
      self.init(width: width, height: height)
    }

    var text: String { "\(width)x\(height)" }
  }

  /// Labels by column of the class head.
  public let classes: [String]
  /// The category of each class in `annotations`.
  public let categoryIDs: [Int]
  /// The pictures in the dataset's order.
  public let images: [Image]
  /// The same for an evaluation, crowds included.
  public let annotations: COCOAnnotations
  /// What a person should know about the dataset, one line each.
  public let remarks: [String]

  /// Makes annotations fit for training.
  ///
  /// - Parameters:
  ///   - annotations: pictures, categories and boxes.
  ///   - folder: where the pictures' names begin.
  ///   - classes: labels by column of the class head, each once; objects of other categories are left out. nil: all
  ///     categories by rising number.
  ///   - place: what the annotations are called in errors and remarks.
  ///   - remarks: what is known about them already.
  /// - Throws: `DatasetError` where a picture is missing, a class is unknown, a box is not finite or nothing is
  ///   left. Boxes without area, outside their picture or partly so get remarks.
  public init(
    _ annotations: COCOAnnotations, folder: FilePath, classes: [String]? = nil, place: String,
    remarks: [String] = []
  ) throws(DatasetError) {
    let categories = Dictionary(
      annotations.categories.map { ($0.id, $0) }, uniquingKeysWith: { $1 }
    ).values.sorted { $0.id < $1.id }
    var idOfLabel: [String: Int] = [:]
    for category in categories {
      guard idOfLabel.updateValue(category.id, forKey: category.name) == nil else {
        throw .ambiguousClass(label: category.name)
      }
    }
    let labels = classes ?? categories.map(\.name)
    var categoryIDs: [Int] = []
    for label in labels {
      guard let id = idOfLabel[label] else {
        throw .absentClass(label: label, labels: categories.map(\.name))
      }
      categoryIDs.append(id)
    }
    let columnOfCategory = Dictionary(
      uniqueKeysWithValues: categoryIDs.enumerated().map { ($1, $0) })

    var entries: [Int: COCOAnnotations.Image] = [:]
    var order: [Int] = []
    for image in annotations.images {
      if entries.updateValue(image, forKey: image.id) == nil { order.append(image.id) }
    }
    var sieve = BoxSieve(place: place)
    var objects: [Int: [LabelledBox]] = [:]
    for object in annotations.objects {
      guard let image = entries[object.imageID],
        let column = columnOfCategory[object.categoryID]
      else { continue }
      if let box = try sieve.pass(object, of: image) {
        objects[image.id, default: []].append(LabelledBox(classIndex: column, box: box))
      }
    }
    var images: [Image] = []
    for id in order {
      guard let entry = entries[id] else { continue }
      guard !entry.fileName.isEmpty else {
        throw .malformed(file: FilePath(place), place: "image \(id)", problem: "has no file_name")
      }
      images.append(
        Image(
          id: id, path: folder.appending(entry.fileName), size: Size(entry),
          objects: objects[id] ?? []))
    }
    try Self.checkPictures(images)
    guard !objects.isEmpty else { throw .noObjects(place: place) }
    let other = categories.filter { columnOfCategory[$0.id] == nil }
    self.classes = labels
    self.categoryIDs = categoryIDs
    self.images = images
    self.annotations = COCOAnnotations(
      images: annotations.images,
      categories: annotations.categories.filter { columnOfCategory[$0.id] != nil },
      objects: annotations.objects)
    self.remarks =
      remarks + sieve.remarks
      + (other.isEmpty
        ? []
        : ["\(place): not trained on: \(other.map(\.name).joined(separator: ", "))"])
  }

  /// Objects of each class.
  public var objectCounts: [Int] {
    var counts = [Int](repeating: 0, count: classes.count)
    for image in images {
      for object in image.objects { counts[object.classIndex] += 1 }
    }
    return counts
  }

  private static func checkPictures(_ images: [Image]) throws(DatasetError) {
    let missing = images.filter { !$0.path.isReadable }
    if let first = missing.first {
      throw .missingPictures(first: first.path, count: missing.count, of: images.count)
    }
  }
}

/// Lets through what can be trained on, and counts the rest.
private struct BoxSieve {
  let place: String
  private var crowds = 0
  private var withoutArea: [String] = []
  private var outside: [String] = []
  private var clipped: [String] = []

  init(place: String) {
    self.place = place
  }

  mutating func pass(
    _ object: COCOAnnotations.Object, of image: COCOAnnotations.Image
  ) throws(DatasetError) -> Box? {
    let box = object.box
    let name = "annotation \(object.id) of \(image.fileName)"
    let numbers = [box.x, box.y, box.width, box.height]
    guard numbers.allSatisfy({ $0.isFinite && abs($0) < 1e6 }) else {
      throw .malformed(file: FilePath(place), place: name, problem: "its box is \(numbers)")
    }
    if object.isCrowd {
      crowds += 1
      return nil
    }
    guard box.width > 0, box.height > 0 else {
      withoutArea.append(name)
      return nil
    }
    let whole = Box(
      minX: Float(box.x), minY: Float(box.y), maxX: Float(box.x + box.width),
      maxY: Float(box.y + box.height))
    guard whole.width > 0, whole.height > 0 else {
      withoutArea.append(name)
      return nil
    }
    guard let size = TrainingDataset.Size(image) else { return whole }
    switch ClippedBox(whole, width: size.width, height: size.height) {
    case .whole(let part):
      return part
    case .cut(let part):
      clipped.append(name)
      return part
    case .outside:
      outside.append(name)
      return nil
    }
  }

  var remarks: [String] {
    func remark(_ names: [String], _ text: String) -> String? {
      names.first.map { "\(place): \(names.count) boxes \(text) (first: \($0))" }
    }
    return [
      remark(withoutArea, "have no area: skipped"),
      remark(outside, "lie outside their picture: skipped"),
      remark(clipped, "reach outside their picture: cut"),
      crowds > 0 ? "\(place): \(crowds) crowds or difficult objects are not trained on" : nil,
    ].compactMap { $0 }
  }
}

import Files
import Foundation
import Settings
import SystemPackage

/// A data set in Ultralytics' form: a `data.yaml` with `names` and lists of pictures, and label files beside the pictures'
/// folders.
///
///     path: .                   # where the others count from; default: the file's own folder
///     train: images/train       # a folder, a .txt file with a picture a line, or a list of both
///     val: images/val
///     names: {0: cat, 1: dog}   # or a list
///
/// The labels of `…/images/a/b.jpg` are in `…/labels/a/b.txt`, a line an object: the class's number from 0, then centre
/// x, centre y, width and height as shares of the picture's sides (a sixth number, a score, is passed over), or the corners
/// of an outline, of which the box is taken. A picture without a file has no objects.
public struct YOLODataset: Sendable {
  /// What the files say, in pixels; categories are numbered from 1, images in the order of their paths.
  public let annotations: COCOAnnotations
  /// Where the images' names begin.
  public let folder: FilePath

  /// Reads the annotations of one list.
  ///
  /// - Parameters:
  ///   - file: the `data.yaml`.
  ///   - split: the key of the list: `train`, `val` or `test`.
  ///   - pictureSize: tells the sides of an upright picture; the labels are shares of them.
  /// - Throws: `DatasetError` that names the file and the line, `SettingsError` of the YAML, and what `pictureSize` throws.
  public init(
    _ file: FilePath, split: String,
    pictureSize: (FilePath) throws -> (width: Int, height: Int)
  ) throws {
    let text = String(decoding: try readFile(file), as: UTF8.self)
    let settings = try SettingsTree.parse(text, file: file.string)
    let names = try Self.names(settings)
    let home = file.removingLastComponent()
    let root = try (settings.string("path").map { home.pushing(FilePath($0)) } ?? home)
      .lexicallyNormalized()
    guard let value = settings.value(split) else {
      throw DatasetError.malformed(
        file: file, place: "'\(split)'",
        problem: "is not there; these keys are: \(settings.keys.joined(separator: ", "))")
    }
    var pictures: [FilePath] = []
    // A list of places, else one: what is neither is an error of the second.
    for place in try (try? value.list())?.map({ try $0.string() }) ?? [value.string()] {
      pictures += try Self.pictures(place, below: root, file: file)
    }
    var seen: Set<FilePath> = []
    pictures = pictures.filter { seen.insert($0).inserted }
    guard !pictures.isEmpty else { throw DatasetError.noObjects(place: "\(file) (\(split))") }
    let isBelowRoot = pictures.allSatisfy { $0.starts(with: root) }
    folder = isBelowRoot ? root : ""

    var images: [COCOAnnotations.Image] = []
    var objects: [COCOAnnotations.Object] = []
    for (index, picture) in pictures.enumerated() {
      let boxes = try Self.boxes(Self.labelFile(of: picture), classes: names.count)
      var name = picture
      if isBelowRoot { _ = name.removePrefix(root) }
      guard !boxes.isEmpty else {
        images.append(.init(id: index + 1, fileName: name.string, width: nil, height: nil))
        continue
      }
      let size = try pictureSize(picture)
      images.append(
        .init(id: index + 1, fileName: name.string, width: size.width, height: size.height))
      for box in boxes {
        let (width, height) = (Double(size.width), Double(size.height))
        objects.append(
          .init(
            id: objects.count + 1, imageID: index + 1, categoryID: box.label + 1,
            box: COCOBox(
              x: box.x * width, y: box.y * height, width: box.width * width,
              height: box.height * height), isCrowd: false))
      }
    }
    annotations = COCOAnnotations(
      images: images, categories: names.enumerated().map { .init(id: $0 + 1, name: $1) },
      objects: objects)
  }

  /// The labels in the order of their numbers: `names` is a list, or a map of numbers from 0 without a gap.
  private static func names(_ settings: SettingsTree) throws -> [String] {
    guard let value = settings.value("names") else {
      throw settings.missing("names", expected: "a list or map of labels")
    }
    // A list of labels, else a map: what is neither is an error of the second.
    if let list = try? value.list() { return try list.map { try $0.string() } }
    let map = try value.map()
    // By their keys as they stand there: 00 is 0.
    let entries = map.keys.compactMap { key in Int(key).map { (number: $0, key: key) } }
      .sorted { $0.number < $1.number }
    guard entries.count == map.keys.count, !entries.isEmpty,
      entries.map(\.number) == Array(0..<entries.count)
    else { throw value.wrong("a list, or a map of numbers from 0") }
    return try entries.map { try map.string($0.key) ?? "" }
  }

  private static let pictureExtensions: Set<String> = [
    "avif", "bmp", "heic", "heif", "jpeg", "jpg", "png", "tif", "tiff", "webp",
  ]

  /// The pictures that one entry of a list means.
  private static func pictures(
    _ place: String, below root: FilePath, file: FilePath
  ) throws(DatasetError) -> [FilePath] {
    var path = root.pushing(FilePath(place))
    // Roboflow writes `../train/images` for what lies beside the file.
    if !path.isReadable, place.hasPrefix("../") {
      path = root.pushing(FilePath(String(place.dropFirst(3))))
    }
    if path.extension == "txt" {
      let folder = path.removingLastComponent()
      let lines = String(decoding: try readFile(path), as: UTF8.self)
        .split(whereSeparator: \.isNewline).map { $0.trimmingCharacters(in: .whitespaces) }
      return lines.filter { !$0.isEmpty }.map { line in
        line.hasPrefix("./")
          ? folder.pushing(FilePath(String(line.dropFirst(2)))) : root.pushing(FilePath(line))
      }
    }
    var found: [FilePath] = []
    var folders = [path.lexicallyNormalized()]
    while let folder = folders.popLast() {
      let entries: [DirectoryListing.Entry]
      do {
        entries = try DirectoryListing(folder).entries
      } catch {
        throw .unreadable(file: folder, reason: "\(error) (named by \(file))")
      }
      for entry in entries {
        let place = folder.pushing(FilePath(bytes: entry.name))
        if entry.type == .directory {
          folders.append(place)
        } else if pictureExtensions.contains(place.extension?.lowercased() ?? "") {
          found.append(place)
        }
      }
    }
    return found.sorted { $0.string < $1.string }
  }

  /// The label file of a picture: the last folder `images` of its path is `labels` there.
  private static func labelFile(of picture: FilePath) -> FilePath {
    var file = FilePath(root: picture.root)
    let components = Array(picture.components)
    let images = components.dropLast().lastIndex { $0.string == "images" }
    for (index, component) in components.enumerated() {
      file.append(index == images ? FilePath.Component("labels") : component)
    }
    file.extension = "txt"
    return file
  }

  private struct LabelledShare {
    var label: Int
    var x, y, width, height: Double
  }

  private static func boxes(
    _ file: FilePath, classes: Int
  ) throws(DatasetError) -> [LabelledShare] {
    guard file.isReadable else { return [] }
    var boxes: [LabelledShare] = []
    let lines = String(decoding: try readFile(file), as: UTF8.self)
      .split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    for (index, line) in lines.enumerated() {
      let fields = line.split(whereSeparator: \.isWhitespace)
      if fields.isEmpty { continue }
      func malformed(_ problem: String) -> DatasetError {
        .malformed(file: file, place: "line \(index + 1)", problem: problem)
      }
      guard let label = Double(fields[0]).flatMap({ Int(exactly: $0) }),
        (0..<classes).contains(label)
      else { throw malformed("its class is '\(fields[0])' where 0 to \(classes - 1) may be") }
      let numbers = fields.dropFirst().compactMap { Double($0) }
        .filter { $0.isFinite && abs($0) < 1e6 }
      guard numbers.count == fields.count - 1 else {
        throw malformed("has something that is no number")
      }
      if numbers.count == 4 || numbers.count == 5 {
        boxes.append(
          LabelledShare(
            label: label, x: numbers[0] - numbers[2] / 2, y: numbers[1] - numbers[3] / 2,
            width: numbers[2], height: numbers[3]))
      } else if numbers.count >= 6, numbers.count % 2 == 0 {
        let xs = stride(from: 0, to: numbers.count, by: 2).map { numbers[$0] }
        let ys = stride(from: 1, to: numbers.count, by: 2).map { numbers[$0] }
        let (left, top) = (xs.min() ?? 0, ys.min() ?? 0)
        boxes.append(
          LabelledShare(
            label: label, x: left, y: top, width: (xs.max() ?? 0) - left,
            height: (ys.max() ?? 0) - top))
      } else {
        throw malformed(
          "has \(numbers.count) numbers after its class: a box has 4, an outline 6 or more, two a corner"
        )
      }
    }
    return boxes
  }
}

import Files
import Foundation
import SystemPackage

/// A folder in Pascal VOC's form: `Annotations/NAME.xml`, `JPEGImages/`, and `ImageSets/Main/SPLIT.txt` with a name a
/// line. A folder without `ImageSets` has all its annotations in one list.
///
/// `xmin`, `ymin`, `xmax`, `ymax` are taken as corners of the box in pixels, as torchvision does: a box from 10 to
/// 10 has no area.
public struct PascalVOCFolder: Sendable {
  /// What the files say; `difficult` objects are crowds. Categories are numbered from 1.
  public let annotations: COCOAnnotations

  /// Reads the annotations of one split.
  ///
  /// - Parameters:
  ///   - folder: the one that holds `Annotations`.
  ///   - split: names the list, for instance `trainval`; nil takes all annotations there are, by name.
  ///   - classes: the labels there may be, in order of their numbers. nil: those that are found, by name.
  /// - Throws: `DatasetError` that names the file and the object at fault.
  public init(_ folder: FilePath, split: String?, classes: [String]? = nil) throws(DatasetError) {
    let list =
      split.map { folder.appending("ImageSets/Main/\($0).txt") } ?? folder.appending("Annotations")
    func file(_ name: some StringProtocol) -> FilePath {
      folder.appending("Annotations/\(name).xml")
    }
    var pages: [(file: FilePath, page: Page)] = []
    for line in try split == nil ? Self.annotationNames(list) : Self.lines(readFile(list)) {
      // Lists of one class have a second column; but a name may have blanks in it, and end like one.
      let name = file(line).isReadable ? line[...] : Self.withoutClassColumn(line)
      pages.append((file(name), try Page(file(name), name: String(name), folder: folder)))
    }
    guard !pages.isEmpty else { throw .noObjects(place: list.string) }

    let found = Set(pages.flatMap { $0.page.objects.map(\.label) })
    let labels = classes ?? found.sorted()
    let numbers = Dictionary(
      labels.enumerated().map { ($1, $0 + 1) }, uniquingKeysWith: { first, _ in first })
    var images: [COCOAnnotations.Image] = []
    var objects: [COCOAnnotations.Object] = []
    for (index, entry) in pages.enumerated() {
      let page = entry.page
      images.append(
        .init(id: index + 1, fileName: page.picture, width: page.width, height: page.height))
      for (ordinal, object) in page.objects.enumerated() {
        guard let number = numbers[object.label] else {
          throw .unknownClass(
            label: object.label, place: "\(entry.file): object \(ordinal + 1)", classes: labels)
        }
        objects.append(
          .init(
            id: objects.count + 1, imageID: index + 1, categoryID: number,
            box: COCOBox(
              x: object.corners[0], y: object.corners[1],
              width: object.corners[2] - object.corners[0],
              height: object.corners[3] - object.corners[1]), isCrowd: object.isDifficult))
      }
    }
    annotations = COCOAnnotations(
      images: images, categories: labels.enumerated().map { .init(id: $0 + 1, name: $1) },
      objects: objects)
  }
}

extension PascalVOCFolder {
  /// Whether a folder has lists at all.
  public static func hasLists(_ folder: FilePath) -> Bool {
    folder.appending("ImageSets/Main").isReadable
  }

  /// The names of a folder's XML files, sorted.
  private static func annotationNames(_ folder: FilePath) throws(DatasetError) -> [String] {
    do {
      return try DirectoryListing(folder).entries.map { FilePath(bytes: $0.name) }
        .filter { $0.extension == "xml" }.compactMap(\.stem).sorted()
    } catch {
      throw .unreadable(file: folder, reason: "\(error)")
    }
  }

  /// The lines of a list without blanks around them; editors may have put a byte order mark before the first.
  private static func lines(_ bytes: [UInt8]) -> [String] {
    let mark: [UInt8] = [0xef, 0xbb, 0xbf]
    let text = String(
      decoding: bytes.starts(with: mark) ? bytes.dropFirst(mark.count) : bytes[...], as: UTF8.self)
    return text.split(whereSeparator: \.isNewline)
      .map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
  }

  /// What stands before a last column of 1, 0 or -1.
  private static func withoutClassColumn(_ line: String) -> Substring {
    line.wholeMatch(of: /(.*\S)\s+(?:1|0|-1)/)?.1 ?? line[...]
  }
}

/// One XML file.
private struct Page {
  struct Object {
    var label: String
    var corners: [Double]
    var isDifficult: Bool
  }

  var picture: String
  var width: Int?
  var height: Int?
  var objects: [Object]

  init(_ file: FilePath, name: String, folder: FilePath) throws(DatasetError) {
    let root = try XMLElement.read(file)
    guard root.name == "annotation" else {
      throw .malformed(
        file: file, place: "line 1", problem: "<\(root.name)> where <annotation> should be")
    }
    func number(_ element: XMLElement?, _ what: String) throws(DatasetError) -> Double? {
      guard let element else { return nil }
      guard let number = Double(element.text), number.isFinite else {
        throw .malformed(
          file: file, place: "line \(element.line)",
          problem: "\(what) is '\(element.text)' where a number should be")
      }
      return number
    }
    // The name of the XML file counts; what <filename> says often is of another machine.
    let named = root["filename"]?.text
    let candidates =
      [".jpg", ".jpeg", ".png", ".JPG"].map { name + $0 } + (named.map { [$0] } ?? [])
    let existing = candidates.first { folder.appending("JPEGImages/\($0)").isReadable }
    picture = "JPEGImages/\(existing ?? candidates[0])"
    let size = root["size"]
    func side(_ what: String) throws(DatasetError) -> Int? {
      guard let element = size?[what], let value = try number(element, what) else { return nil }
      // As boxes are; a picture of more pixels cannot be decoded.
      guard abs(value) < 1e6 else {
        throw .malformed(
          file: file, place: "line \(element.line)",
          problem: "\(what) is '\(element.text)' where pixels should be")
      }
      // Bounded: by the line above.
      return Int(value)
    }
    let sides = (try side("width"), try side("height"))
    // Some tools write 0x0 for "do not know".
    if let width = sides.0, let height = sides.1, width > 0, height > 0 {
      (self.width, self.height) = (width, height)
    }
    objects = []
    for (index, element) in root.children.filter({ $0.name == "object" }).enumerated() {
      let place = "object \(index + 1) (line \(element.line))"
      guard let label = element["name"]?.text, !label.isEmpty else {
        throw .malformed(file: file, place: place, problem: "has no <name>")
      }
      guard let box = element["bndbox"] else {
        throw .malformed(file: file, place: place, problem: "has no <bndbox>")
      }
      var corners: [Double] = []
      for side in ["xmin", "ymin", "xmax", "ymax"] {
        guard let number = try number(box[side], side) else {
          throw .malformed(file: file, place: place, problem: "its <bndbox> has no <\(side)>")
        }
        corners.append(number)
      }
      let isDifficult = try number(element["difficult"], "difficult") ?? 0 != 0
      objects.append(Object(label: label, corners: corners, isDifficult: isDifficult))
    }
  }
}

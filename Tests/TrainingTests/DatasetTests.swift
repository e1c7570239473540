import BoxGeometry
import Datasets
import Evaluation
import Foundation
import SystemPackage
import TestSupport
import Testing

@testable import Training

/// A folder that is gone when its owner is.
final class TemporaryFolder {
  let path: FilePath

  init() throws {
    let url = FileManager.default.temporaryDirectory.appending(path: "training-\(UUID())")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    path = FilePath(url.path)
  }

  deinit { try? FileManager.default.removeItem(atPath: path.string) }

  /// Writes a file, with the folders on the way to it.
  func write(_ text: String, to name: String) throws {
    let url = URL(filePath: path.appending(name).string)
    try FileManager.default.createDirectory(
      at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: url)
  }
}

@Suite struct DatasetTests {
  private static func object(_ label: String, _ box: [Int], extra: String = "") -> String {
    """
    <object><name>\(label)</name>\(extra)<bndbox><xmin>\(box[0])</xmin><ymin>\(box[1])</ymin>
    <xmax>\(box[2])</xmax><ymax>\(box[3])</ymax></bndbox></object>
    """
  }

  private static func page(_ objects: [String]) -> String {
    """
    <?xml version="1.0"?>
    <annotation><filename>elsewhere.jpg</filename>
    <size><width>100</width><height>80</height><depth>3</depth></size>
    \(objects.joined(separator: "\n"))
    </annotation>
    """
  }

  private func folder(_ pages: [String: String], list: String) throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    try folder.write(list, to: "ImageSets/Main/train.txt")
    for (name, text) in pages {
      try folder.write(text, to: "Annotations/\(name).xml")
      try folder.write("", to: "JPEGImages/\(name).jpg")
    }
    return folder
  }

  @Test func pascalVOC() throws {
    let folder = try folder(
      [
        "a": Self.page([
          Self.object("cat", [10, 20, 30, 40]), Self.object("dog", [90, 70, 130, 95]),
          Self.object("dog", [1, 1, 5, 5], extra: "<difficult>1</difficult>"),
        ]), "b": Self.page([Self.object("cat", [7, 7, 7, 7])]),
      ], list: "a  1\nb -1\n")
    let voc = try PascalVOCFolder(folder.path, split: "train")
    let dataset = try TrainingDataset(voc.annotations, folder: folder.path, place: "voc")
    #expect(dataset.classes == ["cat", "dog"] && dataset.categoryIDs == [1, 2])
    #expect(dataset.images.count == 2)
    #expect(dataset.images[0].path == folder.path.appending("JPEGImages/a.jpg"))
    #expect(dataset.images[0].size == .init(width: 100, height: 80))
    #expect(
      dataset.images[0].objects == [
        LabelledBox(classIndex: 0, box: Box(minX: 10, minY: 20, maxX: 30, maxY: 40)),
        LabelledBox(classIndex: 1, box: Box(minX: 90, minY: 70, maxX: 100, maxY: 80)),
      ])
    #expect(dataset.images[1].objects.isEmpty)
    #expect(dataset.objectCounts == [1, 1])
    #expect(dataset.annotations.objects.map(\.isCrowd) == [false, false, true, false])
    #expect(
      dataset.remarks == [
        "voc: 1 boxes have no area: skipped (first: annotation 4 of JPEGImages/b.jpg)",
        "voc: 1 boxes reach outside their picture: cut (first: annotation 2 of JPEGImages/a.jpg)",
        "voc: 1 crowds or difficult objects are not trained on",
      ])
  }

  /// What is wrong, the words for it.
  @Test func pascalVOCErrorsNameTheObject() throws {
    let good = Self.object("cat", [1, 2, 3, 4])
    let cases: [(page: String, classes: [String]?, message: String)] = [
      (
        Self.page([good, good.replacing("<name>cat</name>", with: "")]), nil,
        "object 2 (line 6): has no <name>"
      ),
      (
        Self.page([good.replacing("<ymax>4</ymax>", with: "")]), nil,
        "object 1 (line 4): its <bndbox> has no <ymax>"
      ),
      (
        Self.page([good.replacing("<xmin>1</xmin>", with: "<xmin>one</xmin>")]), nil,
        "line 4: xmin is 'one' where a number should be"
      ),
      (
        Self.page([good.replacing("bndbox", with: "polygon")]), nil,
        "object 1 (line 4): has no <bndbox>"
      ),
      (Self.page([good]), ["dog"], "object 1: label 'cat' is not one of the classes: dog"),
      (
        Self.page([good]).replacing("<width>100</width>", with: "<width>1e30</width>"), nil,
        "line 3: width is '1e30' where pixels should be"
      ),
      ("<annotation><object></annotation>", nil, "line 1: is not well-formed XML"),
      (Self.page([good.replacing("cat", with: "&x;")]), nil, "line 4: is not well-formed XML"),
      (
        Self.page([good.replacing("cat", with: "&x;")])
          .replacing("<annotation>", with: "<!DOCTYPE annotation [<!ENTITY x 'cat'>]><annotation>"),
        nil,
        "line 4: has the entity 'x', which is none of XML's own"
      ),
      ("<svg/>", nil, "line 1: <svg> where <annotation> should be"),
    ]
    for (page, classes, message) in cases {
      let folder = try folder(["a": page], list: "a\n")
      let expected = "\(folder.path)/Annotations/a.xml: \(message)"
      let error = #expect(throws: DatasetError.self) {
        _ = try PascalVOCFolder(folder.path, split: "train", classes: classes)
      }
      #expect(error?.description == expected)
    }
    let folder = try folder([:], list: "gone\n")
    let missing = #expect(throws: DatasetError.self) {
      _ = try PascalVOCFolder(folder.path, split: "train")
    }
    #expect(
      missing?.description
        == "\(folder.path)/Annotations/gone.xml: cannot be read: No such file or directory")
    let split = #expect(throws: DatasetError.self) {
      _ = try PascalVOCFolder(folder.path, split: "test")
    }
    #expect(
      split?.description.hasSuffix("test.txt: cannot be read: No such file or directory") == true)
  }

  /// XML that Foundation's parser traps at: a prefix that is declared nowhere.
  @Test func elementsOfOthersArePassedOver() throws {
    let object = Self.object("a &amp; <![CDATA[<b>]]>", [1, 2, 3, 4])
      .replacing("<name>", with: "<x:pose y:z='1'/><:q>1</:q><name>")
    let folder = try folder(["a": Self.page([object])], list: "a\n")
    let voc = try PascalVOCFolder(folder.path, split: "train")
    #expect(voc.annotations.categories.map(\.name) == ["a & <b>"])
    #expect(voc.annotations.objects.count == 1)
  }

  /// Lists as people's tools and editors write them.
  @Test(arguments: [
    ("\u{feff}a b\nc\n", ["a b", "c"]), ("  a b \r\n\r\nc\r\n", ["a b", "c"]),
    ("a b  1\nc -1\n", ["a b", "c"]), ("a b 0\n", ["a b"]), ("c 1\nc\t0", ["c 1", "c"]),
  ])
  func namesInListsMayHaveBlanks(_ list: String, _ names: [String]) throws {
    let page = Self.page([Self.object("cat", [1, 2, 3, 4])])
    let folder = try folder(["a b": page, "c": page, "c 1": page], list: list)
    let voc = try PascalVOCFolder(folder.path, split: "train")
    #expect(voc.annotations.images.map(\.fileName) == names.map { "JPEGImages/\($0).jpg" })
    #expect(voc.annotations.objects.count == names.count)
  }

  @Test(arguments: ["1e30", "-1e19", "1000000"]) func sizesAreLookedAt(_ width: String) throws {
    let page = Self.page([Self.object("cat", [1, 2, 3, 4])])
      .replacing("<width>100</width>", with: "<width>\(width)</width>")
    let folder = try folder(["a": page], list: "a\n")
    let error = #expect(throws: DatasetError.self) {
      _ = try PascalVOCFolder(folder.path, split: "train")
    }
    #expect(
      error?.description
        == "\(folder.path)/Annotations/a.xml: line 3: width is '\(width)' where pixels should be"
    )
  }

  private func annotations(_ box: COCOBox, size: (Int?, Int?) = (100, 80)) -> COCOAnnotations {
    COCOAnnotations(
      images: [.init(id: 5, fileName: "a.jpg", width: size.0, height: size.1)],
      categories: [.init(id: 3, name: "dog"), .init(id: 1, name: "cat")],
      objects: [
        .init(id: 1, imageID: 5, categoryID: 3, box: box),
        .init(id: 2, imageID: 5, categoryID: 1, box: COCOBox(x: 1, y: 1, width: 2, height: 2)),
      ])
  }

  @Test func classesAreChosenAndOrdered() throws {
    let folder = try TemporaryFolder()
    try folder.write("", to: "a.jpg")
    let all = annotations(COCOBox(x: 1, y: 2, width: 3, height: 4))
    let dataset = try TrainingDataset(all, folder: folder.path, place: "x.json")
    #expect(dataset.classes == ["cat", "dog"] && dataset.categoryIDs == [1, 3])
    #expect(dataset.images[0].objects.map(\.classIndex) == [1, 0])
    let part = try TrainingDataset(all, folder: folder.path, classes: ["dog"], place: "x.json")
    #expect(part.images[0].objects.map(\.classIndex) == [0])
    #expect(part.remarks == ["x.json: not trained on: cat"])
    #expect(part.annotations.categories.map(\.id) == [3])
    let absent = #expect(throws: DatasetError.self) {
      _ = try TrainingDataset(all, folder: folder.path, classes: ["bird"], place: "x.json")
    }
    #expect(
      absent?.description
        == "class 'bird' has no annotations; these labels have: cat, dog")
    var twice = all
    twice.categories.append(.init(id: 9, name: "cat"))
    #expect(throws: DatasetError.ambiguousClass(label: "cat")) {
      _ = try TrainingDataset(twice, folder: folder.path, place: "x.json")
    }
  }

  @Test func boxesAreLookedAt() throws {
    let folder = try TemporaryFolder()
    try folder.write("", to: "a.jpg")
    func boxes(_ box: COCOBox, size: (Int?, Int?) = (100, 80)) throws -> ([Box], [String]) {
      let dataset = try TrainingDataset(
        annotations(box, size: size), folder: folder.path, place: "x.json")
      return (dataset.images[0].objects.filter { $0.classIndex == 1 }.map(\.box), dataset.remarks)
    }
    let outside = COCOBox(x: 200, y: 2, width: 30, height: 4)
    #expect(
      try boxes(outside) == (
        [], ["x.json: 1 boxes lie outside their picture: skipped (first: annotation 1 of a.jpg)"]
      ))
    // Of a picture whose size nobody says, nothing is known.
    #expect(
      try boxes(outside, size: (nil, nil)) == (
        [Box(minX: 200, minY: 2, maxX: 230, maxY: 6)], []
      ))
    // Less than a pixel is nobody's fault.
    #expect(
      try boxes(COCOBox(x: -0.5, y: 2, width: 10, height: 4)) == (
        [Box(minX: 0, minY: 2, maxX: 9.5, maxY: 6)], []
      ))
    let broken = #expect(throws: DatasetError.self) {
      _ = try boxes(COCOBox(x: .nan, y: 2, width: 10, height: 4))
    }
    #expect(
      broken?.description == "x.json: annotation 1 of a.jpg: its box is [nan, 2.0, 10.0, 4.0]")
  }

  @Test func picturesMustBeThere() throws {
    let folder = try TemporaryFolder()
    let all = annotations(COCOBox(x: 1, y: 2, width: 3, height: 4))
    let missing = #expect(throws: DatasetError.self) {
      _ = try TrainingDataset(all, folder: folder.path, place: "x.json")
    }
    #expect(
      missing?.description
        == "\(folder.path)/a.jpg: no such picture (1 of 1 pictures that annotations name are missing): "
        + "is the folder of the pictures right?")
    try folder.write("", to: "a.jpg")
    var empty = all
    empty.objects = []
    #expect(throws: DatasetError.noObjects(place: "x.json")) {
      _ = try TrainingDataset(empty, folder: folder.path, place: "x.json")
    }
  }

  @Test(.enabled(if: TestData.path("bccd/BCCD") != nil))
  func bloodCells() throws {
    let folder = FilePath(try #require(TestData.path("bccd/BCCD")))
    let counts = try ["train", "val", "test", "trainval"].map { split in
      let voc = try PascalVOCFolder(folder, split: split)
      let dataset = try TrainingDataset(voc.annotations, folder: folder, place: split)
      #expect(dataset.classes == ["Platelets", "RBC", "WBC"])
      return (dataset.images.count, dataset.objectCounts.reduce(0, +), dataset.remarks.count)
    }
    #expect(counts.map(\.0) == [205, 87, 72, 292])
    // 4888 boxes, two of them without area.
    #expect(counts[..<3].reduce(0) { $0 + $1.1 } == 4886)
    #expect(counts[..<3].reduce(0) { $0 + $1.2 } >= 1)
  }
}

import Datasets
import Foundation
import Settings
import SystemPackage
import TestSupport
import Testing

@testable import Training

@Suite struct YOLODatasetTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func write(_ files: [String: String]) throws {
    for (name, text) in files {
      let path = folder.path.pushing(FilePath(name))
      try FileManager.default.createDirectory(
        atPath: path.removingLastComponent().string, withIntermediateDirectories: true)
      try Data(text.utf8).write(to: URL(filePath: path.string))
    }
  }

  private func read(_ split: String = "train", from file: String = "data.yaml") throws
    -> YOLODataset
  {
    try YOLODataset(folder.path.pushing(FilePath(file)), split: split) { _ in (200, 100) }
  }

  private let pictures = [
    "images/train/b.jpg": "", "images/train/deep/a.PNG": "", "images/train/notes.md": "",
    "labels/train/b.txt": "1 0.5 0.5 0.25 0.5\n\n0 0.1 0.2 0.2 0.4 0.9\n",
    "labels/train/deep/a.txt": "0 0.1 0.2 0.3 0.2 0.3 0.6\n",
    "images/val/c.jpg": "",
  ]

  @Test(arguments: [
    "train: images/train\nval: images/val\nnames: [cat, dog]\nnc: 2\n",
    "path: .\ntrain: [images/train]\nval: images/val\nnames:\n  0: cat\n  1: dog\n",
    "train: images/train\nval: images/val\nnames: {01: dog, 00: cat}\n",
    // As Roboflow writes it.
    "train: ../images/train\nval: ../images/val\nnames: ['cat', 'dog']\nroboflow: {version: 1}\n",
  ])
  func boxesAreInPixels(_ yaml: String) throws {
    try write(pictures.merging(["data.yaml": yaml]) { $1 })
    let dataset = try read()
    #expect(dataset.annotations.categories.map(\.name) == ["cat", "dog"])
    #expect(
      dataset.annotations.images.map(\.fileName) == [
        "images/train/b.jpg", "images/train/deep/a.PNG",
      ])
    #expect(dataset.annotations.images.map(\.width) == [200, 200])
    let objects = dataset.annotations.objects
    #expect(objects.map(\.categoryID) == [2, 1, 1] && objects.map(\.imageID) == [1, 1, 2])
    let expected = [[75, 25, 50, 50], [0, 0, 40, 40], [20, 20, 40, 40]]
    for (object, expected) in zip(objects, expected) {
      let box = object.box
      for (found, wanted) in zip([box.x, box.y, box.width, box.height], expected) {
        #expect(abs(found - Double(wanted)) < 1e-9)
      }
    }
    let training = try TrainingDataset(
      dataset.annotations, folder: dataset.folder, place: "data.yaml")
    #expect(training.objectCounts == [2, 1])
    // A picture without a file has nothing marked in it.
    #expect(try read("val").annotations.objects.isEmpty)
    #expect(try read("val").annotations.images.count == 1)
  }

  @Test func aListOfPicturesIsAFile() throws {
    try write(
      pictures.merging([
        "data.yaml": "train: lists/train.txt\nnames: [cat, dog]\n",
        "lists/train.txt": "images/train/deep/a.PNG\n./../images/train/b.jpg\n",
      ]) { $1 })
    let dataset = try read()
    #expect(dataset.annotations.images.map(\.fileName).first == "images/train/deep/a.PNG")
    #expect(dataset.annotations.objects.count == 3)
  }

  @Test(arguments: [
    ("2 0.5 0.5 0.5 0.5", "line 2: its class is '2' where 0 to 1 may be"),
    ("cat 0.5 0.5 0.5 0.5", "line 2: its class is 'cat' where 0 to 1 may be"),
    ("1e99 0.5 0.5 0.5 0.5", "line 2: its class is '1e99' where 0 to 1 may be"),
    ("1 0.5 0.5 0.5 x", "line 2: has something that is no number"),
    ("1 0.5 nan 0.5 0.5", "line 2: has something that is no number"),
    (
      "1 0.5 0.5 0.5",
      "line 2: has 3 numbers after its class: a box has 4, an outline 6 or more, two a corner"
    ),
  ])
  func whatIsWrongNamesItsLine(_ line: String, _ problem: String) throws {
    try write([
      "data.yaml": "train: images\nnames: [cat, dog]\n", "images/a.jpg": "",
      "labels/a.txt": "1 0.5 0.5 0.5 0.5\n\(line)\n",
    ])
    let error = #expect(throws: DatasetError.self) { try read() }
    #expect(error?.description == "\(folder.path)/labels/a.txt: \(problem)")
  }

  @Test func whatIsWrongInTheFileIsSaid() throws {
    try write(["data.yaml": "train: images\nnames: {0: cat, 2: dog}\n", "images/a.jpg": ""])
    #expect(throws: SettingsError.self) { try read() }
    try write(["data.yaml": "train: nowhere\nnames: [cat]\n"])
    let missing = #expect(throws: DatasetError.self) { try read() }
    #expect(missing?.description.hasPrefix("\(folder.path)/nowhere: cannot be read: ") == true)
    let absent = #expect(throws: DatasetError.self) { try read("test") }
    #expect(
      absent?.description
        == "\(folder.path)/data.yaml: 'test': is not there; these keys are: train, names")
  }

  @Test func aFolderInPascalVOCsFormNeedsNoLists() throws {
    let page = """
      <annotation><size><width>20</width><height>10</height></size><object><name>cat</name>
      <bndbox><xmin>1</xmin><ymin>2</ymin><xmax>5</xmax><ymax>6</ymax></bndbox></object></annotation>
      """
    try write([
      "Annotations/b.xml": page, "Annotations/a.xml": page, "Annotations/notes.txt": "",
      "JPEGImages/a.jpg": "", "JPEGImages/b.jpg": "",
    ])
    #expect(!PascalVOCFolder.hasLists(folder.path))
    let voc = try PascalVOCFolder(folder.path, split: nil)
    #expect(voc.annotations.images.map(\.fileName) == ["JPEGImages/a.jpg", "JPEGImages/b.jpg"])
    #expect(voc.annotations.objects.count == 2)
  }
}

import Settings
import SystemPackage

@testable import Datasets
@testable import DetectionPipeline
@testable import RetinaNetModel

enum FuzzLists {
  /// A list of names, each also taken as a pattern and as an input's name.
  static func names(_ bytes: UnsafeRawBufferPointer) {
    guard let paths = try? WorklistFileList.paths(in: FuzzFolder.write(bytes, to: "names")),
      let directory = try? WorkingDirectory()
    else { return }
    let sources = WorklistSources(root: nil, names: paths, in: directory)
    for path in paths {
      _ = try? sources.locate(path)
      _ = sources.searched(path)
      let glob = Glob(path.bytes)
      for other in paths.prefix(8) {
        _ = glob.matches(other.bytes.split(separator: UInt8(ascii: "/"))[...])
      }
    }
  }

  static func voc(_ bytes: UnsafeRawBufferPointer) {
    FuzzFolder.makeFolder("voc")
    FuzzFolder.makeFolder("voc/Annotations")
    _ = FuzzFolder.write(bytes, to: "voc/Annotations/a.xml")
    guard let folder = try? PascalVOCFolder(FuzzFolder.path.appending("voc"), split: nil) else {
      return
    }
    check(folder.annotations)
  }

  static func coco(_ bytes: UnsafeRawBufferPointer) {
    guard let file = try? COCOAnnotationsFile(contentsOf: FuzzFolder.write(bytes, to: "coco"))
    else { return }
    check(file.annotations)
  }

  /// A `data.yaml`, and after a byte 0 the labels of the picture that it names.
  static func yolo(_ bytes: UnsafeRawBufferPointer) {
    FuzzFolder.makeFolder("images")
    FuzzFolder.makeFolder("labels")
    let end = bytes.firstIndex(of: 0) ?? bytes.count
    let labels = UnsafeRawBufferPointer(rebasing: bytes[min(end + 1, bytes.count)...])
    _ = FuzzFolder.write(labels, to: "labels/a.txt")
    _ = FuzzFolder.write(UnsafeRawBufferPointer(rebasing: bytes[..<0]), to: "images/a.jpg")
    let file = FuzzFolder.write(UnsafeRawBufferPointer(rebasing: bytes[..<end]), to: "data.yaml")
    guard let dataset = try? YOLODataset(file, split: "train", pictureSize: { _ in (640, 480) })
    else { return }
    check(dataset.annotations)
  }

  /// As a training or an evaluation looks at annotations.
  private static func check(_ annotations: COCOAnnotations) {
    _ = annotations.remarks
    precondition(annotations.objects.allSatisfy { !$0.box.x.isNaN && !$0.box.width.isNaN })
  }

  static func settings(_ bytes: UnsafeRawBufferPointer) {
    let text = String(decoding: bytes, as: UTF8.self)
    guard let tree = try? SettingsTree.parse(text, file: "settings") else { return }
    for key in tree.keys {
      _ = try? tree.string(key)
      _ = try? tree.value(key)?.list()
      _ = try? tree.value(key)?.map()
    }
  }

  static func python(_ bytes: UnsafeRawBufferPointer) {
    guard let values = PythonLiteral.definitions(String(decoding: bytes, as: UTF8.self)) else {
      return
    }
    _ = values["model"]?["bbox_head", "num_classes"]?.number
  }
}

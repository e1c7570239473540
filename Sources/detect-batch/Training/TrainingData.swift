import Datasets
import DetectionPipeline
import Evaluation
import FrameDecoding
import SystemPackage
import Training

/// The datasets that were named.
struct TrainingData {
  let training: TrainingDataset
  let validation: TrainingDataset?

  var remarks: [String] { training.remarks + (validation?.remarks ?? []) }

  init(_ data: String, _ options: TrainDataOptions) throws {
    let path = ArgumentBytes.path(data)
    guard Places.exists(path) else {
      throw Fault(.noInput, "\(path): there is no such folder or file")
    }
    let labels = options.classes.flatMap { $0 }
    if let label = Dictionary(grouping: labels, by: { $0 }).first(where: { $1.count > 1 })?.key {
      throw Fault(.usage, "--classes: '\(label)' is named twice")
    }
    let chosen = labels.isEmpty ? nil : labels
    if Self.isFile(data) {
      training = try Self.coco(path, images: options.images, classes: chosen)
      // Of one that is measured alone, classes without a box there count all the same.
      let classes = training.classes
      validation = try options.validation.map {
        try Self.coco(
          ArgumentBytes.path($0), images: options.validationImages ?? options.images,
          classes: classes)
      }
      return
    }
    if Self.isYOLO(data) {
      training = try Self.yolo(path, split: options.split ?? "train", classes: chosen)
      let classes = training.classes
      validation = try options.validation.map {
        try Self.yolo(path, split: $0, classes: classes)
      }
      return
    }
    // Without lists there is nothing to choose from, and all is trained on.
    if options.split == nil, options.validation == nil, !PascalVOCFolder.hasLists(path) {
      let folder = try PascalVOCFolder(path, split: nil, classes: chosen)
      training = try TrainingDataset(folder.annotations, folder: path, classes: chosen, place: data)
      validation = nil
      return
    }
    func read(_ split: String, _ classes: [String]?) throws -> TrainingDataset {
      let folder = try PascalVOCFolder(path, split: split, classes: classes)
      return try TrainingDataset(
        folder.annotations, folder: path, classes: classes, place: "\(data) (\(split))")
    }
    training = try read(options.split ?? "train", chosen)
    let classes = training.classes
    validation = try options.validation.map { try read($0, classes) }
  }

  /// Whether this names a file in COCO's form, not a folder in Pascal VOC's.
  static func isFile(_ data: String) -> Bool { data.lowercased().hasSuffix(".json") }

  /// Whether this names a data set in Ultralytics' form.
  static func isYOLO(_ data: String) -> Bool {
    let name = data.lowercased()
    return name.hasSuffix(".yaml") || name.hasSuffix(".yml")
  }

  /// Annotations in Ultralytics' form; the pictures' sides are those of their headers, upright.
  static func yoloDataset(_ path: FilePath, split: String) throws -> YOLODataset {
    let decoders = Decoders.make()
    return try YOLODataset(path, split: split) { picture in
      do {
        let info = try decoders.open(picture).info
        return (info.width, info.height)
      } catch {
        throw DatasetError.unreadable(file: picture, reason: "\(error)")
      }
    }
  }

  private static func yolo(
    _ path: FilePath, split: String, classes: [String]?
  ) throws -> TrainingDataset {
    let dataset = try yoloDataset(path, split: split)
    return try TrainingDataset(
      dataset.annotations, folder: dataset.folder, classes: classes, place: "\(path) (\(split))")
  }

  private static func coco(
    _ path: FilePath, images: String?, classes: [String]?
  ) throws -> TrainingDataset {
    let file = try COCOAnnotationsFile(contentsOf: path)
    return try TrainingDataset(
      file.annotations, folder: images.map(ArgumentBytes.path) ?? path.removingLastComponent(),
      classes: classes, place: path.string, remarks: file.remarks)
  }
}

import Datasets
import DetectionPipeline

/// What `--annotations` names, in any of the forms that this program reads.
enum AnnotationFiles {
  /// Reads annotations: a `data.yaml` in Ultralytics' form, a folder in Pascal VOC's, or a file in COCO's.
  ///
  /// - Parameters:
  ///   - argument: what was typed (see `ArgumentBytes`).
  ///   - split: the list of a folder or of a `data.yaml`, if one was named.
  /// - Returns: what is to be found, and what a person should know about it.
  /// - Throws: why it cannot be read.
  static func read(
    _ argument: String, split: String?
  ) throws -> (annotations: COCOAnnotations, remarks: [String]) {
    let path = ArgumentBytes.path(argument)
    if TrainingData.isYOLO(argument) {
      return (try TrainingData.yoloDataset(path, split: split ?? "val").annotations, [])
    }
    guard split == nil || !TrainingData.isFile(argument) else {
      throw Fault(.usage, "--split goes with Pascal VOC's form or a data.yaml")
    }
    if split != nil || Places.isFolder(path) {
      return (try PascalVOCFolder(path, split: split).annotations, [])
    }
    let file = try COCOAnnotationsFile(contentsOf: path)
    return (file.annotations, file.remarks)
  }
}

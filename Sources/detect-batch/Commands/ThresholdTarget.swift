import DetectionPipeline
import Evaluation
import RetinaNetModel
import SystemPackage

/// A model file that is to get suggested thresholds.
struct ThresholdTarget {
  private let model: DetectionModel

  /// Opens the file, before anything takes time.
  ///
  /// - Throws: what `DetectionModel` throws; `Fault` for a checkpoint, which cannot hold thresholds.
  init(_ path: FilePath) throws {
    model = try DetectionModel(contentsOf: path)
    guard model.format == .safetensors else {
      throw Fault(
        .unusableInput,
        "\(path): thresholds can be written into model files only: make one with detect-batch import"
      )
    }
  }

  /// Writes the file anew. Classes without a suggestion keep the threshold that they have.
  ///
  /// - Returns: a line that says what was written.
  /// - Throws: `Fault` where no suggestion is for a class of the model; what `ModelFile.write` throws.
  func write(_ classes: [ClassEvaluation]) throws -> String {
    let labels = Set(model.description.classes.compactMap(\.self))
    var description = model.description
    var written: [String] = []
    for entry in classes where labels.contains(entry.category.name) {
      // Results of other tools may have scores of any size, and a model file takes those of a probability.
      guard let suggestion = entry.suggestion, (0...1).contains(suggestion.threshold) else {
        continue
      }
      description.postprocessing.classThresholds[entry.category.name] = Float(suggestion.threshold)
      written.append("\(entry.category.name) \(Float(suggestion.threshold))")
    }
    guard !written.isEmpty else {
      throw Fault(
        .unusableInput,
        "\(model.path): there is no suggestion for any of its classes: left as it is")
    }
    try ModelFile.write(description, to: model.path, storage: model.storage) { name in
      try model.values(name)
    }
    return "\(model.path): thresholds \(written.joined(separator: ", "))"
  }
}

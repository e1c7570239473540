import RetinaNetModel
import SystemPackage
import Training

/// What a training starts from, by the file that was named.
struct TrainingStart {
  let weights: StartingWeights
  /// Of the network the weights are of; nil without weights.
  let description: ModelDescription?
  let remarks: [String]

  /// A training's state.
  init(_ saved: SavedTraining) throws {
    weights = .training(saved)
    description = try saved.description()
    remarks = []
  }

  /// A file, or nothing.
  init(_ argument: String?) throws {
    guard let argument else {
      weights = .nothing
      description = nil
      remarks = []
      return
    }
    let path = try Places().find(.model, argument)
    if let architecture = try StartingWeights.backboneArchitecture(of: path) {
      weights = .backbone(path)
      description = ModelDescription(
        architecture: architecture, classes: [], conventions: .trainedHere,
        preprocessing: .init(minSize: 512, maxSize: 853), anchors: .init(), postprocessing: .init())
      remarks = ["\(path): a \(architecture.backbone.rawValue) that tells pictures apart"]
    } else {
      let model = try DetectionModel(contentsOf: path)
      weights = .model(model)
      description = model.description
      remarks = model.remarks
    }
  }
}

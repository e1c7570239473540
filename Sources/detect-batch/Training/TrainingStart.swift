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
    if let backbone = try BackboneWeights(contentsOf: path) {
      let architecture = backbone.architecture
      weights = .backbone(backbone)
      var conventions = Conventions.trainedHere
      if backbone.preset != .torchvision {
        // What the backbone expects of its input; pyramid and heads are new and follow the program's own rules.
        let rules = backbone.preset.conventions
        conventions.input = rules.input
        conventions.network.strideIn1x1 = rules.network.strideIn1x1 && architecture.groups == 1
      }
      description = ModelDescription(
        architecture: architecture, classes: [], conventions: conventions,
        preprocessing: .init(minSize: 512, maxSize: 853), anchors: .init(), postprocessing: .init())
      remarks = ["\(path): a \(architecture.backbone.rawValue) that tells pictures apart"]
    } else {
      let model = try DetectionModel(contentsOf: path)
      weights = .model(model)
      var known = model.description
      // Calibrated for weights that will change.
      known.quantization = nil
      description = known
      remarks = model.remarks
    }
  }
}

import Checkpoints
import NeuralNetwork
import RetinaNetModel
import SystemPackage

/// What a training starts from.
public enum StartingWeights: Sendable {
  /// Random numbers, and the prior for the class head's last bias.
  case nothing
  /// A detector. What it shares with the new network is taken, by name and shape; a class head for other classes
  /// starts anew.
  case model(DetectionModel)
  /// A residual network that was trained to tell pictures apart.
  case backbone(BackboneWeights)
  /// A training's state, as of a detector: its weights themselves, not their average.
  case training(SavedTraining)

  /// Fills the parameters.
  ///
  /// - Parameters:
  ///   - parameters: all of the network's.
  ///   - description: the network.
  ///   - initial: for what does not come from elsewhere.
  /// - Returns: what was taken and what was not, one line each.
  /// - Throws: `TrainingError.startingWeights` where the backbone does not fit, `CheckpointError`.
  func fill(
    _ parameters: ParameterSlab, _ description: ModelDescription, initial: InitialParameters
  ) throws -> [String] {
    switch self {
    case .nothing:
      for entry in parameters.layout.entries {
        parameters[entry.parameter.name] = initial.values(entry.parameter)
      }
      return ["starting from random weights"]
    case .model(let model):
      let shapes = model.description.weightShapes
      let sameClasses = model.description.classes == description.classes
      return try fill(parameters, file: model.path, initial: initial) { parameter in
        // A head for other classes says nothing, even where their number is the same.
        if parameter.name.contains(".cls_logits.") && !sameClasses { return nil }
        guard shapes[parameter.name] == parameter.shape else { return nil }
        return try model.values(parameter.name)
      }
    case .training(let saved):
      let sameClasses = try saved.description().classes == description.classes
      return try fill(parameters, file: saved.path, initial: initial) { parameter in
        if parameter.name.contains(".cls_logits.") && !sameClasses { return nil }
        guard let tensor = saved.weight(parameter.name), tensor.shape == parameter.shape else {
          return nil
        }
        return try tensor.floats()
      }
    case .backbone(let backbone):
      return try fill(parameters, file: backbone.path, initial: initial) { parameter in
        guard let tensor = backbone[parameter.name], tensor.shape == parameter.shape else {
          return nil
        }
        return try tensor.floats()
      }
    }
  }

  private func fill(
    _ parameters: ParameterSlab, file: FilePath, initial: InitialParameters,
    _ values: (NetworkGraph.Parameter) throws -> [Float]?
  ) throws -> [String] {
    var anew: [String] = []
    for entry in parameters.layout.entries {
      let parameter = entry.parameter
      if let values = try values(parameter) {
        guard values.withUnsafeBufferPointer(areFinite) else {
          throw TrainingError.startingWeights(
            file: file, problem: "tensor '\(parameter.name)' holds NaN or infinity")
        }
        parameters[parameter.name] = values
      } else {
        anew.append(parameter.name)
        parameters[parameter.name] = initial.values(parameter)
      }
    }
    if let missing = anew.first(where: { $0.hasPrefix("backbone.body.") }) {
      throw TrainingError.startingWeights(
        file: file,
        problem: "its backbone does not fit the network: no tensor for '\(missing)' of shape "
          + "\(parameters.layout[missing]?.parameter.shape ?? [])")
    }
    var remarks = ["\(file): \(parameters.layout.entries.count - anew.count) tensors taken"]
    if !anew.isEmpty {
      let groups = ["backbone.fpn", "head.classification_head", "head.regression_head"].compactMap {
        group -> String? in
        let names = anew.filter { $0.hasPrefix(group) }
        if names.isEmpty { return nil }
        let all = parameters.layout.entries.count { $0.parameter.name.hasPrefix(group) }
        return names.count == all
          ? group : names.map { String($0) }.joined(separator: ", ")
      }
      remarks.append("starting from random weights: \(groups.joined(separator: ", "))")
    }
    return remarks
  }
}

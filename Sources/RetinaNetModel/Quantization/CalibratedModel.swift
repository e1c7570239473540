import NeuralNetwork
import SystemPackage

/// A model that computes in 8 bits, as calibration left it.
public struct CalibratedModel: Sendable {
  /// The model's, with how it computes in 8 bits.
  public let description: ModelDescription
  /// The convolutions that compute in 8 bits, by name.
  public let layers: [String: Calibration.Layer]
  private let model: DetectionModel
  /// By the names of their tensors.
  private let corrections: [String: [Float]]

  /// - Parameters:
  ///   - model: in float32.
  ///   - calibration: of its network.
  ///   - pictures: how many there were.
  ///   - picturesDigest: of what they were.
  init(_ model: DetectionModel, _ calibration: Calibration, pictures: Int, picturesDigest: String) {
    layers = calibration.layers
    var description = model.description
    description.quantization = ModelQuantization(
      arithmetic: Quantization(
        values: calibration.ranges, convolutions: layers.mapValues(\.product),
        correctedBiases: Set(layers.keys)),
      pictures: pictures, picturesDigest: picturesDigest)
    self.model = model
    self.description = description
    corrections = layers.reduce(into: [:]) { corrections, layer in
      corrections[Quantization.biasCorrectionName(of: layer.key)] = layer.value.correction
    }
  }

  /// The numbers of a tensor, as for `DetectionModel.values`; those of corrections too.
  ///
  /// - Parameter name: among `description.parameters`.
  /// - Returns: in PyTorch's order.
  /// - Throws: as `DetectionModel.values`.
  public func values(_ name: String) throws -> [Float] {
    try corrections[name] ?? model.values(name)
  }

  /// Writes a model file, its weights stored as the model's were.
  ///
  /// - Parameter path: replaced if it exists, in one step.
  /// - Throws: `CheckpointError`; `ModelError` where the weights are not usable.
  public func write(to path: FilePath) throws {
    try ModelFile.write(description, to: path, storage: model.storage) { try values($0) }
  }
}

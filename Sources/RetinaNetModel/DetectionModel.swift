import Checkpoints
import Digests
import NeuralNetwork
import Settings
import SystemPackage

/// A detector's description and weights: of a model file, or of a checkpoint with what its weights do not say.
/// Opening takes names and shapes; numbers are read when they are asked for.
public struct DetectionModel: Sendable {
  /// The network and what surrounds it.
  public let description: ModelDescription
  /// SHA-256 of the file (of shards, the index and each of them; with the configuration beside it of DeepForest or Detectron2, where that was read),
  /// 64 hexadecimal digits.
  public let digest: String
  /// What was assumed and should be said aloud, each one line.
  public let remarks: [String]
  /// How the file is made.
  public let format: Checkpoint.Format
  /// Where the file is.
  public let path: FilePath

  /// By the network's names.
  private let tensors: [String: CheckpointTensor]

  /// Opens a model file, or a checkpoint of a RetinaNet: torchvision's, DeepForest's and MLPerf's, Detectron2's or
  /// MMDetection's. Whose it is shows in the tensors' names.
  ///
  /// - Parameters:
  ///   - path: any format that `Checkpoint` reads.
  ///   - configuration: what the weights do not say; over what a model file says itself. Published checkpoints need
  ///     none.
  /// - Throws: `CheckpointError`, `ModelError`, `SettingsError`.
  public init(contentsOf path: FilePath, configuration: ModelConfiguration? = nil) throws {
    let checkpoint = try Checkpoint(contentsOf: path)
    var digest = SHA256Digest()
    try checkpoint.forEachPiece { digest.update($0) }
    do {
      let weights = NamedWeights(checkpoint.tensors)
      if let problem = Self.unusable(weights) { throw ProblemError(problem) }
      let facts = try Self.facts(weights, path)
      let own = try Self.ownDescription(checkpoint, facts)
      let hub =
        own == nil && checkpoint.format == .safetensors
        ? DeepForestConfiguration(beside: path) : nil
      let trainer =
        own == nil && checkpoint.format != .detectron2 && weights.family == .detectron2
        ? Detectron2Configuration(beside: path) : nil
      let known =
        own == nil
        ? try KnownModel(weights, facts, notes: checkpoint.notes, hub: hub, trainer: trainer) : nil
      let settings = try SettingsTree.parse(
        configuration?.text ?? "", file: configuration?.file ?? path.string)
      description = try ModelDescriptionReader.read(settings, facts, own: own, known: known)
      var remarks: [String] = []
      // A configuration that changes the architecture has said itself what the remarks would say.
      if let known, known.description.architecture == description.architecture,
        known.description.conventions == description.conventions
      {
        remarks = known.remarks
      }
      if checkpoint.isMovingAverage || weights.isMovingAverage {
        let place = checkpoint.key.map { " under '\($0)'" } ?? ""
        remarks.append("the weights are the moving average that the file keeps\(place)")
      }
      self.remarks = remarks
      tensors = weights.tensors
      // What else the description is of.
      if let hub { digest.update(hub.text) }
      if let trainer, trainer.isOf(facts) { digest.update(trainer.text) }
      try Self.compare(tensors, description.parameters)
    } catch let error as ProblemError {
      throw ModelError(file: path.string, problem: error.problem)
    }
    self.path = path
    format = checkpoint.format
    self.digest = digest.hexadecimal()
  }

  /// The numbers of a tensor.
  ///
  /// - Parameter name: the network's name (`NetworkGraph.parameters`).
  /// - Returns: in PyTorch's order; finite, and of variances such that they can be divided by.
  /// - Throws: `ModelError` for other numbers, `CheckpointError` where the file cannot be read any more.
  public func values(_ name: String) throws -> [Float] {
    guard let tensor = tensors[name] else {
      preconditionFailure("the network has no tensor '\(name)'")
    }
    let values = try tensor.floats()
    func wrong(_ problem: String) -> ModelError {
      ModelError(file: path.string, problem: .numbers(tensor: name, problem: problem))
    }
    guard values.withUnsafeBufferPointer(areFinite) else { throw wrong("holds NaN or infinity") }
    let epsilon = description.conventions.network.normEpsilon
    if name.hasSuffix(".running_var"), let least = values.min(), least + epsilon <= 0 {
      throw wrong("a variance of \(least)")
    }
    return values
  }

  /// Writes a model file.
  ///
  /// - Parameters:
  ///   - path: replaced if it exists, in one step.
  ///   - storage: of the convolutions' weights.
  /// - Throws: `CheckpointError`; `ModelError` where the weights are not usable.
  public func write(
    to path: FilePath, storage: SafetensorsFile.Storage = .float32
  ) throws {
    try ModelFile.write(description, to: path, storage: storage) { try values($0) }
  }

  /// Why these weights are no detector's; nil where they may be.
  private static func unusable(_ weights: NamedWeights) -> ModelError.Problem? {
    if weights.tensors["conv1.weight"] != nil, weights.tensors["layer1.0.conv1.weight"] != nil {
      return .backboneOnly
    }
    guard weights.families.count <= 1 else {
      return .mixedFamilies(weights.families.map(\.rawValue))
    }
    guard weights.family == .caffe2 else { return nil }
    if weights.tensors.keys.contains(where: { $0.hasPrefix("retnet_") }) {
      return .otherFamily(
        name: CheckpointFamily.caffe2.rawValue,
        differences: "boxes that are a pixel larger, aspect ratios in another order, and no program"
          + " of today that it could be compared with")
    }
    return .backboneOnly
  }

  /// What the shapes of the weights say.
  private static func facts(
    _ weights: NamedWeights, _ path: FilePath
  ) throws(ProblemError) -> WeightFacts {
    do {
      return try WeightFacts(
        shapes: weights.tensors.mapValues(\.shape), hasBatchCounts: weights.hasBatchCounts)
    } catch {
      let shard = path.lastComponent?.string.wholeMatch(
        of: /(.+)-\d{5}-of-\d{5}\.safetensors/)
      guard case .notRetinaNet = error.problem, let shard else { throw error }
      throw ProblemError(.shard(index: "\(shard.1).safetensors.index.json"))
    }
  }

  /// What a model file says of itself; nil for a checkpoint.
  private static func ownDescription(
    _ checkpoint: Checkpoint, _ facts: WeightFacts
  ) throws(ProblemError) -> ModelDescription? {
    guard let text = checkpoint.metadata[ModelFile.descriptionKey] else { return nil }
    let version = checkpoint.metadata[ModelFile.versionKey] ?? "unknown"
    guard version == "\(ModelFile.formatVersion)" else {
      throw ProblemError(.formatVersion(version))
    }
    return try ModelDescription.read(text, facts)
  }

  /// How the convolutions' weights are stored, as `write` would store them without loss; float32 for types that
  /// it cannot write.
  public var storage: SafetensorsFile.Storage {
    let types = Set(tensors.values.filter { $0.shape.count > 1 }.map(\.elementType.rawValue))
    return types.count == 1
      ? types.first.flatMap(SafetensorsFile.Storage.init) ?? .float32 : .float32
  }

  /// Finds tensors that the network does not have, and those that the file does not.
  private static func compare(
    _ tensors: [String: CheckpointTensor], _ parameters: [NetworkGraph.Parameter]
  ) throws(ProblemError) {
    let wanted = Dictionary(uniqueKeysWithValues: parameters.map { ($0.name, $0.shape) })
    let missing = parameters.map(\.name).filter { tensors[$0] == nil }
    let unexpected = tensors.keys.filter { wanted[$0] == nil }.sorted()
    let misshaped = parameters.compactMap { parameter -> String? in
      guard let shape = tensors[parameter.name]?.shape, shape != parameter.shape else { return nil }
      return "\(parameter.name) \(shape) for \(parameter.shape)"
    }
    guard missing.isEmpty, unexpected.isEmpty, misshaped.isEmpty else {
      throw ProblemError(
        .tensors(missing: missing, unexpected: unexpected, misshaped: misshaped))
    }
  }
}

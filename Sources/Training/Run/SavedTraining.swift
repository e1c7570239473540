import Checkpoints
import Files
import RetinaNetModel
import SystemPackage

/// What a training has saved to be gone on from: known by its names and shapes until numbers are asked for.
public struct SavedTraining: Sendable {
  /// The file.
  public let path: FilePath
  /// Iterations done.
  public let iteration: Int

  /// 1 has no description, and a fingerprint that cannot be compared with today's.
  let version: Int
  let file: Checkpoint

  static let version = 2
  static let versionKey = "trainingState"
  static let descriptionKey = "model"

  /// Opens a state.
  ///
  /// - Parameter path: the file, or the folder of its training.
  /// - Throws: `TrainingError.state`, `.folder` where there is none, `CheckpointError`.
  public init(contentsOf path: FilePath) throws {
    let folder = TrainingFolder(path)
    let isFolder = path.isDirectory
    if isFolder { try folder.requireState() }
    self.path = isFolder ? folder.state : path
    file = try Checkpoint(contentsOf: self.path)
    version = try Self.number(Self.versionKey, file, self.path)
    guard (1...Self.version).contains(version) else {
      throw TrainingError.state(
        file: self.path, problem: "was written by a newer version of this program")
    }
    iteration = try Self.number("iteration", file, self.path)
  }

  /// The detector that is trained. States of the first version do not say it: of those it is that of the last model
  /// beside them.
  ///
  /// - Throws: `TrainingError.state`; `ModelError`, `CheckpointError`, `SettingsError` of the last model.
  public func description() throws -> ModelDescription {
    guard version > 1 else {
      let folder = TrainingFolder(path.removingLastComponent().removingLastComponent())
      return try DetectionModel(contentsOf: folder.lastModel).description
    }
    guard let json = file.metadata[Self.descriptionKey] else {
      throw TrainingError.state(file: path, problem: "does not say what is trained")
    }
    var shapes: [String: [Int]] = [:]
    for (name, tensor) in file.tensors where name.hasPrefix(Self.weights) {
      shapes[String(name.dropFirst(Self.weights.count))] = tensor.shape
    }
    return try ModelDescription(json: json, shapes: shapes, file: path)
  }

  /// A weight; nil where there is none of this name.
  func weight(_ name: String) -> CheckpointTensor? { file.tensors[Self.weights + name] }

  /// A count of the state.
  func number(_ key: String) throws(TrainingError) -> Int {
    try Self.number(key, file, path)
  }

  private static let weights = "weights/"

  private static func number(
    _ key: String, _ file: Checkpoint, _ path: FilePath
  ) throws(TrainingError) -> Int {
    // Counts, which are counted further.
    guard let number = file.metadata[key].flatMap({ Int($0) }), (0...1 << 48).contains(number)
    else {
      throw .state(file: path, problem: "is not a training's state: it does not say '\(key)'")
    }
    return number
  }
}

import SystemPackage

/// Why a training cannot begin or go on.
public enum TrainingError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The loss or a gradient is not finite.
  case diverged(iteration: Int, image: String, layer: String)
  /// The weights to start from do not fit the network.
  case startingWeights(file: FilePath, problem: String)
  /// The folder holds a training already, or none where one should be resumed.
  case folder(FilePath, problem: String)
  /// The state to go on from cannot be used.
  case state(file: FilePath, problem: String)
  /// The folder cannot be made, in the system's words.
  case cannotCreate(FilePath, reason: String)
  /// A file of the run cannot be written, in the system's words.
  case output(file: FilePath, reason: String)

  /// One line: what, on what, what to do.
  public var description: String {
    switch self {
    case .diverged(let iteration, let image, let layer):
      "iteration \(iteration) diverged: not finite at \(layer), image \(image); "
        + "the last state is kept: resume with a lower learning rate or with gradient clipping"
    case .startingWeights(let file, let problem):
      "\(file): \(problem)"
    case .folder(let folder, let problem):
      "\(folder): \(problem)"
    case .state(let file, let problem):
      "\(file): \(problem)"
    case .cannotCreate(let folder, let reason):
      "\(folder): cannot be made: \(reason)"
    case .output(let file, let reason):
      "\(file): cannot be written: \(reason)"
    }
  }
}

import Failures
import SystemPackage

/// Why a training cannot begin or go on.
public enum TrainingError: ClassifiedError, Equatable, Sendable {
  /// Numbers ceased to be finite: where, at which image if it is one's, and the last state that was saved before, if
  /// one was.
  case diverged(iteration: Int, at: String, image: String?, state: FilePath?)
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

  /// The kind.
  public var kind: FailureKind {
    switch self {
    case .folder: .usage
    case .diverged, .startingWeights, .state: .unusableInput
    case .cannotCreate: .cannotCreateOutput
    case .output: .outputFailed
    }
  }

  /// One line: what, on what, what to do.
  public var description: String {
    switch self {
    case .diverged(let iteration, let place, let image, let state):
      "iteration \(iteration) diverged: not finite at \(place)\(image.map { ", image \($0)" } ?? ""): "
        + "begin \(state == nil ? "again" : "a new training") with a lower --learning-rate or with --clip-norm"
        + (state.map { ", from the last state: --restart-from \($0)" } ?? "")
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

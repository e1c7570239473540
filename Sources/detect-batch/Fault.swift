import ArgumentParser
import Checkpoints
import DetectionPipeline
import DetectionRecords
import Evaluation
import NeuralNetwork
import RetinaNetModel
import Settings
import SystemPackage
import Training

/// An error as the process tells it: one line, and what it exits with.
struct Fault {
  let status: ExitStatus
  let message: String

  init(_ error: any Error) {
    switch error {
    case let error as RunError: self.init(error.status, error.description)
    case let error as SettingsError: self.init(.usage, error.description)
    case let error as UnknownLabelError: self.init(.usage, error.description)
    case let error as CheckpointError: self.init(error)
    case let error as ModelError: self.init(.unusableModel, error.description)
    case let error as DetectionError: self.init(.unusableModel, error.description)
    case NeuralNetworkError.parameter, NeuralNetworkError.outOfMemory:
      self.init(.unusableModel, "\(error)")
    case let error as RecordsError:
      self.init(ExitStatus(rawValue: error.exitCode) ?? .bug, error.description)
    case let error as DatasetError: self.init(.unusableModel, error.description)
    case let error as TrainingError: self.init(error)
    case let error as EvaluationError:
      if case .missing = error {
        self.init(.noInput, error.description)
      } else {
        self.init(.unusableModel, error.description)
      }
    default:
      guard DetectBatch.exitCode(for: error) == .validationFailure else {
        self.init(.bug, "\(error)")
        return
      }
      // The parser's messages may have several lines.
      let lines = DetectBatch.message(for: error).split(separator: "\n")
      let message = lines.map { $0.trimmingPrefix { $0 == " " } }.joined(separator: " ")
      self.init(.usage, ArgumentBytes.display(message) + " (see detect-batch --help)")
    }
  }

  /// A file that cannot be written is an output, all else an input.
  private init(_ error: CheckpointError) {
    switch error.problem {
    case .unwritable(let code, _):
      let isFull = [Errno.noSpace, .diskQuotaExceeded, .ioError].contains(code)
      self.init(isFull ? .outputFailed : .cannotCreateOutput, error.description)
    default:
      self.init(.unusableModel, error.description)
    }
  }

  private init(_ error: TrainingError) {
    let status: ExitStatus =
      switch error {
      case .folder: .usage
      case .diverged, .startingWeights, .state: .unusableModel
      case .cannotCreate: .cannotCreateOutput
      case .output: .outputFailed
      }
    self.init(status, error.description)
  }

  private init(_ status: ExitStatus, _ message: String) {
    self.status = status
    self.message = message
  }
}

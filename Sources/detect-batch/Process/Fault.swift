import ArgumentParser
import Checkpoints
import Datasets
import DetectionPipeline
import DetectionRecords
import Downloads
import Evaluation
import Files
import NeuralNetwork
import Results
import RetinaNetModel
import Settings
import SystemPackage
import Training

/// An error as the process tells it: one line, and what it exits with.
struct Fault {
  let status: ExitStatus
  let message: String

  /// - Parameters:
  ///   - error: whatever ended the command.
  ///   - arguments: the command line, for what may have been meant.
  init(_ error: any Error, arguments: [String] = []) {
    switch error {
    case let error as RunError:
      let hint = error.status == .noInput ? CommandLineError.subcommandHint(arguments) : nil
      self.init(error.status, error.description + (hint.map { "; \($0)" } ?? ""))
    case let error as SettingsError:
      self.init(.usage, error.description + (Suggestion.forKey(error) ?? ""))
    case let error as UnknownLabelError: self.init(.usage, error.description)
    case let error as InputSizeError: self.init(.usage, error.description)
    case let error as CheckpointError: self.init(error)
    case let error as DownloadError: self.init(error)
    case let error as ModelError: self.init(.unusableModel, error.description)
    case let error as DetectionError: self.init(.unusableModel, error.description)
    case NeuralNetworkError.parameter, NeuralNetworkError.outOfMemory:
      self.init(.unusableModel, "\(error)")
    case let error as FileError:
      self.init(ExitStatus(rawValue: error.exitCode) ?? .bug, error.description)
    case let error as RecordReadingError: self.init(error)
    case let error as ExportError: self.init(error)
    case let error as COCOIdentifierError: self.init(.unusableModel, error.description)
    case let error as DrawError: self.init(error)
    case let error as ReportError: self.init(.cannotCreateOutput, error.description)
    case let error as TrainingError: self.init(error)
    case let error as DatasetError:
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
      self.init(.usage, CommandLineError(error, arguments: arguments).message)
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

  private init(_ error: DownloadError) {
    let status: ExitStatus =
      switch error.problem {
      case .unreachable, .refused, .interrupted: .noInput
      case .tooLarge: .unusableModel
      case .unwritable(let code, _):
        [.noSpace, .diskQuotaExceeded, .ioError, .fileTooLarge].contains(code)
          ? .outputFailed : .cannotCreateOutput
      case .locked: .locked
      case .stopped: .interrupted
      }
    self.init(status, error.description)
  }

  private init(_ error: DrawError) {
    let status: ExitStatus =
      switch error {
      case .cannotCreate, .exists, .twice, .source: .cannotCreateOutput
      case .writeFailed: .outputFailed
      case .otherFile: .noInput
      case .stopped: .interrupted
      }
    self.init(status, error.description)
  }

  private init(_ error: RecordReadingError) {
    let status: ExitStatus =
      switch error {
      case .missing, .noRecords, .lostInput: .noInput
      case .unreadable, .malformed: .unusableModel
      }
    self.init(status, error.description)
  }

  private init(_ error: ExportError) {
    let status: ExitStatus =
      switch error {
      case .needsDirectory, .needsFiles: .usage
      case .exists, .sameFile: .cannotCreateOutput
      }
    self.init(status, error.description)
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

import DetectionPipeline
import Failures

/// How a command ended, as the process says it to its caller: sysexits.h where that has a number.
enum ExitStatus: Int32, Sendable {
  /// Done; also nothing new, an empty shard, or the reader of standard output gone.
  case done = 0
  /// A fault of this program.
  case bug = 1
  /// Finished, and some inputs failed.
  case someInputsFailed = 3
  /// Wrong usage or configuration.
  case usage = 64
  /// The model, a checkpoint, a dataset or records cannot be used.
  case unusableInput = 65
  /// A named input does not exist, or there is no input at all.
  case noInput = 66
  /// The output cannot be created.
  case cannotCreateOutput = 73
  /// Writing the output failed, as on a full disk.
  case outputFailed = 74
  /// Another run holds the output.
  case locked = 75
  /// Stopped by SIGINT.
  case interrupted = 130
  /// Stopped by SIGTERM.
  case terminated = 143

  /// The one place where failures become numbers.
  init(_ kind: FailureKind) {
    self =
      switch kind {
      case .usage: .usage
      case .missingInput: .noInput
      case .unusableInput: .unusableInput
      case .cannotCreateOutput: .cannotCreateOutput
      case .outputFailed: .outputFailed
      case .locked: .locked
      case .readerGone: .done
      case .stopped: SignalHandling.received ?? .interrupted
      case .fault: .bug
      }
  }

  /// Of a run that has ended.
  init(_ outcome: RunOutcome) {
    switch outcome {
    case .done: self = .done
    case .someInputsFailed: self = .someInputsFailed
    case .endedEarly(let kind): self.init(kind)
    }
  }
}

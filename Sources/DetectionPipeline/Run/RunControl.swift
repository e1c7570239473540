import DetectionRecords
import Files
import FrameDecoding
import NeuralNetwork
import Synchronization
import Workers

/// Ends a run before its work is done, once, from whatever thread finds out first.
final class RunControl: Sendable {
  /// How and why.
  struct Ending: Equatable, Sendable {
    let status: ExitStatus
    /// One line; nil where nothing needs to be said.
    let reason: String?
  }

  /// Wakes readers that are blocked in a file.
  let media = MediaCancellation()
  private let token = CancellationToken()
  private let first = Mutex<Ending?>(nil)

  /// How the run was ended; nil while it goes on.
  var ending: Ending? { first.withLock { $0 } }
  var isEnding: Bool { token.isCancelled }

  /// Ends the run. A second call does nothing.
  func end(_ status: ExitStatus, _ reason: String?) {
    first.withLock { $0 = $0 ?? Ending(status: status, reason: reason) }
    media.cancel()
    token.cancel()
  }

  /// Ends the run because records cannot be written; the reader of standard output may just have had enough.
  func end(_ error: FileError) {
    end(ExitStatus(error), error == .readerGone ? nil : error.description)
  }

  /// Ends the run because a stage cannot go on.
  func end(stageFailure error: any Error) {
    let failure = RunError(stage: error)
    end(failure.status, failure.description)
  }

  /// Registers what is to be woken at the end.
  func onEnd(_ action: @escaping @Sendable () -> Void) { token.onCancel(action) }

  /// Waits.
  ///
  /// - Returns: whether the run is ending.
  func wait(for duration: Duration) -> Bool { token.wait(for: duration) }
}

extension ExitStatus {
  init(_ error: FileError) {
    guard let status = ExitStatus(rawValue: error.exitCode) else {
      preconditionFailure("no exit status \(error.exitCode)")
    }
    self = status
  }
}

extension RunError {
  /// What the making or the running of the stages threw, apart from what concerns one input.
  init(stage error: any Error) {
    switch error {
    case NeuralNetworkError.outOfMemory:
      // No fault of this program: the model and this machine do not go together.
      self.init(
        .unusableModel,
        "the model needs more memory than this process gets (\(error)): try fewer --workers, or a lower "
          + "--memory-limit, which chooses them")
    case is ThreadStartError:
      self.init(.usage, "\(error): try fewer --workers and --decoders")
    case NeuralNetworkError.parameter:
      self.init(.unusableModel, "\(error)")
    case is NeuralNetworkError:
      self.init(.bug, "\(error)")
    default:
      self.init(.unusableModel, "\(error)")
    }
  }
}

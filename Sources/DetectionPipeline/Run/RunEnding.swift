import DetectionRecords
import Failures
import Files
import FrameDecoding
import NeuralNetwork
import Synchronization
import Workers

/// How a run came to its end.
public enum RunOutcome: Equatable, Sendable {
  /// All is done; also where there was nothing to do.
  case done
  /// All is done, and some inputs failed.
  case someInputsFailed
  /// It ended before its work was done; `RunSummary.endedEarly` says why.
  case endedEarly(FailureKind)
}

/// Why a run did not begin.
public struct RunError: ClassifiedError, Equatable, Sendable {
  /// The kind.
  public let kind: FailureKind
  /// One line: what, on what, and what to do.
  public let description: String

  init(_ kind: FailureKind, _ description: String) {
    self.kind = kind
    self.description = description
  }

  /// As what is underneath has it.
  init(_ error: some ClassifiedError) { self.init(error.kind, error.description) }

  /// What the making or the running of the stages threw, apart from what concerns one input.
  init(stage error: any Error) {
    switch error {
    case NeuralNetworkError.outOfMemory:
      self.init(
        .unusableInput,
        "the model needs more memory than this process gets (\(error)): try fewer --workers, or a lower "
          + "--memory-limit, which chooses them")
    case is ThreadStartError:
      self.init(.usage, "\(error): try fewer --workers and --decoders")
    case let error as any ClassifiedError:
      self.init(error)
    default:
      self.init(.unusableInput, "\(error)")
    }
  }
}

/// Ends a run before its work is done, once, from whatever thread finds out first.
final class RunControl: Sendable {
  /// How and why.
  struct Ending: Equatable, Sendable {
    let kind: FailureKind
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
  func end(_ kind: FailureKind, _ reason: String?) {
    first.withLock { $0 = $0 ?? Ending(kind: kind, reason: reason) }
    media.cancel()
    token.cancel()
  }

  /// Ends the run because records cannot be written; the reader of standard output may just have had enough.
  func end(_ error: FileError) {
    end(error.kind, error == .readerGone ? nil : error.description)
  }

  /// Ends the run because a stage cannot go on.
  func end(stageFailure error: any Error) {
    let failure = RunError(stage: error)
    end(failure.kind, failure.description)
  }

  /// Registers what is to be woken at the end.
  func onEnd(_ action: @escaping @Sendable () -> Void) { token.onCancel(action) }

  /// Waits.
  ///
  /// - Returns: whether the run is ending.
  func wait(for duration: Duration) -> Bool { token.wait(for: duration) }
}

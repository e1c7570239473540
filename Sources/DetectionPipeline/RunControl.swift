import DetectionRecords
import FrameDecoding
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
  func end(_ error: RecordsError) {
    end(ExitStatus(error), error == .readerGone ? nil : error.description)
  }

  /// Registers what is to be woken at the end.
  func onEnd(_ action: @escaping @Sendable () -> Void) { token.onCancel(action) }

  /// Waits.
  ///
  /// - Returns: whether the run is ending.
  func wait(for duration: Duration) -> Bool { token.wait(for: duration) }
}

extension ExitStatus {
  init(_ error: RecordsError) {
    guard let status = ExitStatus(rawValue: error.exitCode) else {
      preconditionFailure("no exit status \(error.exitCode)")
    }
    self = status
  }
}

/// How a run ended, as the process says it to its caller.
public enum ExitStatus: Int32, Sendable {
  /// Done; also nothing new, an empty shard, or the reader of standard output gone.
  case done = 0
  /// A fault of this program.
  case bug = 1
  /// Finished, and some inputs failed.
  case someInputsFailed = 3
  /// Wrong usage or configuration.
  case usage = 64
  /// The model, a checkpoint or a dataset cannot be used.
  case unusableModel = 65
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
}

/// Why a run did not begin.
public struct RunError: Error, Equatable, Sendable, CustomStringConvertible {
  /// What the process exits with.
  public let status: ExitStatus
  /// One line: what, on what, and what to do.
  public let description: String

  /// Creates an error from its parts.
  public init(_ status: ExitStatus, _ description: String) {
    self.status = status
    self.description = description
  }
}

/// What kind of failure an error is: what the callers of all libraries tell apart.
public enum FailureKind: Equatable, Sendable {
  /// What was asked for makes no sense, or does not go together.
  case usage
  /// Something that was named is not there, or cannot be reached.
  case missingInput
  /// A model, a checkpoint, a data set or records that are there and cannot be used.
  case unusableInput
  /// The output cannot be made where it was asked for.
  case cannotCreateOutput
  /// Writing the output failed: disk full, quota, I/O.
  case outputFailed
  /// Another process holds what is needed.
  case locked
  /// The reader of the output has gone.
  case readerGone
  /// Somebody asked to stop.
  case stopped
  /// A fault of this program.
  case fault
}

/// An error that says what kind of failure it is, and its `description` in one line: what, on what, what to do.
public protocol ClassifiedError: Error, CustomStringConvertible {
  /// The kind.
  var kind: FailureKind { get }
}

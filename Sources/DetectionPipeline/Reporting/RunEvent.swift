/// Told what happens during a run, from several threads, one call at a time. A log, a progress line.
public protocol RunObserver: Sendable {
  /// Called in the order in which things happened; the run waits until it returns.
  func observe(_ event: RunEvent)
}

/// One thing that happened during a run.
public enum RunEvent: Sendable {
  /// The work was laid out; nothing is decoded yet.
  case planned(PlanCounts)
  /// Something the user should know about a choice that was made for this run, as one line.
  case remark(String)
  /// An input was opened.
  case inputStarted(InputStart)
  /// An input's records are complete, with or without a failure.
  case inputFinished(InputResult)
  /// An input could not be read and has no records.
  case inputFailed(InputResult)
  /// Several times a second while frames are on their way.
  case progress(RunProgress)
  /// The run is over. Comes last.
  case finished(RunSummary)
}

/// What lies before a run.
public struct PlanCounts: Equatable, Sendable {
  /// Inputs to work on.
  public var inputs = 0
  /// Of these, inputs that an earlier run began.
  public var resumable = 0
  /// Inputs that are complete.
  public var skipped = 0
  /// Inputs that failed earlier and have not changed.
  public var failedEarlier = 0
  /// Inputs left for the next run because they may still be being written.
  public var unsettled = 0

  /// Creates counts of zero.
  public init() {}
}

/// An input that was opened.
public struct InputStart: Equatable, Sendable {
  /// Its source, as text for people.
  public var source: String
  /// What is in it, as `h264, 1920x1080, about 900 frames`.
  public var media: String
  /// Records that an earlier run wrote and this one keeps.
  public var resumedFrames: Int
}

/// What became of one input.
public struct InputResult: Equatable, Sendable {
  /// Its source, as text for people.
  public var source: String
  /// Records of frames, those that could not be looked at and those of earlier runs included.
  public var frames: Int
  /// Detections in them.
  public var detections: Int
  /// Errors of the decoder that went on after them.
  public var decodeErrors: Int
  /// The decoder's last words about them, in FFmpeg's words.
  public var lastDecodeError: String?
  /// Seconds of wall-clock time in this run.
  public var seconds: Double
  /// Why it failed, or stopped early; nil where it did not.
  public var failure: String?
}

/// How far a run is.
public struct RunProgress: Equatable, Sendable {
  /// What was done up to now.
  public var summary: RunSummary
  /// Inputs to work on in this run, those done included.
  public var inputs: Int
  /// The source of the input that was opened last.
  public var source: String?
  /// Frames per second over the last seconds.
  public var framesPerSecond: Double
  /// Estimate of the seconds that remain; nil before there is anything to judge by.
  public var remainingSeconds: Double?
}

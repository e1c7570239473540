/// What a run did, counted from its beginning or, in `RunEvent.progress`, up to now.
public struct RunSummary: Equatable, Sendable {
  /// Inputs by what became of them.
  public struct Inputs: Equatable, Sendable {
    /// Finished in this run without a failure.
    public var done = 0
    /// Failed in this run: those that cannot be decoded and those that could not be read.
    public var failed = 0
    /// Complete from an earlier run, left as they are.
    public var skipped = 0
    /// Could not be decoded in an earlier run and have not changed since.
    public var failedEarlier = 0
    /// Left for the next run: not reached before the run was stopped, or still being written.
    public var left = 0

    /// Creates counts of zero.
    public init() {}
  }

  /// Inputs by what became of them.
  public var inputs = Inputs()
  /// Records of frames written by this run, those that could not be looked at included.
  public var frames = 0
  /// Detections in them.
  public var detections = 0
  /// Records of frames that were not looked at, being the same as earlier ones.
  public var sameFrames = 0
  /// Records without detections (null): of frames that could not be looked at, and at the end of inputs that failed.
  public var failedFrames = 0
  /// What was found, by class: the most frequent first.
  public var classes: [ClassCount] = []
  /// Inputs with detections that were finished in this run, those of earlier runs' records included.
  public var inputsWithDetections = 0
  /// Of these, those with the most detections, at most `mostListed`.
  public var richestInputs: [InputCount] = []
  /// What of the directories is no input.
  public var leftOut = Worklist.LeftOut()
  /// Errors of the decoders that went on after them.
  public var decodeErrors = 0
  /// Wall-clock time since the run began.
  public var seconds = 0.0
  /// Where the time went.
  public var stages = StageTimes()
  /// Inference workers.
  public var workers = 0
  /// Most inputs decoded at once.
  public var decoders = 0
  /// Outputs that are there and whose inputs are gone.
  public var goneOutputs = 0
  /// Whether those were removed.
  public var isPruned = false
  /// The directory that sources count from where that follows from what was named, as text for people; else nil.
  public var commonRoot: String?
  /// How it ended; `done` while it goes on.
  public var outcome = RunOutcome.done
  /// Why the run ended before its work was done; nil where it did not.
  public var endedEarly: String?

  /// How many inputs are told one by one.
  public static let mostListed = 10

  /// Detections of one class, in this run's records.
  public struct ClassCount: Equatable, Sendable {
    /// The class.
    public var label: String
    /// Detections.
    public var detections: Int
    /// Frames that have one, and more.
    public var frames: Int
  }

  /// Detections in one input's records.
  public struct InputCount: Equatable, Sendable {
    /// Its source, as text for people.
    public var source: String
    /// Detections.
    public var detections: Int
    /// Frames.
    public var frames: Int
  }

  /// Creates the summary of a run that did nothing.
  public init() {}

  /// Frames per second of wall-clock time; 0 before there is any.
  public var framesPerSecond: Double { seconds > 0 ? Double(frames) / seconds : 0 }
  /// The unit in which archives are planned.
  public var imagesPerDay: Double { framesPerSecond * 86_400 }
}

/// Seconds that the threads of each stage were busy and waited, summed over the stage's threads.
public struct StageTimes: Equatable, Sendable {
  /// Opening inputs, decoding and converting frames.
  public var decoding = 0.0
  /// Decoders waiting for room in the queue: the workers are the bottleneck.
  public var decodersWaiting = 0.0
  /// Making the network's input of frames, and plans for new sizes.
  public var preprocessing = 0.0
  /// The network.
  public var network = 0.0
  /// Making detections of the network's outputs, and lines of detections.
  public var postprocessing = 0.0
  /// Workers waiting for frames: the decoders are the bottleneck.
  public var workersWaiting = 0.0
  /// Writing records.
  public var writing = 0.0
  /// Making the records of finished inputs final: waiting for the disk.
  public var publishing = 0.0

  /// All that workers do.
  public var detecting: Double { preprocessing + network + postprocessing }

  /// Creates times of zero.
  public init() {}
}

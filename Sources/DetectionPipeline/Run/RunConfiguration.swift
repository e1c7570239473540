import DetectionRecords
import FrameDecoding
import RetinaNetModel
import SystemPackage

/// Every choice of a run, resolved: the stages never see options.
public struct RunConfiguration: Sendable {
  /// Where records go.
  public enum Output: Equatable, Sendable {
    /// One `<source>.jsonl` per input below this directory, which is made where it does not exist.
    case directory(FilePath)
    /// All records in the order of the worklist, and nothing is remembered.
    case standardOutput
  }

  /// What to do about an input whose output exists.
  public enum OverwritePolicy: String, CaseIterable, Sendable {
    /// Leave it, whatever it was made from.
    case skip
    /// Make it anew where the input or the settings are not those it was made from; but leave it where the settings
    /// would only take fewer frames, and refuse to run where it was made from another file of the same source.
    case stale
    /// Make it anew.
    case always
    /// Refuse to run.
    case error
  }

  /// What to work on; its `output` and `shard` are taken from here below.
  public var inputs = Worklist.Request()
  /// Which frames of each; its `segment` is taken from here below.
  public var sampling = FrameSampling()
  /// Which share of the work is this run's.
  public var partition = RunPartition()

  /// Where records go. Default: `detections` in the working directory.
  public var output = Output.directory("detections")
  /// What to do about an input whose output exists. Default: `stale`.
  public var overwrite = OverwritePolicy.stale
  /// Whether inputs that could not be decoded earlier, and have not changed since, are tried again.
  public var retryFailed = false
  /// Whether outputs whose inputs are gone are removed: inputs below a directory that this run searched.
  public var prunes = false
  /// Whether to wait for another run that holds the output, instead of giving up.
  public var waitsForLock = false

  /// What of the network's outputs becomes a detection.
  public var detection = DetectionOptions()

  /// Inference workers, one thread each. nil: as many as there are cores to use.
  public var workers: Int?
  /// Decoders at once, at most, one thread each: for one input each, more than one only where workers would wait; where
  /// there are fewer inputs, several for parts of one video. nil: as many as there are cores to use.
  public var decoders: Int?
  /// Where inputs are decoded. Default: in this process.
  public var media = MediaDecoders(.off)
  /// At most this many frames of one shape are handed to a worker at once.
  public var batchSize = 8
  /// Decoded frames that may wait for a worker. nil: by the number of workers.
  public var queueSize: Int?
  /// Bytes that the run may account for: plans, workers, frames. nil: by the memory that is free.
  public var memoryLimit: Int?
  /// What keeps one input from taking everything.
  public var limits = MediaLimits()
  /// Decoding errors in one input before it is given up. nil: never.
  public var maxFailures: Int?

  /// How far this process stands back for others, 0...19 (`nice`); nil: as it was started.
  public var nice: Int?
  /// Prometheus text, written now and then and at the end.
  public var metricsFile: MetricsFile?

  /// Creates the default choices.
  public init() {}
}

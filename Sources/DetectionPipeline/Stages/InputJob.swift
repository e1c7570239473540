import DetectionRecords
import FrameDecoding
import SystemPackage

/// An input that this run works on.
struct InputJob: Sendable {
  /// Its place among the inputs of this run, from 0.
  let ordinal: Int
  let path: FilePath
  let source: SourceName
  /// The directory that the source counts from, as an absolute path.
  let root: FilePath
  /// Its share of the work, as far as it is known before it is decoded: its bytes, at least 1.
  let work: Double
  /// Writes its records.
  let encoder: RecordEncoder
  /// Why it cannot be worked on, where that is known before it is opened.
  var failure: String?
  /// Why it is not tried again, though it can be opened; that is a failure of its data.
  var condemnation: String?
}

/// The file of an input, as it was when the input was begun.
struct InputFile: Equatable, Sendable {
  let version: InputVersion
  let origin: InputOrigin
}

/// What became of decoding an input.
struct InputEnd: Sendable {
  enum Outcome: Sendable {
    case complete
    /// It cannot be decoded, or not further.
    case undecodable(String)
    /// It could not be read, this time.
    case unreadable(String)
    /// It is not the file any more that its records were begun from.
    case changed(String)
    /// The run is being stopped.
    case stopped
  }

  var outcome: Outcome
  /// Records of this run that are written or on their way.
  var records = 0
  var report = DecodingReport()
  var seconds = 0.0

  /// Whether there is nothing more to come of the input as it is.
  var isForGood: Bool {
    switch outcome {
    case .complete, .undecodable: true
    case .unreadable, .changed, .stopped: false
    }
  }
}

/// An input whose records are all written.
struct FinishedInput: Sendable {
  let job: InputJob
  let records: any InputRecords
  let result: InputResult
}

/// What decoders and workers hand to the writer.
enum WriterMessage: Sendable {
  /// An input was begun. Comes before everything else of it.
  case begun(InputJob, any InputRecords)
  /// One frame's line, in any order.
  case record(input: Int, sequence: Int, RecordLine)
  /// A frame that is the same as the last one before it that was looked at, and has its outcome.
  case same(input: Int, sequence: Int, FrameRecord)
  /// No more frames of an input will come than it says. May come before the last records.
  case ended(input: Int, InputEnd)
}

/// The line of one frame.
struct RecordLine: Sendable {
  var bytes: [UInt8]
  /// Where in them that begins which says what came of looking at the frame.
  var outcomeStart = 0
  var detections: Int
  /// Columns of the class head that the detections are of, one each.
  var classes: [Int] = []
  /// The frame could not be looked at.
  var isFailure: Bool
}

/// Lines and what is in them: the same words in progress, manifest, metrics and summary.
struct RecordCounts: Equatable, Sendable {
  /// Lines of frames, those that could not be looked at included.
  var frames = 0
  /// Lines without detections (null): those of frames that could not be looked at, and those that end an input which
  /// failed.
  var failedFrames = 0
  /// Objects in them.
  var detections = 0
  /// Lines of frames that were not looked at, being the same as earlier ones; of this run alone.
  var sameFrames = 0
  /// By column of the class head; of this run alone.
  var classes: [Int: ClassTally] = [:]

  mutating func add(_ line: RecordLine) {
    frames += 1
    if line.isFailure { failedFrames += 1 }
    detections += line.detections
    for column in line.classes { classes[column, default: ClassTally()].detections += 1 }
    for column in Set(line.classes) { classes[column, default: ClassTally()].frames += 1 }
  }

  mutating func add(_ other: RecordCounts) {
    frames += other.frames
    failedFrames += other.failedFrames
    detections += other.detections
    sameFrames += other.sameFrames
    classes.merge(other.classes) { $0 + $1 }
  }
}

/// Detections of one class, and frames that have any.
struct ClassTally: Equatable, Sendable {
  var detections = 0
  var frames = 0

  static func + (first: ClassTally, second: ClassTally) -> ClassTally {
    ClassTally(
      detections: first.detections + second.detections, frames: first.frames + second.frames)
  }
}

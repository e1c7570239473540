import DetectionRecords
import Files
import Workers

/// Puts the lines of each input back into their order and writes them, all on one thread.
///
/// That thread waits for the disk, once in a while for a synchronisation (`PartialFile.append`). Workers wait for it
/// only when its messages have filled their queue.
struct WritingStage {
  private let messages: BoundedQueue<WriterMessage>
  private let frames: FrameQueue
  private let publisher: BoundedQueue<FinishedInput>
  private let isOrdered: Bool
  private let control: RunControl
  private let report: RunReport
  /// Inputs that were begun and are not finished, by their place in the work.
  private var open: [Int: OpenInput] = [:]
  /// Where inputs have an order: the one whose records are written now.
  private var turn = 0

  private enum Held {
    case line(RecordLine)
    /// Of a frame that is the same as the last one before it that was looked at.
    case same(FrameRecord)
  }

  private final class OpenInput {
    let job: InputJob
    let records: any InputRecords
    /// What came before its turn, by sequence number.
    var held: [Int: Held] = [:]
    /// The last line of a frame that was looked at.
    var lastLooked: RecordLine?
    /// Sequence number of the next line to be written.
    var next = 0
    /// What was written, by this run.
    var written = RecordCounts()
    var end: InputEnd?

    init(_ job: InputJob, _ records: any InputRecords) {
      self.job = job
      self.records = records
    }
  }

  init(
    _ messages: BoundedQueue<WriterMessage>, frames: FrameQueue,
    publisher: BoundedQueue<FinishedInput>, isOrdered: Bool, control: RunControl,
    report: RunReport
  ) {
    self.messages = messages
    self.frames = frames
    self.publisher = publisher
    self.isOrdered = isOrdered
    self.control = control
    self.report = report
  }

  /// Writes until every decoder and worker has ended. A failure to write ends the run; what comes after is dropped.
  mutating func run() {
    var isWritable = true
    while let message = messages.pop() {
      guard isWritable else { continue }
      do {
        try report.time(\.writing) { () throws(FileError) in try take(message) }
      } catch {
        isWritable = false
        control.end(error)
      }
    }
    // Nothing to do for what is still open: its lines are whole, and another run goes on after them.
    publisher.finish()
  }

  private mutating func take(_ message: WriterMessage) throws(FileError) {
    let ordinal: Int
    switch message {
    case .begun(let job, let records):
      ordinal = job.ordinal
      open[ordinal] = OpenInput(job, records)
    case .record(let input, let sequence, let line):
      ordinal = input
      open[ordinal]?.held[sequence] = .line(line)
    case .same(let input, let sequence, let record):
      ordinal = input
      open[ordinal]?.held[sequence] = .same(record)
    case .ended(let input, let end):
      ordinal = input
      open[ordinal]?.end = end
    }
    if isOrdered {
      // Others wait until the turn comes to them.
      guard ordinal == turn else { return }
      while let input = open[turn], try advance(input) {
        turn += 1
        frames.passTurn(to: turn)
      }
    } else if let input = open[ordinal] {
      _ = try advance(input)
    }
  }

  /// Writes the lines whose turn has come, and the end after the last.
  ///
  /// - Returns: whether the input is finished.
  private mutating func advance(_ input: OpenInput) throws(FileError) -> Bool {
    var lines: [UInt8] = []
    var counts = RecordCounts()
    while let held = input.held.removeValue(forKey: input.next) {
      switch held {
      case .line(let line):
        lines += line.bytes
        counts.add(line)
        input.lastLooked = line
      case .same(let record):
        guard let looked = input.lastLooked else {
          preconditionFailure("a frame is the same as none that was looked at")
        }
        input.job.encoder.append(
          record, withOutcomeOf: looked.bytes[looked.outcomeStart...], to: &lines)
        counts.add(looked)
        counts.sameFrames += 1
      }
      input.next += 1
    }
    if !lines.isEmpty {
      try input.records.append(lines)
      input.written.add(counts)
      frames.recordsWritten(counts.frames)
      report.recorded(counts)
    }
    guard let end = input.end, end.records == input.next else { return false }
    return try finish(input, end)
  }

  /// The same for each segment of an input as for the whole.
  private static let failedFrames = "not every frame could be looked at: see its records"

  /// - Returns: false where the run is being stopped before the input's end.
  private mutating func finish(
    _ input: OpenInput, _ end: InputEnd
  ) throws(FileError) -> Bool {
    var total = input.records.kept
    total.add(input.written)
    var result = InputResult(
      source: input.job.source.oneLine,
      frames: total.frames, detections: total.detections,
      decodeErrors: end.report.decodeErrors, lastDecodeError: end.report.lastError,
      seconds: end.seconds, failure: nil)
    switch end.outcome {
    case .stopped:
      return false
    case .complete:
      if total.failedFrames > 0 { result.failure = Self.failedFrames }
    case .undecodable(let reason):
      result.failure = reason
      try input.records.append(input.job.encoder.failureLine(reason))
      report.recorded(.ofInputFailure)
    case .unreadable(let reason):
      result.failure = reason
      if try input.records.leave(reason, keepingLines: true) { report.recorded(.ofInputFailure) }
    case .changed(let reason):
      result.failure = reason
      if try input.records.leave(reason, keepingLines: false) { report.recorded(.ofInputFailure) }
    }
    open[input.job.ordinal] = nil
    if end.isForGood {
      _ = publisher.push(FinishedInput(job: input.job, records: input.records, result: result))
    } else {
      report.finished(input.job, result, published: false)
    }
    return true
  }
}

extension RecordCounts {
  /// The line that ends an input which failed.
  fileprivate static let ofInputFailure = RecordCounts(failedFrames: 1)
}

extension RecordEncoder {
  /// The line that ends an input which failed or stopped early.
  func failureLine(_ reason: String) -> [UInt8] {
    var line: [UInt8] = []
    appendFailure(reason, to: &line)
    return line
  }
}

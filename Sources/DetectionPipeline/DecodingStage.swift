import DetectionRecords
import FrameDecoding
import SystemPackage
import Workers

/// Reads one input after another and puts the sampled frames into the queue. Each decoder thread runs it.
struct DecodingStage: Sendable {
  let jobs: JobList
  let destination: any RecordDestination
  let frames: FrameQueue
  let writer: BoundedQueue<WriterMessage>
  let equipment: RunEquipment
  /// Errors of a decoder after which its input is given up; nil: never.
  let maxFailures: Int?
  let sampling: FrameSampling
  let control: RunControl
  let report: RunReport

  func run(_ number: Int) {
    frames.admit(number)
    while !control.isEnding, let job = jobs.next() { decode(job) }
    frames.finish()
    writer.finish()
  }

  private func decode(_ job: InputJob) {
    let start = ContinuousClock.now
    let version = job.version()
    let records: any InputRecords
    do {
      records = try report.time(\.decoding) { () throws(RecordsError) in
        try destination.begin(job, version: try? version.get())
      }
    } catch  where error.concernsOneInput {
      _ = writer.push(.begun(job, NoRecords()))
      let end = InputEnd(outcome: .unreadable(error.description))
      _ = writer.push(.ended(input: job.ordinal, end))
      return
    } catch {
      return control.end(error)
    }
    _ = writer.push(.begun(job, records))

    var end = InputEnd(outcome: .complete)
    do {
      let version = try version.get()
      try read(job, skipping: records.kept.records, &end)
      job.check(version, &end)
    } catch {
      end.outcome = error.kind == .data ? .undecodable(error.reason) : .unreadable(error.reason)
    }
    if control.isEnding { end.outcome = .stopped }
    end.seconds = start.duration(to: .now).seconds
    _ = writer.push(.ended(input: job.ordinal, end))
  }

  /// Puts the frames of an input into the queue, except those that an earlier run recorded.
  private func read(
    _ job: InputJob, skipping kept: Int, _ end: inout InputEnd
  ) throws(MediaError) {
    let source = try report.time(\.decoding) { () throws(MediaError) in
      try equipment.open(job, kept)
    }
    defer { end.report = source.report }
    report.opened(job, source.info, kept: kept)
    while let frame = try report.time(
      \.decoding,
      { () throws(MediaError) in
        try source.nextFrame()
      })
    {
      let decoding = source.report
      if let maxFailures, decoding.decodeErrors > maxFailures {
        throw MediaError(
          .data,
          "given up after \(decoding.decodeErrors) decoding errors, the last: "
            + (decoding.lastError ?? "unknown"))
      }
      report.decoded(job, frames: decoding.framesDecoded)
      let queued = QueuedFrame(job: job, sequence: end.records, frame: frame)
      guard report.time(\.decodersWaiting, { frames.put(queued) }) else { return }
      end.records += 1
    }
    if kept == 0, end.records == 0, let remark = sampling.remark(onNoFrameOf: source.info) {
      report.remark("\(job.source.oneLine): \(remark)")
    }
  }
}

extension FrameSampling {
  /// What to say where no frame of a whole video was sampled; nil where that is as it has to be.
  fileprivate func remark(onNoFrameOf info: MediaInfo) -> String? {
    guard segment == nil, start != nil || end != nil else { return nil }
    let range = [start.map { "from \($0) s on" }, end.map { "before \($0) s" }].compactMap { $0 }
    return "no frame of it lies \(range.joined(separator: " and "))"
      + (info.duration.map { ": it lasts about \(($0 * 10).rounded() / 10) s" } ?? "")
  }
}

extension InputJob {
  /// The version of the file now.
  fileprivate func version() -> Result<InputVersion, MediaError> {
    Result { () throws(Errno) in try InputVersion(of: path) }
      .mapError { MediaError(.access, $0.description) }
  }

  /// Finds out whether the file is still the one that was begun.
  fileprivate func check(_ version: InputVersion, _ end: inout InputEnd) {
    switch self.version() {
    case .success(version): break
    case .success: end.outcome = .changed("the file changed while it was being read")
    case .failure: end.outcome = .changed("the file vanished while it was being read")
    }
  }
}

/// The inputs of a run, given out in their order, each made when it is needed.
final class JobList: Sendable {
  let count: Int
  /// Work of all inputs together, in the unit of `InputJob.work`.
  let totalWork: Double
  private let given = Monitor(0)
  private let make: @Sendable (Int) -> InputJob

  /// Gives out what `make` makes of 0 ..< `count`.
  init(count: Int, totalWork: Double, make: @escaping @Sendable (Int) -> InputJob) {
    self.count = count
    self.totalWork = totalWork
    self.make = make
  }

  func next() -> InputJob? {
    let ordinal = given.withLock { given -> Int? in
      guard given < count else { return nil }
      defer { given += 1 }
      return given
    }
    return ordinal.map(make)
  }
}

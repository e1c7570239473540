import DetectionRecords
import Files
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
  let share: DecoderShare
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
    let found = job.find()
    let records: any InputRecords
    do {
      records = try report.time(\.decoding) { () throws(FileError) in
        try destination.begin(job, try? found.get())
      }
    } catch  where error.concernsOnePath {
      _ = writer.push(.begun(job, NoRecords()))
      let end = InputEnd(outcome: .unreadable(error.description))
      _ = writer.push(.ended(input: job.ordinal, end))
      return
    } catch {
      return control.end(error)
    }
    _ = writer.push(.begun(job, records))

    var end = InputEnd(outcome: .complete)
    do throws(MediaError) {
      let file = try found.get()
      if let reason = job.condemnation { throw MediaError(.data, reason) }
      try read(job, skipping: records.kept.frames, &end)
      job.check(file.version, &end)
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
    let room = frames.room(for: job.ordinal)
    defer { room.giveBack() }
    let source = try report.time(\.decoding) { () throws(MediaError) in
      try equipment.open(job, kept, PictureGate { room.reserve($0) }, share)
    }
    report.opened(job, source.info, kept: kept)
    do {
      try putFrames(of: source, job, skipping: kept, into: room, &end)
      end.report = source.report
    } catch {
      end.report = source.report
      // Of one picture there is one line, which says that it is damaged.
      let isTold = source.info.isOnePicture && kept + end.records > 0
      guard isTold && error.kind == .data else { throw error }
      end.report.decodeErrors += 1
      end.report.lastError = error.reason
    }
  }

  private func putFrames(
    of source: any FrameSource, _ job: InputJob, skipping kept: Int, into room: FrameRoom,
    _ end: inout InputEnd
  ) throws(MediaError) {
    while true {
      if let bytes = source.info.frameBytes,
        !report.time(\.decodersWaiting, { room.reserve(bytes) })
      {
        return
      }
      let next = try report.time(\.decoding) { () throws(MediaError) in try source.nextFrame() }
      guard let frame = next else { break }
      let decoding = source.report
      if let maxFailures, decoding.decodeErrors > maxFailures {
        throw MediaError(
          .data,
          "given up after \(decoding.decodeErrors) decoding errors, the last: "
            + (decoding.lastError ?? "unknown"))
      }
      report.decoded(job, frames: decoding.framesDecoded)
      if let earlier = frame.same, earlier.wasGiven {
        guard report.time(\.decodersWaiting, { room.keepForRecord() }) else { return }
        let record = FrameRecord(same: frame, earlier)
        _ = writer.push(.same(input: job.ordinal, sequence: end.records, record))
        end.records += 1
        continue
      }
      let queued = QueuedFrame(job: job, sequence: end.records, frame: frame)
      guard report.time(\.decodersWaiting, { room.put(queued) }) else { return }
      end.records += 1
    }
    let untimed = source.report.untimedFrames
    if untimed > 0 {
      report.remark(
        "\(job.source.oneLine): \(untimed) frames have no timestamp and were left out: sample with --every instead"
      )
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

extension MediaInfo {
  /// Whether there is one frame and no more: an image of one page.
  fileprivate var isOnePicture: Bool { isStillImage && estimatedFrames == 1 }

  /// Bytes of a frame of a video as it is handed over, as far as its header can be believed; nil where it does not tell,
  /// and for an image, which the gate lets through.
  fileprivate var frameBytes: Int? {
    guard !isStillImage, width > 0, height > 0 else { return nil }
    let (pixels, overflows) = width.multipliedReportingOverflow(by: height)
    return 3 * (overflows ? Self.mostPixels : min(pixels, Self.mostPixels))
  }

  private static let mostPixels = MediaLimits().maxPixels
}

extension InputJob {
  /// The file as it is now.
  fileprivate func find() -> Result<InputFile, MediaError> {
    if let failure { return .failure(MediaError(.access, failure)) }
    return Result { () throws(Errno) in
      let metadata = try Stat(path)
      return InputFile(
        version: InputVersion(metadata), origin: InputOrigin(root: root, metadata))
    }.mapError { MediaError(.access, $0.description) }
  }

  /// Finds out whether the file is still the one that was begun.
  fileprivate func check(_ version: InputVersion, _ end: inout InputEnd) {
    switch find().map(\.version) {
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

  /// Some of them, as a list of their own; the jobs keep their places.
  func part(_ range: Range<Int>) -> JobList {
    JobList(count: range.count, totalWork: 0) { [make] in make(range.lowerBound + $0) }
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

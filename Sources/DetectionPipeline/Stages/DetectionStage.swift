import DetectionRecords
import Files
import FrameDecoding
import NeuralNetwork
import RetinaNetModel
import Workers

/// Looks at frames, one at a time, and formats what it found. Each worker thread runs it.
struct DetectionStage: Sendable {
  let frames: FrameQueue
  let writer: BoundedQueue<WriterMessage>
  let equipment: RunEquipment
  let batchSize: Int
  let report: RunReport

  /// - Throws: what the detector throws other than about one picture: the run cannot go on.
  func run() throws {
    defer { writer.finish() }
    let detector = try equipment.makeDetector()
    while let batch = report.time(\.workersWaiting, { frames.takeBatch(atMost: batchSize) }) {
      for queued in batch {
        let picture = queued.frame.picture
        report.remarkOnLook(
          at: queued.job, detector.remark(width: picture.width, height: picture.height))
        if queued.looks != nil {
          try makeLooks(at: queued, with: detector)
          continue
        }
        let looks = detector.lookCount(width: picture.width, height: picture.height)
        if looks > 1 {
          var shared = queued
          shared.looks = SharedLooks(count: looks)
          frames.share(shared)
          try makeLooks(at: shared, with: detector)
          continue
        }
        let start = ContinuousClock.now
        let found = Result { try detector.detect(picture) }
        try record(found, of: queued, lookedWith: detector, since: start)
      }
    }
  }

  /// Makes looks at a frame, as long as there are any that nobody else makes.
  private func makeLooks(at queued: QueuedFrame, with detector: any FrameDetector) throws {
    guard let looks = queued.looks else { return }
    while !frames.isStopped, let number = looks.next() {
      let start = ContinuousClock.now
      let found = Result { try detector.look(number, at: queued.frame.picture) }
      if case .failure(let error) = found, !Self.concernsOnePicture(error) { throw error }
      if let all = looks.finish(number, found) {
        try record(all.map(detector.merge), of: queued, lookedWith: detector, since: start)
      } else {
        report.looked(detector.times, since: start)
      }
    }
    frames.unshare(queued)
  }

  private func record(
    _ found: Result<[Detection], any Error>, of queued: QueuedFrame,
    lookedWith detector: any FrameDetector, since start: ContinuousClock.Instant
  ) throws {
    let line = try line(of: queued, found)
    frames.release(queued)
    report.looked(detector.times, since: start)
    _ = writer.push(.record(input: queued.job.ordinal, sequence: queued.sequence, line))
  }

  private func line(
    of queued: QueuedFrame, _ found: Result<[Detection], any Error>
  ) throws -> RecordLine {
    let frame = queued.frame
    let picture = frame.picture
    var record = FrameRecord(
      frame: frame.index, time: frame.time, width: picture.width, height: picture.height,
      isCorrupt: frame.isCorrupt, same: frame.same.map(EarlierRecord.init),
      outcome: .detections([]))
    var line = RecordLine(bytes: [], detections: 0, isFailure: false)
    do {
      let detections = try found.get()
      record.outcome = .detections(detections.map(RecordedDetection.init))
      line.detections = detections.count
      line.classes = detections.map(\.classIndex)
    } catch  where Self.concernsOnePicture(error) {
      record.outcome = .failure("\(error)")
      line.isFailure = true
    }
    line.outcomeStart = queued.job.encoder.append(record, to: &line.bytes)
    return line
  }

  private static func concernsOnePicture(_ error: any Error) -> Bool {
    switch error {
    case is DetectionError, NeuralNetworkError.inputSize: true
    default: false
    }
  }
}

extension FrameRecord {
  /// The record of a frame that is the same as one before, without what came of looking at that one.
  init(same frame: DecodedFrame, _ earlier: EarlierFrame) {
    self.init(
      frame: frame.index, time: frame.time, width: frame.picture.width,
      height: frame.picture.height, isCorrupt: frame.isCorrupt, same: EarlierRecord(earlier),
      outcome: .detections([]))
  }
}

extension EarlierRecord {
  fileprivate init(_ earlier: EarlierFrame) {
    self = earlier.index.map { .frame($0) } ?? .uncounted
  }
}

extension RecordedDetection {
  fileprivate init(_ detection: Detection) {
    self.init(
      classIndex: detection.classIndex, score: Double(detection.score),
      x: Double(detection.box.minX), y: Double(detection.box.minY),
      width: Double(detection.box.width), height: Double(detection.box.height))
  }
}

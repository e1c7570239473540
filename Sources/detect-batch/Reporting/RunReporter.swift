import DetectionPipeline
import Logging
import Synchronization

/// Tells a run to the log and, on a terminal, in a line that moves.
final class RunReporter: RunObserver {
  private let logger: Logger
  private let showsProgress: Bool
  private let lastDrawn = Mutex<ContinuousClock.Instant?>(nil)

  /// - Parameters:
  ///   - logger: where events go.
  ///   - showsProgress: whether there is a terminal to draw a progress line on.
  init(logger: Logger, showsProgress: Bool) {
    self.logger = logger
    self.showsProgress = showsProgress
  }

  func observe(_ event: RunEvent) {
    switch event {
    case .planned(let plan):
      logger.info("\(RunText.plan(plan))", metadata: plan.metadata)
    case .remark(let text):
      logger.notice("\(text)")
    case .inputStarted(let start):
      let resumed = start.resumedFrames > 0 ? ", after \(start.resumedFrames) frames" : ""
      logger.debug(
        "\(start.source): \(start.media)\(resumed)",
        metadata: ["source": "\(start.source)", "resumedFrames": .number(start.resumedFrames)])
    case .inputFinished(let result):
      finished(result)
    case .inputFailed(let result):
      failed(result)
    case .progress(let progress):
      draw(progress)
    case .finished(let summary):
      if showsProgress { Console.standardError.show(nil) }
      end(summary)
    }
  }

  private func finished(_ result: InputResult) {
    if result.failure != nil { return failed(result) }
    if result.decodeErrors > 0 {
      logger.warning("\(RunText.decodeErrors(result))", metadata: result.metadata)
    }
    logger.debug("\(RunText.finished(result))", metadata: result.metadata)
  }

  private func failed(_ result: InputResult) {
    let reason = result.failure ?? "failed"
    let kept = result.frames > 0 ? " (after \(RunText.counted(result.frames, "frame")))" : ""
    logger.error("\(result.source): \(reason)\(kept)", metadata: result.metadata)
  }

  private func draw(_ progress: RunProgress) {
    guard showsProgress else { return }
    let now = ContinuousClock.now
    let isDue = lastDrawn.withLock { last in
      if let last, now - last < .milliseconds(200) { return false }
      last = now
      return true
    }
    if isDue { Console.standardError.show(RunText.progress(progress)) }
  }

  private func end(_ summary: RunSummary) {
    if let reason = summary.endedEarly { logger.error("\(reason)") }
    let lines = RunText.summary(summary)
    for (index, line) in lines.enumerated() {
      logger.info("\(line)", metadata: index == 0 ? summary.metadata : nil)
    }
  }
}

extension Logger.MetadataValue {
  fileprivate static func number(_ value: Int) -> Self { .stringConvertible(value) }
  fileprivate static func number(_ value: Double) -> Self {
    .stringConvertible((value * 1000).rounded() / 1000)
  }
}

extension PlanCounts {
  fileprivate var metadata: Logger.Metadata {
    [
      "inputs": .number(inputs), "resumable": .number(resumable), "skipped": .number(skipped),
      "failedEarlier": .number(failedEarlier), "unsettled": .number(unsettled),
    ]
  }
}

extension InputResult {
  fileprivate var metadata: Logger.Metadata {
    var metadata: Logger.Metadata = [
      "source": "\(source)", "frames": .number(frames), "detections": .number(detections),
      "decodeErrors": .number(decodeErrors), "seconds": .number(seconds),
    ]
    if let failure { metadata["failure"] = "\(failure)" }
    if let lastDecodeError { metadata["lastDecodeError"] = "\(lastDecodeError)" }
    return metadata
  }
}

extension RunSummary {
  fileprivate var metadata: Logger.Metadata {
    [
      "classes": .dictionary(
        Dictionary(classes.map { ($0.label, .number($0.detections)) }, uniquingKeysWith: { $1 })),
      "inputsWithDetections": .number(inputsWithDetections),
      "richestInputs": .array(
        richestInputs.map {
          [
            "source": "\($0.source)", "detections": .number($0.detections),
            "frames": .number($0.frames),
          ]
        }),
      "leftOut": .dictionary(leftOut.files.mapValues { .number($0) }),
      "done": .number(inputs.done), "failed": .number(inputs.failed),
      "skipped": .number(inputs.skipped), "failedEarlier": .number(inputs.failedEarlier),
      "left": .number(inputs.left), "frames": .number(frames),
      "detections": .number(detections), "failedFrames": .number(failedFrames),
      "decodeErrors": .number(decodeErrors), "seconds": .number(seconds),
      "framesPerSecond": .number(framesPerSecond), "workers": .number(workers),
      "decoders": .number(decoders), "decoding": .number(stages.decoding),
      "decodersWaiting": .number(stages.decodersWaiting),
      "preprocessing": .number(stages.preprocessing), "network": .number(stages.network),
      "postprocessing": .number(stages.postprocessing),
      "workersWaiting": .number(stages.workersWaiting), "writing": .number(stages.writing),
      "publishing": .number(stages.publishing),
    ]
  }
}

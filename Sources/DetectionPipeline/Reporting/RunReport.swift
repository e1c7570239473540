import Files
import FrameDecoding
import RetinaNetModel
import Synchronization

/// Counts what the stages do, and tells the observer.
///
/// One value under one lock; each frame costs a few short visits.
final class RunReport: Sendable {
  private struct State {
    var summary: RunSummary
    var classes: [Int: ClassTally] = [:]
    /// Work in bytes of input: what of it is done, and how much of each open input.
    var finishedJobs = 0
    var finishedWork = 0.0
    var openWork: [Int: Double] = [:]
    var estimatedFrames: [Int: Int] = [:]
    var source: String?
    var hasRemarkedOnLook = false
  }

  private let state: Mutex<State>
  private let start = ContinuousClock.now
  private let jobs: JobList
  private let labels: [String]
  private let tell: @Sendable (RunEvent) -> Void

  /// - Parameters:
  ///   - summary: what is known before the work begins.
  ///   - jobs: the work.
  ///   - labels: by column of the class head.
  ///   - observer: told what happens, one call at a time.
  init(
    _ summary: RunSummary, jobs: JobList, labels: [String] = [], observer: any RunObserver
  ) {
    state = Mutex(State(summary: summary))
    self.jobs = jobs
    self.labels = labels
    let turn = Mutex(())
    tell = { event in turn.withLock { _ in observer.observe(event) } }
  }

  /// What was done up to now.
  var summary: RunSummary {
    var summary = state.withLock { $0.summary }
    summary.seconds = start.duration(to: .now).seconds
    return summary
  }

  /// Runs `work` and adds its duration to one of the stages' times.
  func time<Result, Failure: Error>(
    _ stage: WritableKeyPath<StageTimes, Double> & Sendable,
    _ work: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let start = ContinuousClock.now
    defer {
      let elapsed = start.duration(to: .now).seconds
      state.withLock { $0.summary.stages[keyPath: stage] += elapsed }
    }
    return try work()
  }

  /// A worker has looked at a frame since `start`, as the detector says and the rest in making its line.
  func looked(_ times: DetectorWorker.Times, since start: ContinuousClock.Instant) {
    let all = start.duration(to: .now)
    state.withLock { state in
      state.summary.stages.preprocessing += times.preprocessing.seconds
      state.summary.stages.network += times.network.seconds
      state.summary.stages.postprocessing += (all - times.preprocessing - times.network).seconds
    }
  }

  /// The stages are about to start.
  func begin(workers: Int, decoders: Int) {
    state.withLock { state in
      state.summary.workers = workers
      state.summary.decoders = decoders
    }
  }

  /// Says something that the user should know.
  func remark(_ text: String) { tell(.remark(text)) }

  /// Says what the user should know of how frames of an input are looked at, once a run: of the others it is as true.
  func remarkOnLook(at job: InputJob, _ text: String?) {
    guard let text else { return }
    let isFirst = state.withLock { state in
      defer { state.hasRemarkedOnLook = true }
      return !state.hasRemarkedOnLook
    }
    if isFirst { remark("\(job.source.oneLine): \(text)") }
  }

  /// An input was opened.
  func opened(_ job: InputJob, _ info: MediaInfo, kept: Int) {
    state.withLock { state in
      state.source = job.source.oneLine
      state.estimatedFrames[job.ordinal] = info.estimatedFrames
    }
    tell(
      .inputStarted(
        InputStart(source: job.source.oneLine, media: info.summary, resumedFrames: kept)))
    for remark in info.remarks { tell(.remark("\(job.source.oneLine): \(remark)")) }
  }

  /// So many frames of an input are decoded, sampled or not.
  func decoded(_ job: InputJob, frames: Int) {
    state.withLock { state in
      guard let total = state.estimatedFrames[job.ordinal], total > 0 else { return }
      state.openWork[job.ordinal] = job.work * min(1, Double(frames) / Double(total))
    }
  }

  /// Frames were recorded.
  func recorded(_ counts: RecordCounts) {
    state.withLock { state in
      state.summary.frames += counts.frames
      state.summary.failedFrames += counts.failedFrames
      state.summary.detections += counts.detections
      state.summary.sameFrames += counts.sameFrames
      state.classes.merge(counts.classes) { $0 + $1 }
    }
  }

  /// An input's records are complete (`published`), or it is left without a final file.
  func finished(_ job: InputJob, _ result: InputResult, published: Bool) {
    state.withLock { state in
      state.openWork[job.ordinal] = nil
      state.estimatedFrames[job.ordinal] = nil
      state.finishedJobs += 1
      state.finishedWork += job.work
      state.summary.decodeErrors += result.decodeErrors
      state.summary.add(result)
      if result.failure == nil {
        state.summary.inputs.done += 1
      } else {
        state.summary.inputs.failed += 1
      }
    }
    tell(published ? .inputFinished(result) : .inputFailed(result))
  }

  /// Tells how far the run is.
  func progress(_ meter: inout ProgressMeter) {
    let summary = summary
    let (work, source) = state.withLock { state in
      (state.openWork.values.reduce(state.finishedWork, +), state.source)
    }
    tell(
      .progress(
        meter.progress(
          summary, doneShare: work / jobs.totalWork, inputs: jobs.count, source: source)))
  }

  /// A directory could not be searched.
  func unsearched(_ directory: String, _ reason: String) {
    state.withLock { $0.summary.inputs.failed += 1 }
    tell(
      .inputFailed(
        InputResult(
          source: directory, frames: 0, detections: 0, decodeErrors: 0, lastDecodeError: nil,
          seconds: 0, failure: reason)))
  }

  /// Ends the run's account and tells of it.
  func close(_ ending: RunControl.Ending?) -> RunSummary {
    var summary = summary
    summary.classes = state.withLock { $0.classes }
      .map { column, tally in
        RunSummary.ClassCount(
          label: labels.indices.contains(column) ? labels[column] : "class \(column)",
          detections: tally.detections, frames: tally.frames)
      }
      .sorted { ($1.detections, $0.label) < ($0.detections, $1.label) }
    summary.inputs.left += jobs.count - state.withLock { $0.finishedJobs }
    summary.outcome =
      ending.map { .endedEarly($0.kind) }
      ?? (summary.inputs.failed > 0 ? .someInputsFailed : .done)
    summary.endedEarly = ending?.reason
    tell(.finished(summary))
    return summary
  }
}

extension RunSummary {
  /// Keeps the inputs with the most detections, in that order; of equals the one that was finished first.
  fileprivate mutating func add(_ result: InputResult) {
    guard result.detections > 0 else { return }
    inputsWithDetections += 1
    let place = richestInputs.firstIndex { $0.detections < result.detections }
    richestInputs.insert(
      InputCount(
        source: result.source, detections: result.detections, frames: result.frames),
      at: place ?? richestInputs.count)
    if richestInputs.count > Self.mostListed { richestInputs.removeLast() }
  }
}

extension MediaInfo {
  /// As `h264, 1920x1080, about 900 frames`.
  fileprivate var summary: String {
    let frames = isStillImage ? nil : estimatedFrames.map { "about \($0) frames" }
    let size = width > 0 && height > 0 ? "\(width)x\(height)" : nil
    return [codec, size, frames].compactMap { $0 }.joined(separator: ", ")
  }
}

extension Duration {
  /// The same length in seconds.
  var seconds: Double {
    Double(components.seconds) + Double(components.attoseconds) * 1e-18
  }
}

/// Turns what was counted into a rate and an estimate of the time that remains, both from the last stretch of the
/// run, so that they follow a change of inputs and are not misled by what an earlier run had done.
struct ProgressMeter {
  private static let rateSeconds = 10.0
  private static let estimateSeconds = 60.0

  private struct Sample {
    var seconds: Double
    var frames: Int
    var doneShare: Double
  }

  private var samples: [Sample] = []

  /// Takes note of how far the run is: `doneShare` of the work, 0...1, by the sizes of its `inputs`, and the
  /// `source` opened last.
  mutating func progress(
    _ summary: RunSummary, doneShare: Double, inputs: Int, source: String?
  ) -> RunProgress {
    let now = Sample(seconds: summary.seconds, frames: summary.frames, doneShare: doneShare)
    samples.append(now)
    samples.removeAll { now.seconds - $0.seconds > Self.estimateSeconds }
    let oldest = samples[0]
    let recent = samples.first { now.seconds - $0.seconds <= Self.rateSeconds } ?? now
    let elapsed = now.seconds - recent.seconds
    let gain = doneShare - oldest.doneShare
    return RunProgress(
      summary: summary, inputs: inputs, source: source,
      framesPerSecond: elapsed > 0
        ? Double(now.frames - recent.frames) / elapsed : summary.framesPerSecond,
      remainingSeconds: gain > 0 ? (1 - doneShare) * (now.seconds - oldest.seconds) / gain : nil)
  }
}

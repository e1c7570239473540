import DetectionRecords
import Files
import Glibc
import Synchronization
import SystemPackage

/// A run's numbers in Prometheus' text format, for node_exporter's textfile collector: written now and then, and
/// at the end.
public struct MetricsFile: Sendable {
  let path: FilePath
  private let exitStatus: @Sendable (RunOutcome) -> Int32

  /// Names the file; nothing is written.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - exitStatus: what the process exits with after a run that has ended so.
  public init(path: FilePath, exitStatus: @escaping @Sendable (RunOutcome) -> Int32) {
    self.path = path
    self.exitStatus = exitStatus
  }

  /// Replaces the file at once, so that no reader meets half of it.
  ///
  /// - Throws: `Errno`.
  func write(_ summary: RunSummary, isRunning: Bool, now: Double) throws(Errno) {
    try write(summary, isRunning: isRunning, exitStatus: exitStatus(summary.outcome), now: now)
  }

  private func write(
    _ summary: RunSummary, isRunning: Bool, exitStatus: Int32, now: Double
  ) throws(Errno) {
    let text = Self.text(summary, isRunning: isRunning, exitStatus: exitStatus, now: now)
    // The collector reads `*.prom` only, and so not what is being written.
    do throws(AtomicFile.Failure) {
      // For the collector, which is another user, whatever the umask.
      try AtomicFile.replace(
        path, with: text.utf8, isDurable: false,
        permissions: [.ownerReadWrite, .groupRead, .otherRead])
    } catch {
      throw error.code
    }
  }

  /// Exposition format 0.0.4. Gauges all, for a run starts from zero.
  static func text(
    _ summary: RunSummary, isRunning: Bool, exitStatus: Int32, now: Double
  ) -> String {
    var text = ""
    func metric(_ name: String, _ help: String, _ values: [(label: String, value: Double)]) {
      text += "# HELP detect_batch_\(name) \(help)\n# TYPE detect_batch_\(name) gauge\n"
      for (label, value) in values { text += "detect_batch_\(name)\(label) \(value)\n" }
    }
    func metric(_ name: String, _ help: String, _ value: Double) {
      metric(name, help, [("", value)])
    }
    metric("running", "1 while the run is going on.", isRunning ? 1 : 0)
    metric(
      "updated_timestamp_seconds", "When these numbers were written, as Unix time.", now)
    metric(
      "exit_status", "Exit status of the run, 0 while it goes on.", Double(exitStatus))
    metric(
      "inputs", "Inputs of the run by what became of them.",
      [
        ("{state=\"done\"}", Double(summary.inputs.done)),
        ("{state=\"failed\"}", Double(summary.inputs.failed)),
        ("{state=\"skipped\"}", Double(summary.inputs.skipped)),
        ("{state=\"failed_earlier\"}", Double(summary.inputs.failedEarlier)),
        ("{state=\"left\"}", Double(summary.inputs.left)),
      ])
    metric(
      "frames", "Records of frames written by the run, failed ones included.",
      Double(summary.frames))
    metric("detections", "Detections in them.", Double(summary.detections))
    metric(
      "same_frames", "Records of frames that were not looked at, being the same as earlier ones.",
      Double(summary.sameFrames))
    metric(
      "failed_frames",
      "Records without detections (null): of frames that could not be looked at, and at the end of inputs that failed.",
      Double(summary.failedFrames))
    metric("decode_errors", "Errors that decoders went on after.", Double(summary.decodeErrors))
    metric("seconds", "Wall-clock time of the run.", summary.seconds)
    metric(
      "stage_seconds", "Time of the stages, summed over their threads.",
      [
        ("{stage=\"decoding\"}", summary.stages.decoding),
        ("{stage=\"decoders_waiting\"}", summary.stages.decodersWaiting),
        ("{stage=\"preprocessing\"}", summary.stages.preprocessing),
        ("{stage=\"network\"}", summary.stages.network),
        ("{stage=\"postprocessing\"}", summary.stages.postprocessing),
        ("{stage=\"workers_waiting\"}", summary.stages.workersWaiting),
        ("{stage=\"writing\"}", summary.stages.writing),
        ("{stage=\"publishing\"}", summary.stages.publishing),
      ])
    metric("workers", "Inference workers.", Double(summary.workers))
    return text
  }
}

extension MetricsFile {
  /// The numbers of a run that could not start: none, and why as its exit status. Else those of the run before would
  /// stand there as if all were well.
  ///
  /// - Parameter exitStatus: what the process exits with.
  /// - Throws: `Errno`.
  public func writeFailedStart(exitStatus: Int32) throws(Errno) {
    try write(RunSummary(), isRunning: false, exitStatus: exitStatus, now: Self.now)
  }

  /// Unix time.
  fileprivate static var now: Double {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Double(time.tv_sec)
  }
}

/// Keeps a run's metrics file up to date. A file that cannot be written is told of once and is no reason to stop.
final class MetricsKeeper: Sendable {
  private static let interval = Duration.seconds(15)

  private let file: MetricsFile
  private let report: RunReport
  private let state = Mutex(State())

  private struct State {
    var lastWritten: ContinuousClock.Instant?
    var hasFailed = false
  }

  init(_ file: MetricsFile, _ report: RunReport) {
    self.file = file
    self.report = report
  }

  /// Writes the file if it is time to.
  func update() {
    let lastWritten = state.withLock { $0.lastWritten }
    if let lastWritten, lastWritten.duration(to: .now) < Self.interval { return }
    write(report.summary, isRunning: true)
  }

  /// Writes the file.
  func write(_ summary: RunSummary, isRunning: Bool) {
    do {
      try file.write(summary, isRunning: isRunning, now: MetricsFile.now)
    } catch {
      let isFirst = state.withLock { state in
        defer { state.hasFailed = true }
        return !state.hasFailed
      }
      if isFirst { report.remark("cannot write \(file.path.oneLine): \(error)") }
    }
    state.withLock { $0.lastWritten = .now }
  }
}

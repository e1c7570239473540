import DetectionRecords
import Files
import FrameDecoding
import Glibc
import NeuralNetwork
import RetinaNetModel
import Synchronization
import Workers

/// One run over a worklist: finds out what there is to do, does it, and says how it went.
public final class DetectionRun: Sendable {
  private let configuration: RunConfiguration
  private let model: RunModel
  private let observer: any RunObserver
  private let control = RunControl()
  private let isSearching = Atomic(false)

  private static let progressInterval = Duration.milliseconds(250)
  private static let lockInterval = Duration.seconds(1)
  /// The share of free memory that a run without a limit of its own accounts for.
  private static let memoryShare = 0.8

  /// Prepares a run; nothing is looked for yet.
  ///
  /// - Parameters:
  ///   - configuration: every choice.
  ///   - model: what looks at the frames.
  ///   - observer: told what happens.
  public convenience init(
    _ configuration: RunConfiguration, model: DetectionModel, observer: any RunObserver
  ) {
    self.init(configuration, RunModel(model), observer: observer)
  }

  init(_ configuration: RunConfiguration, _ model: RunModel, observer: any RunObserver) {
    self.configuration = configuration
    self.model = model
    self.observer = observer
  }

  /// Says what `run()` would do, and does nothing.
  ///
  /// - Returns: every input of this run's share, and outputs that would be removed.
  /// - Throws: `RunError` where the run would not begin.
  public func plan() throws(RunError) -> [PlannedInput] {
    let worklist = try makeWorklist()
    let output = try openOutput(whileLocked: nil)
    var inputs: [PlannedInput] = []
    _ = try RunPlan(worklist, configuration, output.history) { inputs.append($0) }
    return inputs
  }

  /// Does the work. Called once.
  ///
  /// - Returns: what was done, and how it ended; `RunEvent.finished` has told it already.
  /// - Throws: `RunError` where the run did not begin.
  public func run() throws(RunError) -> RunSummary {
    if let nice = configuration.nice { standBack(nice) }
    // It loads while the inputs are being looked for.
    configuration.media.prepare()
    do { try configuration.media.require() } catch { throw RunError(.usage, error.description) }
    var worklist = try makeWorklist()
    var hasWaited = false
    let output = try openOutput { holder in
      hasWaited = true
      return self.waits(for: holder)
    }
    // Its lock is given up with it.
    defer { withExtendedLifetime(output) {} }
    if hasWaited { worklist = try makeWorklist() }
    let plan = try RunPlan(worklist, configuration, output.history)
    observer.observe(.planned(plan.counts))

    let work = SuspectedWork(plan.work, output.history)
    let jobs = makeJobs(work, worklist)
    var summary = RunSummary(plan.counts)
    summary.commonRoot = worklist.commonRoot?.oneLine
    summary.leftOut = worklist.leftOut
    summary.goneOutputs = plan.gone.count
    summary.isPruned = configuration.prunes
    if configuration.prunes, let history = output.history {
      do { try history.remove(plan.gone) } catch { throw RunError(error) }
    }
    let labels = model.description.classes.map { $0 ?? "" }
    let report = RunReport(summary, jobs: jobs, labels: labels, observer: observer)
    for remark in worklist.notes + plan.remarks + work.remarks { report.remark(remark) }
    for failure in worklist.failures where failure.source == nil {
      report.unsearched(failure.path.oneLine, failure.reason)
    }
    let metrics = configuration.metricsFile.map { MetricsKeeper($0, report) }
    if jobs.count > 0 {
      configuration.media.keepOnly(FileRights(work.items, configuration))
      try run(jobs, alone: work.alone, into: output.destination, report, metrics)
      // What is in hand now was left in order. Where that cannot be written, nothing can, which was said.
      try? output.inHand?.close()
    }
    let result = report.close(control.ending)
    metrics?.write(result, isRunning: false)
    return result
  }

  /// Ends the run early, from any thread: workers finish the batch in hand, what is written is whole, and the next
  /// run goes on from there.
  ///
  /// - Returns: false while inputs are being looked for, which may block for ever (a list from a pipe) and has begun
  ///   nothing: the process may end then and there.
  public func stop() -> Bool {
    control.end(.stopped, "stopped by a signal: the next run goes on from here")
    return !isSearching.load(ordering: .sequentiallyConsistent)
  }
}

extension DetectionRun {
  private func makeWorklist() throws(RunError) -> Worklist {
    isSearching.store(true, ordering: .sequentiallyConsistent)
    defer { isSearching.store(false, ordering: .sequentiallyConsistent) }
    var request = configuration.inputs
    request.shard = configuration.partition.shard
    if case .directory(let path) = configuration.output { request.output = path }
    do { return try Worklist(request) } catch { throw RunError(error) }
  }

  private func openOutput(
    whileLocked: ((FileError) -> Bool)?
  ) throws(RunError) -> RunOutput {
    guard case .directory(let path) = configuration.output else { return RunOutput() }
    let settings = SettingsDigest(
      model: model.digest, description: model.description, options: configuration.detection,
      sampling: configuration.sampling, instructionSet: .effective)
    do {
      return try RunOutput(
        path, configuration.partition, settings: settings, model: model,
        whileLocked: whileLocked)
    } catch {
      if let ending = control.ending { throw RunError(ending.kind, ending.reason ?? "stopped") }
      throw RunError(error)
    }
  }

  /// Whether to try again to lock the output, after a pause.
  private func waits(for holder: FileError) -> Bool {
    guard configuration.waitsForLock else { return false }
    return !control.wait(for: Self.lockInterval)
  }

  private func makeJobs(_ work: SuspectedWork, _ worklist: Worklist) -> JobList {
    let items = work.items
    // Where each failure is a line, those that are known already have theirs too.
    let failures = worklist.failures.compactMap { failure in
      failure.source.map { (path: failure.path, source: $0, reason: failure.reason) }
    }
    let labels = LabelTable(model.description.classes.map { $0 ?? "" })
    let sizes = items.map { Double(max(1, $0.input.size)) }
    let workingDirectory = worklist.workingDirectory
    return JobList(
      count: items.count + failures.count, totalWork: sizes.reduce(Double(failures.count), +)
    ) { ordinal in
      guard ordinal < items.count else {
        let (path, source, reason) = failures[ordinal - items.count]
        return InputJob(
          ordinal: ordinal, path: path, source: source, root: workingDirectory.path, work: 1,
          encoder: RecordEncoder(source: source, labels: labels), failure: reason)
      }
      let item = items[ordinal]
      return InputJob(
        ordinal: ordinal, path: item.path, source: item.source,
        root: workingDirectory.absolute(item.base), work: sizes[ordinal],
        encoder: RecordEncoder(source: item.source, labels: labels),
        condemnation: work.condemned.contains(ordinal) ? SuspectedWork.condemnation : nil)
    }
  }

  /// Works through the jobs; those of `alone` each when nothing else is in hand.
  private func run(
    _ jobs: JobList, alone: Range<Int>, into destination: any RecordDestination,
    _ report: RunReport,
    _ metrics: MetricsKeeper?
  ) throws(RunError) {
    let equipment: RunEquipment
    let stages: RunStages
    do {
      equipment = try model.makeEquipment(configuration, control.media)
      stages = try makeStages(for: jobs, equipment, report)
    } catch {
      throw RunError(stage: error)
    }
    report.begin(workers: stages.workers, decoders: stages.decoders * stages.share.decoders)
    let isOver = CancellationToken()
    let watch = WorkerGroup()
    watch.start("progress") {
      var meter = ProgressMeter()
      while !isOver.wait(for: Self.progressInterval) {
        report.progress(&meter)
        metrics?.update()
      }
    }
    // In one go where nothing is done alone, as where records are written in the order of the jobs: there nothing is remembered.
    let parts =
      alone.isEmpty
      ? [0..<jobs.count]
      : [0..<alone.lowerBound] + alone.map { $0..<$0 + 1 } + [alone.upperBound..<jobs.count]
    for part in parts where !part.isEmpty && !control.isEnding {
      stages.run(
        jobs.part(part), into: destination, with: equipment, control: control, report: report)
    }
    isOver.cancel()
    do { try watch.join() } catch {
      // A run does without telling how far it is.
    }
  }

  /// Shares the machine out.
  private func makeStages(
    for jobs: JobList, _ equipment: RunEquipment, _ report: RunReport
  ) throws -> RunStages {
    let machine = Machine()
    let cores = machine.availableCores
    let allDecoders = configuration.decoders ?? cores
    let decoders = min(jobs.count, allDecoders)
    let (perWorker, shared) = try equipment.memory()
    let memory = MemoryPlan(
      limit: configuration.memoryLimit
        // Bounded: a part of an Int.
        ?? machine.availableMemory.map { Int(Double($0) * Self.memoryShare) } ?? .max,
      wanted: configuration.workers ?? cores, decoders: decoders,
      spare: allDecoders - decoders, inProcesses: configuration.media.isIsolating,
      perWorker: perWorker, shared: shared)
    if let remark = memory.remark { report.remark(remark) }
    let waiting = configuration.queueSize ?? 4 * memory.workers
    return RunStages(
      workers: memory.workers, decoders: decoders, batchSize: configuration.batchSize,
      bounds: FrameBounds(
        waitingFrames: waiting, bytes: memory.frameBytes, unwrittenRecords: 1024 + waiting,
        reservedRecords: 64),
      share: memory.share, maxFailures: configuration.maxFailures, sampling: configuration.sampling)
  }

  private func standBack(_ nice: Int) {
    // Of this thread, which the run's other threads are started from and take it from.
    _ = setpriority(.init(PRIO_PROCESS.rawValue), 0, Int32(nice))
  }
}

extension RunSummary {
  fileprivate init(_ plan: PlanCounts) {
    self.init()
    inputs.skipped = plan.skipped
    inputs.failedEarlier = plan.failedEarlier
    inputs.left = plan.unsettled
  }
}

import DetectionPipeline
import DetectionRecords
import FrameDecoding
import RetinaNetModel
import SystemPackage

extension DetectCommand {
  /// Takes from a pipeline file what was not typed.
  ///
  /// - Throws: `SettingsError` for a key that is no option or a value that cannot be used.
  mutating func fill(from file: PipelineFile) throws {
    // First, for a run that cannot start says so in its metrics.
    try output.fill(from: file)
    try input.fill(from: file)
    try sampling.fill(from: file)
    try model.fill(from: file)
    try looks.fill(from: file)
    try resources.fill(from: file)
    try report.fill(from: file)
    try file.finish()
  }

  /// What was typed and what a pipeline file says, made into the choices of a run.
  ///
  /// - Parameter environment: the variables of this process.
  /// - Returns: every choice.
  /// - Throws: `Fault`.
  func configuration(environment: [String: String]) throws(Fault) -> RunConfiguration {
    var run = RunConfiguration()
    run.inputs = request()
    run.partition = try partition(environment)
    run.sampling = frameSampling(segment: run.partition.segment)
    run.detection = detectionOptions()
    try looks.apply(to: &run.detection)

    switch output.output {
    case nil: break
    case "-": run.output = .standardOutput
    case let path?: run.output = .directory(ArgumentBytes.path(path))
    }
    run.overwrite = output.overwrite ?? run.overwrite
    run.retryFailed = output.retryFailed
    run.waitsForLock = output.wait
    run.prunes = output.prune
    if output.prune && run.output == .standardOutput {
      throw Fault(.usage, "--prune removes files of an output directory, and -o - has none")
    }
    run.metricsFile = output.metricsFile

    run.workers = resources.workers
    run.decoders = resources.decoders
    run.batchSize = resources.batchSize ?? run.batchSize
    run.queueSize = resources.queueSize
    run.memoryLimit = resources.memoryLimit
    // Bounded: at most OptionValue.largest.
    run.limits.readTimeout = resources.readTimeout.map { .seconds($0) }
    run.maxFailures = resources.maxFailures
    run.media = Decoders.make(resources.decoding.isolation)
    run.nice = resources.nice
    return run
  }

  private func request() -> Worklist.Request {
    var request = Worklist.Request()
    request.inputs = paths.map(ArgumentBytes.path)
    request.lists = input.filesFrom.map(ArgumentBytes.path)
    request.root = input.root.map(ArgumentBytes.path)
    request.include = input.include.map(ArgumentBytes.path)
    request.exclude = input.exclude.map(ArgumentBytes.path)
    request.allFiles = input.allFiles
    // Bounded: at most OptionValue.largest.
    request.settle = .seconds(input.settle ?? 0)
    request.allowsEmpty = input.allowEmpty
    return request
  }

  private func partition(_ environment: [String: String]) throws(Fault) -> RunPartition {
    RunPartition(
      shard: try output.shard?.resolve("--shard", environment: environment),
      segment: try output.segment?.resolve("--segment", environment: environment))
  }

  private func frameSampling(segment: Part?) -> FrameSampling {
    let selection: FrameSampling.Selection =
      if let step = sampling.every {
        .every(step)
      } else if let rate = sampling.fps {
        .rate(rate)
      } else {
        sampling.keyframes ? .keyframes : .all
      }
    return FrameSampling(
      selection: selection, start: sampling.start, end: sampling.end,
      maxFrames: sampling.maxFrames, needsFrameNumbers: !sampling.noFrameNumbers,
      segment: segment.map { FrameSampling.Segment(index: $0.index - 1, count: $0.count) },
      sameness: sampling.still.map { .still($0) } ?? .equalPixels)
  }

  private func detectionOptions() -> DetectionOptions {
    let classes = model.classes.flatMap { $0 }
    return DetectionOptions(
      scoreThreshold: model.scoreThreshold,
      // Of several thresholds of one label, the last counts.
      classThresholds: Dictionary(
        model.classThreshold.map { ($0.label, $0.score) }, uniquingKeysWith: { $1 }),
      classes: classes.isEmpty ? nil : Set(classes),
      nmsThreshold: model.nmsThreshold, classAgnosticNMS: model.classAgnosticNMS,
      maxDetections: model.maxDetections, candidatesPerLevel: model.candidatesPerLevel,
      precision: model.precision)
  }
}

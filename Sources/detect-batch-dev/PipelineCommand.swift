import ArgumentParser
import DetectionPipeline
import Glibc
import NeuralNetwork
import RetinaNetModel
import SystemPackage
import Workers

/// Times whole runs beside the network alone, in turns, so that both meet the same machine.
struct PipelineCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pipeline", abstract: "Times whole runs beside the network alone.",
    discussion: """
      Each round runs over the inputs into a new directory, then gives the network alone as many images of the \
      shape that --size makes, with as many workers. A line of JSON for each.
      """)

  @Option(help: "A model file or checkpoint.")
  var model: String

  @Option(help: "Size of the inputs' pictures.")
  var size = Size(width: 1920, height: 1080)

  @Option(help: "Workers; all cores by default.")
  var workers = Machine().availableCores

  @Option(help: "Inputs decoded at once; the run's own choice by default.")
  var decoders: Int?

  @Option(help: "Frames of each input, all by default.")
  var maxFrames: Int?

  @Option(help: "Rounds.")
  var rounds = 3

  @Flag(help: "Leaves the network alone out.")
  var only = false

  @Option(help: "Where the runs' directories are made; each is new.")
  var output: String

  @Argument(help: "Inputs.")
  var paths: [String]

  func run() throws {
    let model = try DetectionModel(contentsOf: FilePath(model))
    let bench = only ? nil : try makeBench(model)
    for round in 1...rounds {
      var configuration = RunConfiguration()
      configuration.inputs.inputs = paths.map { FilePath($0) }
      configuration.inputs.root = "/"
      configuration.output = .directory(FilePath(output).appending("\(getpid())-\(round)"))
      configuration.workers = workers
      configuration.decoders = decoders
      configuration.sampling.maxFrames = maxFrames
      let cpu = Self.cpuSeconds
      let summary = try DetectionRun(configuration, model: model, observer: Silence()).run()
      let stages = summary.stages
      try Report.json([
        "round": "\(round)", "frames": "\(summary.frames)",
        "seconds": Report.number(summary.seconds), "cpu": Report.number(Self.cpuSeconds - cpu),
        "workers": "\(summary.workers)", "decoders": "\(summary.decoders)",
        "decoding": Report.number(stages.decoding),
        "decodersWaiting": Report.number(stages.decodersWaiting),
        "preprocessing": Report.number(stages.preprocessing),
        "network": Report.number(stages.network),
        "postprocessing": Report.number(stages.postprocessing),
        "workersWaiting": Report.number(stages.workersWaiting),
        "writing": Report.number(stages.writing),
        "publishing": Report.number(stages.publishing), "peakMiB": "\(try Report.peakMemory())",
      ])
      guard let bench, summary.frames > 0 else { continue }
      let cpuAlone = Self.cpuSeconds
      let passes = max(1, summary.frames / (workers * bench.images))
      var seconds = 0.0
      for _ in 0..<passes { seconds += try bench.round() }
      let images = Double(passes * workers * bench.images)
      let alone = seconds / images
      try Report.json([
        "round": "\(round)", "network": Report.number(alone),
        "networkCPU": Report.number((Self.cpuSeconds - cpuAlone) / images),
        "share": Report.number(alone / (summary.seconds / Double(summary.frames)), 3),
      ])
    }
  }

  private func makeBench(_ model: DetectionModel) throws -> NetworkBench {
    let geometry = model.description.inputGeometry(height: size.height, width: size.width)
    let plan = try InferencePlan(
      model.description.makeNetwork(), height: geometry.paddedHeight, width: geometry.paddedWidth,
      store: WeightStore(load: model.values))
    let bench = try NetworkBench(plan: plan, workers: workers, images: 8)
    _ = try bench.round()
    return bench
  }

  /// Seconds of all cores that this process has used.
  private static var cpuSeconds: Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }

  private struct Silence: RunObserver {
    func observe(_ event: RunEvent) {}
  }
}

/// Writes a model with weights from a formula, for measurements that do not mind what is found.
struct ModelCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "model", abstract: "Writes a model file with weights from a formula.")

  @OptionGroup var network: ModelOptions

  @Option(name: [.short, .long], help: "The file.")
  var output: String

  func run() throws {
    let source = try network.open()
    try ModelFile.write(source.description, to: FilePath(output)) { try source.values($0) }
  }
}

import DetectionPipeline
import Foundation
import NeuralNetwork
import RetinaNetModel

extension DetectCommand {
  func execute() throws -> ExitStatus {
    var options = options
    do {
      return try detect(&options)
    } catch {
      noteFailedStart(Fault(error).status, options.output)
      throw error
    }
  }

  private func detect(_ options: inout DetectOptions) throws -> ExitStatus {
    Log.configure(options.report)
    let places = Places()
    if let pipeline {
      let path = try places.find(.pipeline, pipeline)
      try options.fill(from: PipelineFile(contentsOf: path, name: path.string))
      Log.configure(options.report)
    }
    // Before anything asks oneDNN what the CPU can do.
    if let set = options.resources.isa { try InstructionSet.limit(to: set) }
    if version { return ProgramOutput.write(ProgramVersion.text) }

    let environment = ProcessInfo.processInfo.environment
    let configuration = try options.configuration(paths: paths, environment: environment)
    if paths.isEmpty && options.input.filesFrom.isEmpty {
      throw Fault(
        .usage,
        "nothing to look at: name directories, files or globs, as in: detect-batch clips/")
    }
    // It gets ready while the model is read; one that is to give way is started when this process does.
    if configuration.nice == nil { configuration.media.prepare() }
    let model = try DetectionModel(
      contentsOf: places.find(.model, options.model.model ?? Places.defaultModel))
    try configuration.detection.applied(to: model.description)
    for remark in model.remarks { Log.logger.notice("\(remark)") }

    let showsProgress = Console.standardError.isTerminal && !options.report.quiet
    let run = DetectionRun(
      configuration, model: model,
      observer: RunReporter(logger: Log.logger, showsProgress: showsProgress))
    if options.output.dryRun {
      return DryRun(
        try run.plan(), sampling: configuration.sampling, decoders: configuration.media
      ).tell(options.report.logFormat ?? .text)
    }
    SignalHandling.onFirst { run.stop() }
    return ExitStatus(try run.run().outcome)
  }

  /// Puts the exit status of a run that could not start into its metrics, where those of the last one stand.
  private func noteFailedStart(_ status: ExitStatus, _ output: OutputOptions) {
    guard let file = output.metricsFile, !output.dryRun, !version else { return }
    do {
      try file.writeFailedStart(exitStatus: status.rawValue)
    } catch {
      Log.logger.notice("cannot write \(ArgumentBytes.display(output.metrics ?? "")): \(error)")
    }
  }
}

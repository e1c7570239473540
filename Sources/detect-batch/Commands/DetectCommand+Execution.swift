import DetectionPipeline
import Foundation
import NeuralNetwork
import RetinaNetModel

extension DetectCommand {
  func execute() throws -> ExitStatus {
    var command = self
    do {
      return try command.detect()
    } catch {
      command.noteFailedStart(Fault(error).status)
      throw error
    }
  }

  private mutating func detect() throws -> ExitStatus {
    Log.configure(report)
    let places = Places()
    if let pipeline {
      let path = try places.find(.pipeline, pipeline)
      try fill(from: PipelineFile(contentsOf: path, name: path.string))
      Log.configure(report)
    }
    // Before anything asks oneDNN what the CPU can do.
    if let set = resources.isa { try InstructionSet.limit(to: set) }
    if version { return ProgramOutput.write(ProgramVersion.text) }

    let configuration = try configuration(environment: ProcessInfo.processInfo.environment)
    if paths.isEmpty && input.filesFrom.isEmpty {
      throw Fault(
        .usage,
        "nothing to look at: name directories, files or globs, as in: detect-batch clips/")
    }
    // It gets ready while the model is read; one that is to give way is started when this process does.
    if configuration.nice == nil { configuration.media.prepare() }
    let model = try DetectionModel(
      contentsOf: places.model(self.model.model))
    try configuration.detection.applied(to: model.description)
    for remark in model.remarks { Log.logger.notice("\(remark)") }
    let precision = try model.description.precision(configuration.detection.precision).choice
    let isSlow = precision == .int8 && !InstructionSet.hasVNNI
    Log.logger.debug(
      "the network computes in \(precision.rawValue)\(isSlow ? ", which is slow on this CPU: it has no VNNI" : "")"
    )

    // Records that go to the same terminal, or through another program to it, would run into the line.
    let showsProgress =
      Console.standardError.isTerminal && !report.quiet && configuration.output != .standardOutput
    let run = DetectionRun(
      configuration, model: model,
      observer: RunReporter(logger: Log.logger, showsProgress: showsProgress))
    if output.dryRun {
      return DryRun(
        try run.plan(), sampling: configuration.sampling, decoders: configuration.media
      ).tell(report.logFormat ?? .text)
    }
    SignalHandling.onFirst { run.stop() }
    return ExitStatus(try run.run().outcome)
  }

  /// Puts the exit status of a run that could not start into its metrics, where those of the last one stand.
  private func noteFailedStart(_ status: ExitStatus) {
    guard let file = output.metricsFile, !output.dryRun, !version else { return }
    do {
      try file.writeFailedStart(exitStatus: status.rawValue)
    } catch {
      Log.logger.notice("cannot write \(ArgumentBytes.display(output.metrics ?? "")): \(error)")
    }
  }
}

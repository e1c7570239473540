import DetectionPipeline
import Logging
import Synchronization
import Training

/// Tells a training to the log and, on a terminal, in a line that moves.
final class TrainingReporter: Sendable {
  private struct State {
    var recent: [TrainingRecord.Step] = []
    var lastDrawn: ContinuousClock.Instant?
    var lastLogged: ContinuousClock.Instant?
    var evaluationSeconds = 0.0
  }

  private let logger: Logger
  private let showsProgress: Bool
  private let iterations: Int
  private let state = Mutex(State())

  /// - Parameters:
  ///   - logger: where events go.
  ///   - showsProgress: whether there is a terminal to draw a progress line on.
  ///   - iterations: of the whole training.
  init(logger: Logger, showsProgress: Bool, iterations: Int) {
    self.logger = logger
    self.showsProgress = showsProgress
    self.iterations = iterations
  }

  /// Says what is going to be done.
  func begin(_ configuration: TrainingConfiguration, _ data: TrainingData) {
    let architecture = configuration.description.architecture
    let counts = zip(data.training.classes, data.training.objectCounts)
      .map { "\($0) \($1)" }.joined(separator: ", ")
    logger.info(
      """
      training \(architecture.backbone.rawValue) (width \(architecture.baseWidth), pyramid \
      \(architecture.pyramidChannels)) on \(data.training.images.count) pictures: \(counts)
      """)
    if let validation = data.validation {
      logger.info("measuring on \(validation.images.count) pictures")
    } else {
      logger.notice("nothing to measure on (--validation): the last model is the one to take")
    }
    logger.info(
      """
      \(configuration.schedule.iterations) steps of \
      \(configuration.batchSize * configuration.accumulation) pictures, \
      \(configuration.workers) workers, seed \(configuration.seed)
      """)
  }

  /// Takes an event, from any thread.
  func observe(_ event: TrainingEvent) {
    switch event {
    case .remark(let text):
      logger.notice("\(text)")
    case .picture(let remark):
      logger.warning("\(remark)")
    case .step(let step):
      took(step)
    case .evaluation(let evaluation, let isBest):
      state.withLock { $0.evaluationSeconds += evaluation.seconds }
      let numbers = evaluation.metrics.prefix(3).map { name, value in
        "\(name) \(value.map { Self.decimal($0, 3) } ?? "-")"
      }.joined(separator: ", ")
      let classes = evaluation.classes.map { label, ap in
        "\(label) \(ap.map { Self.decimal($0, 3) } ?? "-")"
      }.joined(separator: ", ")
      logger.info(
        "step \(evaluation.iteration): \(numbers) (\(classes))\(isBest ? ", the best so far" : "")")
    case .saved(let iteration):
      logger.debug("step \(iteration): saved")
    }
  }

  /// Says how it ended.
  func end(_ outcome: TrainingOutcome, _ folder: TrainingFolder) {
    if showsProgress { Console.standardError.show(nil) }
    switch outcome {
    case .finished:
      logger.info("done: \(folder.bestModel)")
    case .stopped(let iteration):
      logger.notice(
        "stopped after step \(iteration); go on with: detect-batch train --resume \(folder.path)")
    }
  }

  private func took(_ step: TrainingRecord.Step) {
    let now = ContinuousClock.now
    let (text, isDrawn, isLogged) = state.withLock { state in
      state.recent.append(step)
      // The last few dozen say how fast it goes and where the loss is.
      if state.recent.count > 50 { state.recent.removeFirst() }
      let isDrawn = showsProgress && state.lastDrawn.map { now - $0 > .milliseconds(200) } ?? true
      let isLogged =
        !showsProgress
        && (state.lastLogged.map { now - $0 > .seconds(60) } ?? true
          || step.iteration == iterations)
      if isDrawn { state.lastDrawn = now }
      if isLogged { state.lastLogged = now }
      return (line(step, state.recent), isDrawn, isLogged)
    }
    if isDrawn { Console.standardError.show(text) }
    if isLogged { logger.info("\(text)") }
  }

  private func line(_ step: TrainingRecord.Step, _ recent: [TrainingRecord.Step]) -> String {
    let count = Double(recent.count)
    let seconds = recent.reduce(0) { $0 + $1.seconds } / count
    let (classLoss, boxLoss) = (
      recent.reduce(0) { $0 + $1.classLoss } / count, recent.reduce(0) { $0 + $1.boxLoss } / count
    )
    let objects = recent.reduce(0) { $0 + $1.objectAnchors }
    let anchors = recent.reduce(0) { $0 + $1.anchors }
    return """
      step \(step.iteration)/\(iterations), epoch \(Self.decimal(step.epoch, 1)), loss \
      \(Self.decimal(classLoss + boxLoss, 3)) (class \(Self.decimal(classLoss, 3)), box \
      \(Self.decimal(boxLoss, 3))), one object for \(anchors / max(1, objects)) anchors, \
      \(Self.decimal(Double(step.images) / max(seconds, 1e-9), 1)) pictures/s, \
      \(RunText.span(seconds * Double(iterations - step.iteration))) left
      """
  }

  private static func decimal(_ value: Double, _ places: Int) -> String {
    var scale = 1
    for _ in 0..<places { scale *= 10 }
    guard value.isFinite, abs(value) < 1e12 else { return "\(value)" }
    // Bounded: below 1e12 times 1000.
    let scaled = Int((abs(value) * Double(scale)).rounded())
    let fraction = String(scaled % scale)
    let zeros = String(repeating: "0", count: places - fraction.count)
    return "\(value < 0 ? "-" : "")\(scaled / scale).\(zeros)\(fraction)"
  }
}

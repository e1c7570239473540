import Checkpoints
import Datasets
import Evaluation
import Files
import NeuralNetwork
import RetinaNetModel
import SystemPackage
import Workers

/// What a training tells whoever watches it.
public enum TrainingEvent: Sendable {
  /// Something a person should know, once, at the start.
  case remark(String)
  /// Something that a person should know about a picture, once for each.
  case picture(PictureRemark)
  /// An iteration is done.
  case step(TrainingRecord.Step)
  /// The model was measured; `isBest` if never better.
  case evaluation(TrainingRecord.Evaluation, isBest: Bool)
  /// All that the next iteration needs is on the disk.
  case saved(iteration: Int)
}

/// How a training ended.
public enum TrainingOutcome: Equatable, Sendable {
  /// All iterations are done.
  case finished
  /// It was asked to stop after this many, and can be resumed.
  case stopped(iteration: Int)
}

/// Trains a detector: iterations, evaluations, and a folder that always holds a state to go on from.
///
/// The weights follow from the configuration, the pictures and the instruction set alone: not from the number of
/// threads, and not from how often the training was stopped and resumed.
///
/// Not `Sendable`: used by one thread.
public final class Trainer {
  private let configuration: TrainingConfiguration
  private let training: TrainingDataset
  private let validation: TrainingDataset?
  private let folder: TrainingFolder
  private let load: LoadedPicture.Loader
  private let observe: @Sendable (TrainingEvent) -> Void

  private let gradients: DetectorGradients
  private let optimizer: Optimizer
  private let average: WeightAverage?
  private let fingerprint: String
  private let metrics: MetricsFile
  /// What has been said of pictures.
  private let known = Monitor<Set<PictureRemark>>([])
  private var state: TrainingState

  /// Prepares a training, or goes on with one.
  ///
  /// - Parameters:
  ///   - configuration: all of it; its description's classes must be the datasets'.
  ///   - start: the weights to begin with. nil: the state in the folder.
  ///   - training: what is learnt.
  ///   - validation: what the model is measured on; nil: it is not.
  ///   - folder: of this training alone.
  ///   - load: decodes a picture; called from several threads.
  ///   - observe: told what happens, from several threads.
  /// - Throws: `TrainingError`, `NeuralNetworkError`, `CheckpointError`; `ModelError` where the description is none that
  ///   a model file can have.
  public init(
    _ configuration: TrainingConfiguration, start: StartingWeights?, training: TrainingDataset,
    validation: TrainingDataset?, folder: TrainingFolder,
    load: @escaping LoadedPicture.Loader, observe: @escaping @Sendable (TrainingEvent) -> Void
  ) throws {
    let classes = configuration.description.classes
    precondition(
      classes == training.classes && classes == validation?.classes ?? training.classes,
      "a model of \(classes) for \(training.classes)")
    self.configuration = configuration
    self.training = training
    self.validation = validation
    self.folder = folder
    self.load = load
    self.observe = observe
    // What could not be read again is said before the first step, not after the last.
    _ = try ModelDescription(
      json: configuration.description.json, shapes: configuration.description.weightShapes,
      file: folder.lastModel)
    try folder.prepare(resuming: start == nil)
    gradients = try DetectorGradients(
      configuration.description, trained: configuration.trained, loss: configuration.loss,
      matcher: configuration.matcher, imagesPerCall: configuration.imagesPerCall,
      workers: configuration.workers, algorithm: configuration.algorithm)
    let network = gradients.network
    optimizer = try Optimizer(
      configuration.rule, weightDecay: configuration.weightDecay,
      normWeightDecay: configuration.normWeightDecay, network: network)
    average = try configuration.averageDecay.map {
      try WeightAverage(decay: $0, layout: network.parameters.layout)
    }
    fingerprint = TrainingFingerprint.digest(configuration, training, validation)
    if let start {
      state = TrainingState()
      let initial = InitialParameters(
        prior: configuration.prior, seed: configuration.seed)
      for remark in try start.fill(
        network.parameters, configuration.description, initial: initial)
      { observe(.remark(remark)) }
    } else {
      let saved = try SavedTraining(contentsOf: folder.state)
      state = try TrainingState(
        saved, fingerprint: fingerprint, parameters: network.parameters, optimizer: optimizer,
        average: average)
      guard state.iteration <= configuration.schedule.iterations else {
        throw TrainingError.state(
          file: saved.path,
          problem: "is of iteration \(state.iteration) of \(configuration.schedule.iterations)")
      }
      if saved.version == 1 {
        observe(
          .remark(
            "\(saved.path): a state of this program's first version is taken over; whether the settings, the "
              + "pictures and the instruction set are those it was begun with cannot be checked"))
      }
      observe(.remark("going on after iteration \(state.iteration)"))
    }
    metrics = try MetricsFile(folder.metrics, keepingUpTo: state.iteration)
  }

  /// Trains to the end, or until asked to stop.
  ///
  /// - Parameter stop: looked at before each iteration.
  /// - Returns: how it ended; either way the state is on the disk.
  /// - Throws: `TrainingError`, `DatasetError`, `NeuralNetworkError`, `CheckpointError`.
  public func run(stop: CancellationToken) throws -> TrainingOutcome {
    let iterations = configuration.schedule.iterations
    let accumulation = configuration.accumulation
    let source = SampleSource(
      training, preprocessing: configuration.description.preprocessing,
      rules: configuration.description.conventions.input,
      sizes: configuration.sizes, augmentation: configuration.augmentation,
      seed: configuration.seed, load: load)
    let observe = observe
    let queue = BatchQueue(
      source, numbers: state.iteration * accumulation..<iterations * accumulation,
      batchSize: configuration.batchSize, threads: configuration.dataThreads,
      remark: onceForEachPicture { observe(.picture($0)) })
    defer { queue.stop() }
    while state.iteration < iterations {
      if stop.isCancelled {
        try save()
        return .stopped(iteration: state.iteration)
      }
      let step = try self.step(queue)
      state.iteration += 1
      try metrics.append(.step(step))
      observe(.step(step))
      let isLast = state.iteration == iterations
      if isLast || state.iteration % configuration.evaluationInterval == 0 { try evaluate() }
      if isLast || state.iteration % configuration.checkpointInterval == 0 { try save() }
    }
    return .finished
  }

  // MARK: One iteration

  private func step(_ queue: BatchQueue) throws -> TrainingRecord.Step {
    let clock = ContinuousClock()
    let start = clock.now
    let network = gradients.network
    let rate = configuration.schedule.rate(at: state.iteration)
    let images = configuration.batchSize * configuration.accumulation
    let batches = try (0..<configuration.accumulation).map { _ in
      guard let batch = try queue.next() else {
        preconditionFailure("no batch for iteration \(state.iteration)")
      }
      return batch
    }
    let result = try gradients.compute(batches.map { $0.padded() })
    guard result.loss.total.isFinite else { throw try diverged(batches, at: "the loss") }
    var record = TrainingRecord.Step(
      iteration: state.iteration + 1,
      epoch: Double((state.iteration + 1) * images) / Double(training.images.count),
      classLoss: result.loss.classification, boxLoss: result.loss.box, learningRate: rate,
      gradientNorm: 0, objectAnchors: result.objectAnchorCount,
      ignoredAnchors: result.ignoredAnchorCount, anchors: result.anchorCount, images: images,
      seconds: 0)
    record.gradientNorm = optimizer.gradientNorm(network.gradients)
    guard record.gradientNorm.isFinite else {
      throw try diverged(
        batches,
        at: "the gradient by \(network.gradients.firstNonFinite ?? "all parameters together")")
    }
    let clipping = configuration.clipNorm.map { min(1, $0 / max(record.gradientNorm, 1e-12)) } ?? 1
    optimizer.step(
      network.parameters, gradients: network.gradients, learningRate: rate,
      gradientScale: clipping)
    network.updateRunningStatistics(momentum: configuration.statisticsMomentum)
    average?.update(network.parameters)
    record.seconds = (clock.now - start).inSeconds
    return record
  }

  private func diverged(
    at place: String, image: String? = nil, iteration: Int? = nil
  ) -> TrainingError {
    .diverged(
      iteration: iteration ?? state.iteration, at: place, image: image,
      state: folder.state.isReadable ? folder.path : nil)
  }

  /// Finds where numbers ceased to be finite: the first operation forward, else what the caller knows.
  private func diverged(
    _ batches: [SampleSource.Batch], at place: String
  ) throws -> TrainingError {
    for batch in batches {
      let padded = batch.padded()
      let found = try gradients.network.findNonFinite(
        imageCount: batch.samples.count, height: padded.height, width: padded.width,
        writeInput: padded.writeInput)
      if let found {
        return diverged(
          at: found.operation, image: batch.samples[found.image].name,
          iteration: state.iteration + 1)
      }
    }
    return diverged(
      at: place,
      image: "one of " + batches.flatMap { $0.samples.map(\.name) }.joined(separator: ", "),
      iteration: state.iteration + 1)
  }

  // MARK: What is kept

  /// The weights that are worth keeping: the average, if there is one.
  private var kept: ParameterSlab { average?.numbers ?? gradients.network.parameters }

  private func writeModel(to path: FilePath) throws {
    let kept = kept
    try ModelFile.write(configuration.description, to: path) { kept[$0] }
  }

  /// A step may leave numbers behind that are not finite, although its loss and its gradients are: what is kept has to
  /// be good to go on from.
  private func requireFiniteNumbers() throws(TrainingError) {
    for (name, slab) in TrainingState.slabs(gradients.network.parameters, optimizer, average) {
      if let parameter = slab.firstNonFinite { throw diverged(at: "\(name) of \(parameter)") }
    }
  }

  private func save() throws {
    try requireFiniteNumbers()
    try writeModel(to: folder.lastModel)
    if validation == nil { try writeModel(to: folder.bestModel) }
    try state.write(
      to: folder.state, fingerprint: fingerprint, description: configuration.description,
      parameters: gradients.network.parameters, optimizer: optimizer, average: average)
    try drawCurves()
    observe(.saved(iteration: state.iteration))
  }

  private func evaluate() throws {
    guard let validation else { return }
    let clock = ContinuousClock()
    let start = clock.now
    try requireFiniteNumbers()
    let result = try measure(validation)
    let record = TrainingRecord.Evaluation(
      iteration: state.iteration,
      metrics: COCOMetric.allCases.map { ($0.name, result.evaluation[$0]) },
      classes: result.evaluation.classes.map { ($0.category.name, $0[.ap]) },
      seconds: (clock.now - start).inSeconds)
    try metrics.append(.evaluation(record))
    let isBest = state.best.map { record.ap > $0.ap } ?? true
    if isBest {
      state.best = (record.ap, state.iteration)
      try writeModel(to: folder.bestModel)
      let sheet = PredictionSheet(
        dataset: validation, detections: result.detections, load: load)
      try folder.write(sheet.svg(), to: folder.predictions)
    }
    try drawCurves()
    observe(.evaluation(record, isBest: isBest))
  }

  /// Outputs that are finite for no picture, or weights whose products are not, are divergence.
  private func measure(_ validation: TrainingDataset) throws -> DetectorEvaluation {
    let (observe, kept) = (observe, kept)
    do {
      return try DetectorEvaluation(
        Detector(description: configuration.description) { kept[$0] }, on: validation,
        workers: configuration.workers, load: load,
        remark: onceForEachPicture { observe(.picture($0)) })
    } catch is DetectionError {
      throw diverged(at: "the outputs for all validation pictures")
    } catch NeuralNetworkError.parameter(let tensor, let problem) {
      throw diverged(at: "\(tensor): \(problem)")
    }
  }

  private func drawCurves() throws {
    try folder.write(metrics.curves.svg(), to: folder.curves)
  }

  /// Tells each thing of each picture once, however often it is met.
  private func onceForEachPicture(
    _ report: @escaping @Sendable (PictureRemark) -> Void
  ) -> @Sendable (PictureRemark) -> Void {
    let known = known
    return { remark in
      if known.withLock({ $0.insert(remark).inserted }) { report(remark) }
    }
  }
}

extension ParameterSlab {
  /// Name of a parameter that holds NaN or infinity.
  fileprivate var firstNonFinite: String? {
    layout.entries.first { entry in
      !areFinite(UnsafeBufferPointer(rebasing: numbers[entry.range]))
    }?.parameter.name
  }
}

extension Duration {
  fileprivate var inSeconds: Double {
    Double(components.seconds) + Double(components.attoseconds) * 1e-18
  }
}

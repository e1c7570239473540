import DetectionPipeline
import NeuralNetwork
import RetinaNetModel
import Training
import Workers

extension TrainOptions {
  /// The detector to be trained: the start's, where there is one, with what was chosen otherwise.
  ///
  /// - Parameters:
  ///   - classes: the dataset's.
  ///   - start: the description that the weights to start from come with, if any.
  /// - Returns: the description that the trained model will carry.
  func description(classes: [String], start: ModelDescription?) -> ModelDescription {
    var result =
      start
      ?? ModelDescription(
        architecture: .init(backbone: .resnet18), classes: [], conventions: .trainedHere,
        preprocessing: .init(minSize: 512, maxSize: 853), anchors: .init(), postprocessing: .init())
    result.classes = classes
    // Thresholds of other labels mean nothing here; other classes may lie one over the other.
    result.postprocessing.classThresholds = [:]
    if start?.classes != classes { result.postprocessing.classAgnosticNMS = false }
    result.architecture.backbone = network.backbone ?? result.architecture.backbone
    result.architecture.baseWidth = network.baseWidth ?? result.architecture.baseWidth
    result.architecture.pyramidChannels =
      network.pyramidChannels ?? result.architecture.pyramidChannels
    result.architecture.headDepth = network.headDepth ?? result.architecture.headDepth
    result.architecture.headNorm = network.headNorm ?? result.architecture.headNorm
    if let sizes = network.anchorSizes {
      result.anchors.sizes = result.anchors.sizes.indices.map { level in
        sizes.map { Double($0 << level) }
      }
    }
    result.anchors.aspectRatios = network.anchorRatios ?? result.anchors.aspectRatios
    if let largest = pictures.sizes?.max() {
      result.preprocessing.minSize = largest
      // Pictures that are stretched become squares.
      result.preprocessing.maxSize =
        result.conventions.input.resize == .stretch ? largest : min(16_384, largest * 5 / 3)
    }
    result.preprocessing.maxSize = pictures.maxSize ?? result.preprocessing.maxSize
    return result
  }

  /// What was typed and what a pipeline file says, made into a training.
  ///
  /// - Parameters:
  ///   - description: the detector.
  ///   - imageCount: pictures of an epoch.
  ///   - startsFromWeights: whether the backbone was trained before.
  /// - Returns: a number for everything.
  /// - Throws: `Fault` (usage).
  func configuration(
    _ description: ModelDescription, imageCount: Int, startsFromWeights: Bool
  ) throws(Fault) -> TrainingConfiguration {
    let batchSize = steps.batchSize ?? 8
    let accumulation = steps.accumulate ?? 1
    let perStep = batchSize * accumulation
    func iterations(_ epochs: Double) -> Int {
      // Bounded: OptionValue.largest times pictures in memory.
      max(1, Int((epochs * Double(imageCount) / Double(perStep)).rounded()))
    }
    let epochs = steps.epochs ?? 50
    let total = iterations(epochs)
    let optimizer = steps.optimizer ?? .sgd
    let shape: LearningRateSchedule.Shape =
      switch steps.schedule ?? .steps {
      case .steps:
        .steps(at: (steps.rateSteps ?? [epochs * 2 / 3, epochs * 8 / 9]).map(iterations))
      case .cosine: .cosine()
      }
    let rate =
      steps.learningRate
      ?? (optimizer == .sgd ? 0.01 * min(1, Double(perStep) / 16) : 1e-4)
    let batchNorm = steps.batchNorm ?? (startsFromWeights ? .frozen : .trained)
    let perCall =
      run.imagesPerCall ?? Self.divisor(of: batchSize, atMost: batchNorm == .trained ? 4 : 2)
    guard batchSize % perCall == 0 else {
      throw Fault(
        .usage,
        "--images-per-call: a batch of \(batchSize) images cannot be cut into calls of \(perCall)")
    }
    let picture = description.preprocessing
    guard picture.maxSize >= picture.minSize else {
      throw Fault(
        .usage,
        "--max-size: \(picture.maxSize) pixels are less than the shorter side's \(picture.minSize)")
    }
    let architecture = description.architecture
    guard architecture.headNorm == .none || architecture.pyramidChannels % 32 == 0 else {
      throw Fault(
        .usage,
        "--pyramid-channels: \(architecture.pyramidChannels) channels cannot be normalised in 32 groups"
      )
    }
    if case .focalStar(gamma: 0, _, _) = loss.detectionLoss.classification {
      throw Fault(
        .usage, "--gamma: of focal-star it has to be more than 0, for it divides the loss")
    }
    let workers = run.workers ?? Machine().availableCores
    let averageDecay = steps.averageDecay ?? 0
    guard averageDecay < 1 else {
      throw Fault(.usage, "--average-decay: it has to be less than 1, such as 0.999")
    }
    return TrainingConfiguration(
      description: description,
      trained: TrainedParameters(
        frozenStages: steps.frozenStages ?? (startsFromWeights ? 2 : 0), batchNorm: batchNorm),
      loss: loss.detectionLoss, prior: loss.chosenPrior,
      rule: optimizer == .sgd ? .sgd(momentum: Float(steps.momentum ?? 0.9)) : .adamW(),
      weightDecay: Float(steps.weightDecay ?? (optimizer == .sgd ? 1e-4 : 0.05)),
      normWeightDecay: steps.normWeightDecay.map { Float($0) },
      schedule: LearningRateSchedule(
        base: rate, shape: shape, warmUp: steps.warmUp ?? min(500, total / 10), iterations: total),
      clipNorm: steps.clipNorm, averageDecay: averageDecay > 0 ? averageDecay : nil,
      batchSize: batchSize, accumulation: accumulation, imagesPerCall: perCall,
      sizes: pictures.sizes ?? [description.preprocessing.minSize],
      augmentation: pictures.augmentation, seed: UInt64(run.seed ?? 0),
      evaluationInterval: iterations(run.evaluateEvery ?? 1),
      checkpointInterval: iterations(run.saveEvery ?? 1), workers: workers,
      dataThreads: run.decoders ?? max(1, workers / 4))
  }

  private static func divisor(of number: Int, atMost limit: Int) -> Int {
    (1...limit).last { number % $0 == 0 } ?? 1
  }
}

import BoxGeometry
import NeuralNetwork
import RetinaNetModel

/// Everything a training's weights follow from, beside the pictures and the weights it starts from; and how it runs.
public struct TrainingConfiguration: Sendable {
  /// The detector.
  public var description: ModelDescription
  /// Which of its parameters are trained.
  public var trained: TrainedParameters
  /// What is minimised.
  public var loss: DetectionLoss
  /// How objects are given to anchors.
  public var matcher: AnchorMatcher
  /// The score of every anchor and class that a class head starts with; nil: 0.5.
  public var prior: Double?
  /// How parameters are changed.
  public var rule: Optimizer.Rule
  /// Of all parameters but norms.
  public var weightDecay: Float
  /// Of norms; nil as the others.
  public var normWeightDecay: Float?
  /// The learning rate by iteration, and how many iterations there are.
  public var schedule: LearningRateSchedule
  /// Greatest length of the gradient; a longer one is shortened to it. nil: whatever it is.
  public var clipNorm: Double?
  /// Decay of the moving average of the weights, which is what is evaluated and kept. nil: none.
  public var averageDecay: Double?
  /// The batch's part of batch norms' running statistics.
  public var statisticsMomentum: Float
  /// Images of one batch.
  public var batchSize: Int
  /// Batches of one iteration, whose gradients are averaged.
  public var accumulation: Int
  /// Images that run together on one thread.
  public var imagesPerCall: Int
  /// Targets of the shorter side in pixels; each batch draws one.
  public var sizes: [Int]
  /// How pictures are changed.
  public var augmentation: Augmentation
  /// Of everything random.
  public var seed: UInt64
  /// What 3x3 convolutions use.
  public var algorithm: ConvolutionAlgorithm

  /// Iterations from one evaluation to the next; there is one at the end, too.
  public var evaluationInterval: Int
  /// Iterations from one state that can be resumed to the next.
  public var checkpointInterval: Int
  /// Threads that compute.
  public var workers: Int
  /// Threads that make batches.
  public var dataThreads: Int

  /// Creates a configuration; what has a default is the paper's or torchvision's.
  public init(
    description: ModelDescription, trained: TrainedParameters = .init(),
    loss: DetectionLoss = .init(), matcher: AnchorMatcher = .init(),
    prior: Double? = 0.01, rule: Optimizer.Rule = .sgd(), weightDecay: Float = 1e-4,
    normWeightDecay: Float? = nil,
    schedule: LearningRateSchedule, clipNorm: Double? = nil, averageDecay: Double? = nil,
    statisticsMomentum: Float = 0.1, batchSize: Int, accumulation: Int = 1,
    imagesPerCall: Int = 1, sizes: [Int], augmentation: Augmentation = .init(), seed: UInt64 = 0,
    algorithm: ConvolutionAlgorithm = .winograd, evaluationInterval: Int,
    checkpointInterval: Int, workers: Int, dataThreads: Int = 1
  ) {
    precondition(
      batchSize > 0 && imagesPerCall > 0 && batchSize % imagesPerCall == 0,
      "a batch of \(batchSize) in calls of \(imagesPerCall)")
    precondition(
      accumulation > 0 && evaluationInterval > 0 && checkpointInterval > 0 && workers > 0
        && dataThreads > 0, "a count of nothing")
    self.description = description
    self.trained = trained
    self.loss = loss
    self.matcher = matcher
    self.prior = prior
    self.rule = rule
    self.weightDecay = weightDecay
    self.normWeightDecay = normWeightDecay
    self.schedule = schedule
    self.clipNorm = clipNorm
    self.averageDecay = averageDecay
    self.statisticsMomentum = statisticsMomentum
    self.batchSize = batchSize
    self.accumulation = accumulation
    self.imagesPerCall = imagesPerCall
    self.sizes = sizes
    self.augmentation = augmentation
    self.seed = seed
    self.algorithm = algorithm
    self.evaluationInterval = evaluationInterval
    self.checkpointInterval = checkpointInterval
    self.workers = workers
    self.dataThreads = dataThreads
  }
}

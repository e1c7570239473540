import Dispatch
import Synchronization

/// A network whose parameters are trained: computes the gradients of batches, on several threads.
///
/// A batch is cut into calls of a few images, each of which runs forward and backward on one thread; their gradients
/// are added in the order of the calls. So the result depends on the images per call (a batch norm that is trained
/// takes its statistics over those), but not on the number of threads.
///
/// Not `Sendable`: used by one thread, which it lends to the calls with the others.
public final class TrainingNetwork {
  /// The network.
  public let graph: NetworkGraph
  /// Names of the parameters that get gradients.
  public let trained: Set<String>
  /// Images that run together.
  public let imagesPerCall: Int
  /// Calls that run at once.
  public let workerCount: Int
  /// The values, 0 at first. To be changed between calls of `computeGradients` only.
  public let parameters: ParameterSlab
  /// What the last `computeGradients` left: gradients of what is trained, 0 elsewhere. Of a batch norm that is
  /// trained `running_mean` and `running_var` hold the batch's statistics, the variance with n - 1, averaged over
  /// the calls.
  public let gradients: ParameterSlab

  /// Called after each operation with its label and duration, from several threads: for a profile. nil by default.
  public var stepObserver: (@Sendable (String, Duration) -> Void)? {
    didSet {
      for worker in workers { worker.stepObserver = stepObserver }
    }
  }

  private let engine: Engine
  private let algorithm: ConvolutionAlgorithm
  private let weights: TrainingWeights
  private let workers: [TrainingWorker]
  private var sum: AlignedBuffer
  /// Most recently used last.
  private var plans: [TrainingPlan] = []
  private let planLimit: Int
  private var unpacking: [UnpackKey: Reorder] = [:]

  private struct UnpackKey: Hashable {
    var from: TensorLayout
    var to: TensorLayout
  }

  /// Creates a network with parameters of 0.
  ///
  /// - Parameters:
  ///   - graph: the network.
  ///   - trained: names of the parameters that get gradients; nothing is computed backward below the first of them.
  ///     A batch norm whose weight is among them takes the statistics of its call, any other its running ones.
  ///   - imagesPerCall: images that run together on one thread.
  ///   - workers: calls that run at once; one per core.
  ///   - algorithm: what 3x3 convolutions of stride 1 use where it pays; `direct` everywhere for comparisons.
  ///   - planLimit: input sizes that are kept compiled.
  /// - Throws: `NeuralNetworkError`.
  public init(
    _ graph: NetworkGraph, trained: Set<String>, imagesPerCall: Int = 1, workers: Int,
    algorithm: ConvolutionAlgorithm = .winograd, planLimit: Int = 16
  ) throws(NeuralNetworkError) {
    precondition(
      imagesPerCall > 0 && workers > 0 && planLimit > 0,
      "\(imagesPerCall) images per call, \(workers) workers, \(planLimit) plans")
    let engine = try Engine.shared()
    let layout = ParameterLayout(graph)
    for name in trained {
      precondition(layout[name] != nil, "the network has no parameter '\(name)'")
    }
    self.graph = graph
    self.trained = trained
    self.imagesPerCall = imagesPerCall
    self.engine = engine
    self.algorithm = algorithm
    self.planLimit = planLimit
    workerCount = workers
    parameters = try ParameterSlab(layout)
    gradients = try ParameterSlab(layout)
    weights = TrainingWeights(parameters, engine: engine)
    var made: [TrainingWorker] = []
    for _ in 0..<workers { made.append(try TrainingWorker(weights: weights, engine: engine)) }
    self.workers = made
    sum = try AlignedBuffer(byteCount: 0)
  }

  /// Runs a batch forward and backward and leaves its gradients in `gradients`.
  ///
  /// - Parameters:
  ///   - imageCount: images of the batch, a multiple of `imagesPerCall`.
  ///   - height: rows of every image, padding included.
  ///   - width: columns of every image, padding included.
  ///   - writeInput: gets an image's index and its input to fill, all of it: [channels, height, width]. Called from
  ///     several threads, once per image.
  ///   - loss: gets an image's index, its outputs in the order the network declared them, and the memory of the
  ///     loss's gradient by each, all of which it writes. Called as `writeInput`; the views are valid only inside.
  /// - Returns: what `loss` returned, by image.
  /// - Throws: `NeuralNetworkError`, or what the closures throw.
  public func computeGradients<Result: Sendable>(
    imageCount: Int, height: Int, width: Int,
    writeInput: @Sendable (Int, UnsafeMutableBufferPointer<Float>) throws -> Void,
    loss: @Sendable (Int, [BlockedImage], [MutableBlockedImage]) throws -> Result
  ) throws -> [Result] {
    precondition(
      imageCount > 0 && imageCount % imagesPerCall == 0,
      "\(imageCount) images in calls of \(imagesPerCall)")
    let plan = try plan(height: height, width: width)
    try weights.update(for: plan)
    if sum.byteCount < plan.gradientByteCount {
      sum = try AlignedBuffer(byteCount: plan.gradientByteCount)
    }
    let callCount = imageCount / imagesPerCall
    let results = Mutex<[[Result]]>(Array(repeating: [], count: callCount))
    let (workers, imagesPerCall) = (workers, imagesPerCall)
    for first in stride(from: 0, to: callCount, by: workers.count) {
      let count = min(workers.count, callCount - first)
      try concurrently(count) { index in
        let firstImage = (first + index) * imagesPerCall
        let values = try workers[index].run(
          plan, writeInput: { try writeInput(firstImage + $0, $1) },
          loss: { try loss(firstImage + $0, $1, $2) })
        results.withLock { $0[first + index] = values }
      }
      try add(workers.prefix(count).map(\.gradients), isFirst: first == 0, of: plan)
    }
    try unpack(plan, callCount: callCount)
    return results.withLock { $0.flatMap { $0 } }
  }

  /// Looks for the first operation whose output holds NaN or infinity.
  ///
  /// - Parameters:
  ///   - imageCount: as for `computeGradients`.
  ///   - height: as for `computeGradients`.
  ///   - width: as for `computeGradients`.
  ///   - writeInput: as for `computeGradients`.
  /// - Returns: the operation's label and the first image it happened in, or nil.
  /// - Throws: as `computeGradients`.
  public func findNonFinite(
    imageCount: Int, height: Int, width: Int,
    writeInput: (Int, UnsafeMutableBufferPointer<Float>) throws -> Void
  ) throws -> (operation: String, image: Int)? {
    let plan = try plan(height: height, width: width)
    try weights.update(for: plan)
    for first in stride(from: 0, to: imageCount, by: imagesPerCall) {
      let found = try workers[0].findNonFinite(plan) { try writeInput(first + $0, $1) }
      if let found { return (found.operation, first + found.image) }
    }
    return nil
  }

  /// Moves the running statistics of every batch norm that is trained towards those of the last batch.
  ///
  /// - Parameter momentum: the batch's part; 0.1 in PyTorch.
  public func updateRunningStatistics(momentum: Float = 0.1) {
    for entry in parameters.layout.entries where isStatistic(entry.parameter.name) {
      for index in entry.range {
        parameters.numbers[index] +=
          momentum * (gradients.numbers[index] - parameters.numbers[index])
      }
    }
  }

  /// Bytes for batches of this size: each worker's, and what is shared (parameters and gradients; packed weights
  /// are as large again).
  ///
  /// - Parameters:
  ///   - height: rows.
  ///   - width: columns.
  /// - Returns: bytes.
  /// - Throws: `NeuralNetworkError`.
  public func memory(
    height: Int, width: Int
  ) throws(NeuralNetworkError) -> (perWorker: Int, shared: Int) {
    let plan = try plan(height: height, width: width)
    return (
      plan.slabByteCount + plan.scratchByteCount + plan.gradientByteCount,
      2 * parameters.layout.count * MemoryLayout<Float>.stride + plan.gradientByteCount
    )
  }

  /// Whether this is a running statistic that a batch norm being trained keeps.
  private func isStatistic(_ name: String) -> Bool {
    for suffix in [".running_mean", ".running_var"] where name.hasSuffix(suffix) {
      return trained.contains("\(name.dropLast(suffix.count)).weight")
    }
    return false
  }

  private func plan(height: Int, width: Int) throws(NeuralNetworkError) -> TrainingPlan {
    if let index = plans.firstIndex(where: { $0.height == height && $0.width == width }) {
      plans.append(plans.remove(at: index))
    } else {
      if plans.count == planLimit {
        plans.removeFirst()
        weights.keep(only: plans)
      }
      plans.append(
        try TrainingPlan(
          graph, batch: imagesPerCall, height: height, width: width, trained: trained,
          engine: engine, algorithm: algorithm))
    }
    return plans[plans.count - 1]
  }

  /// Adds the workers' gradients to the sum, in order, in slices for all cores.
  private func add(
    _ parts: [AlignedBuffer], isFirst: Bool, of plan: TrainingPlan
  ) throws {
    let sliceBytes = 1 << 20
    let sum = sum
    let total = plan.gradientByteCount
    try concurrently((total + sliceBytes - 1) / sliceBytes) { slice in
      let offset = slice * sliceBytes
      let count = min(sliceBytes, total - offset) / MemoryLayout<Float>.stride
      let target = (sum.address + offset).assumingMemoryBound(to: Float.self)
      for (index, part) in parts.enumerated() {
        let source = (part.address + offset).assumingMemoryBound(to: Float.self)
        if isFirst && index == 0 {
          target.update(from: source, count: count)
        } else {
          TrainingKernels.add(source, to: target, count: count)
        }
      }
    }
  }

  /// Brings the summed gradients into PyTorch's order.
  private func unpack(_ plan: TrainingPlan, callCount: Int) throws {
    var reorders: [Reorder?] = []
    for gradient in plan.gradients {
      guard let shape = gradients.layout[gradient.name]?.parameter.shape else {
        preconditionFailure("no parameter '\(gradient.name)'")
      }
      let key = UnpackKey(from: gradient.layout, to: try TensorLayout.plain(shape))
      if key.from == key.to {
        reorders.append(nil)
        continue
      }
      if unpacking[key] == nil {
        unpacking[key] = try Reorder(from: key.from, to: key.to, engine: engine)
      }
      reorders.append(unpacking[key])
    }
    let (all, sum, gradients, parameters) = (reorders, sum, gradients, parameters)
    let isStatistic = plan.gradients.map { self.isStatistic($0.name) }
    try concurrently(plan.gradients.count) { index in
      let gradient = plan.gradients[index]
      guard let entry = gradients.layout[gradient.name] else { return }
      let source = sum.address + gradient.offset
      let target = gradients.address(gradient.name)
      if let reorder = all[index] {
        try reorder.run(source, to: UnsafeMutableRawPointer(target))
      } else {
        target.update(from: source.assumingMemoryBound(to: Float.self), count: entry.count)
      }
      if let norm = gradient.batchNorm {
        let channels = entry.parameter.shape[0]
        let perChannel = entry.count / channels
        for (channel, scale) in foldedScale(norm, channels: channels, parameters).enumerated() {
          let factor = Float(scale)
          for index in channel * perChannel..<(channel + 1) * perChannel { target[index] *= factor }
        }
      }
      if isStatistic[index] {
        for index in 0..<entry.count { target[index] /= Float(callCount) }
      }
    }
  }
}

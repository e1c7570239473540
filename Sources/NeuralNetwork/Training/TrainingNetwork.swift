import Synchronization
import Workers

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
      for runner in runners { runner.stepObserver = stepObserver }
    }
  }

  private let rule: ConvolutionRule
  private let weights: TrainingWeights
  private let runners: [PlanRunner]
  private var sum: AlignedBuffer
  /// Most recently used last.
  private var plans: [Plan] = []
  private let planLimit: Int

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
    let layout = ParameterLayout(graph)
    for name in trained {
      precondition(layout[name] != nil, "the network has no parameter '\(name)'")
    }
    self.graph = graph
    self.trained = trained
    self.imagesPerCall = imagesPerCall
    rule = ConvolutionShape.rule(algorithm)
    self.planLimit = planLimit
    workerCount = workers
    parameters = try ParameterSlab(layout)
    gradients = try ParameterSlab(layout)
    weights = TrainingWeights(parameters)
    var made: [PlanRunner] = []
    for _ in 0..<workers { made.append(try PlanRunner()) }
    runners = made
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
  ///     loss's gradient by each, all of which it writes. Called as `writeInput`.
  /// - Returns: what `loss` returned, by image.
  /// - Throws: `NeuralNetworkError`, or what the closures throw.
  public func computeGradients<Result: Sendable>(
    imageCount: Int, height: Int, width: Int,
    writeInput: @Sendable (Int, inout MutableSpan<Float>) throws -> Void,
    loss: @Sendable (Int, BlockedImages, inout MutableBlockedImages) throws -> Result
  ) throws -> [Result] {
    precondition(
      imageCount > 0 && imageCount % imagesPerCall == 0,
      "\(imageCount) images in calls of \(imagesPerCall)")
    let plan = try plan(height: height, width: width)
    try weights.update(for: plan, threads: workerCount)
    if sum.byteCount < plan.gradientByteCount {
      sum = try AlignedBuffer(byteCount: plan.gradientByteCount)
    }
    let callCount = imageCount / imagesPerCall
    let results = Mutex<[[Result]]>(Array(repeating: [], count: callCount))
    let (runners, weights) = (runners, weights)
    // `forEach` ends before it returns, so what is lent to its threads is not needed longer.
    try withoutActuallyEscaping(writeInput) { writeInput in
      try withoutActuallyEscaping(loss) { loss in
        for first in stride(from: 0, to: callCount, by: runners.count) {
          let count = min(runners.count, callCount - first)
          try forEach(0..<count, threads: count) { index in
            let firstImage = (first + index) * plan.batch
            let values = try runners[index].compute(
              plan, weights, writeInput: { try writeInput(firstImage + $0, &$1) },
              loss: { try loss(firstImage + $0, $1, &$2) })
            results.withLock { $0[first + index] = values }
          }
          try add(runners.prefix(count).map(\.gradients), isFirst: first == 0, of: plan)
        }
      }
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
    writeInput: (Int, inout MutableSpan<Float>) throws -> Void
  ) throws -> (operation: String, image: Int)? {
    let plan = try plan(height: height, width: width)
    try weights.update(for: plan, threads: workerCount)
    for first in stride(from: 0, to: imageCount, by: imagesPerCall) {
      let found = try runners[0].findNonFinite(plan, weights) {
        try writeInput(first + $0, &$1)
      }
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

  private func plan(height: Int, width: Int) throws(NeuralNetworkError) -> Plan {
    if let index = plans.firstIndex(where: { $0.height == height && $0.width == width }) {
      plans.append(plans.remove(at: index))
    } else {
      if plans.count == planLimit {
        plans.removeFirst()
        weights.keep(only: plans)
      }
      plans.append(
        try Plan(
          graph, batch: imagesPerCall, height: height, width: width, trained: trained, rule: rule))
    }
    return plans[plans.count - 1]
  }

  /// Adds the runners' gradients to the sum, in order, in slices for all threads.
  private func add(_ parts: [AlignedBuffer], isFirst: Bool, of plan: Plan) throws {
    let sliceBytes = 1 << 20
    let sum = sum
    let total = plan.gradientByteCount
    try forEach(0..<(total + sliceBytes - 1) / sliceBytes, threads: workerCount) { slice in
      let offset = slice * sliceBytes
      let count = min(sliceBytes, total - offset) / MemoryLayout<Float>.stride
      let target = (sum.address + offset).assumingMemoryBound(to: Float.self)
      for (index, part) in parts.enumerated() {
        let source = (part.address + offset).assumingMemoryBound(to: Float.self)
        if isFirst && index == 0 {
          target.update(from: source, count: count)
        } else {
          NumberLoops.add(source, to: target, count: count)
        }
      }
    }
  }

  /// Brings the summed gradients into PyTorch's order; of a parameter whose gradient was gathered in several forms,
  /// their sum.
  private func unpack(_ plan: Plan, callCount: Int) throws {
    let forms = Dictionary(grouping: plan.gradients, by: \.name)
    let names = forms.keys.sorted()
    let isStatistic = names.map { self.isStatistic($0) }
    let (sum, gradients, parameters) = (sum, gradients, parameters)
    try forEach(0..<names.count, threads: workerCount) { index in
      guard let parts = forms[names[index]], let entry = gradients.layout[names[index]] else {
        return
      }
      let target = gradients.address(names[index])
      try parts[0].form.unpack(sum.address + parts[0].offset, to: target, parameters)
      for part in parts.dropFirst() {
        let more = try AlignedBuffer(byteCount: entry.count * MemoryLayout<Float>.stride)
        let numbers = more.address.assumingMemoryBound(to: Float.self)
        try part.form.unpack(sum.address + part.offset, to: numbers, parameters)
        for index in 0..<entry.count { target[index] += numbers[index] }
      }
      if isStatistic[index] {
        for index in 0..<entry.count { target[index] /= Float(callCount) }
      }
    }
  }
}

extension PlanRunner {
  /// Runs a call forward and backward and leaves its gradients in `gradients`.
  ///
  /// - Parameters:
  ///   - plan: what to run.
  ///   - weights: packed for it.
  ///   - writeInput: gets each image's index in the call and its input to fill.
  ///   - loss: gets, for each image, its outputs and the memory of their gradients, all of which it writes.
  /// - Returns: what `loss` returned, by image.
  /// - Throws: `NeuralNetworkError`, or what the closures throw.
  fileprivate func compute<Result>(
    _ plan: Plan, _ weights: TrainingWeights,
    writeInput: (Int, inout MutableSpan<Float>) throws -> Void,
    loss: (Int, BlockedImages, inout MutableBlockedImages) throws -> Result
  ) throws -> [Result] {
    try take(plan)
    for image in 0..<plan.batch {
      try withInput(image) { try writeInput(image, &$0) }
    }
    try runForward(weights)
    let results = try (0..<plan.batch).map { index in
      var gradients = mutableImages(plan.outputGradients, index)
      return try loss(index, images(plan.outputs, index), &gradients)
    }
    try runBackward(weights)
    return results
  }

  /// Runs forward up to the first operation whose output holds NaN or infinity.
  fileprivate func findNonFinite(
    _ plan: Plan, _ weights: TrainingWeights,
    writeInput: (Int, inout MutableSpan<Float>) throws -> Void
  ) throws -> (operation: String, image: Int)? {
    try take(plan)
    for image in 0..<plan.batch {
      let isFinite = try withInput(image) {
        try writeInput(image, &$0)
        return $0.span.withUnsafeBufferPointer { NeuralNetwork.isFinite($0) }
      }
      if !isFinite { return ("input", image) }
    }
    var found: (String, Int)?
    try runForward(weights) { step in
      for image in 0..<plan.batch where found == nil {
        let areFinite = images(step.outputs, image).map {
          $0.numbers.withUnsafeBufferPointer { isFinite($0) }
        }
        if areFinite.contains(false) { found = (step.label, image) }
      }
      return found == nil
    }
    return found
  }
}

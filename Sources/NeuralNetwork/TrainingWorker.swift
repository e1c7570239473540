import COneDNN

/// Runs training plans on one thread in memory of its own.
///
/// `@unchecked Sendable`: used by one thread at a time.
final class TrainingWorker: @unchecked Sendable {
  private let engine: Engine
  private let stream: ExecutionStream
  private let weights: TrainingWeights
  private var slab: AlignedBuffer
  private var scratch: AlignedBuffer
  /// What the last run left: the plan's `gradients`.
  private(set) var gradients: AlignedBuffer
  private var boundPlan: TrainingPlan?
  private var bound: [BoundStep] = []

  /// Called after each step with its label and duration, for a profile. nil by default.
  var stepObserver: ((String, Duration) -> Void)?

  private struct BoundStep {
    var step: TrainingPlan.Step
    var arguments: [dnnl_exec_arg_t] = []
    /// Keeps what `arguments` points to.
    var memories: [TensorMemory] = []
  }

  /// - Parameters:
  ///   - weights: the parameters of all plans it will run.
  ///   - engine: where they were compiled for.
  /// - Throws: `NeuralNetworkError`.
  init(weights: TrainingWeights, engine: Engine) throws(NeuralNetworkError) {
    self.engine = engine
    self.weights = weights
    stream = try ExecutionStream(engine: engine)
    slab = try AlignedBuffer(byteCount: 0)
    scratch = try AlignedBuffer(byteCount: 0)
    gradients = try AlignedBuffer(byteCount: 0)
  }

  /// Runs `plan` on a batch and leaves its gradients in `gradients`.
  ///
  /// - Parameters:
  ///   - plan: what to run.
  ///   - writeInput: gets each image's index and its part of the input to fill: [channels, height, width].
  ///   - loss: gets, for each image, its outputs and the memory of their gradients, all of which it writes.
  /// - Returns: what `loss` returned, by image.
  /// - Throws: `NeuralNetworkError`, or what the closures throw.
  func run<Result>(
    _ plan: TrainingPlan,
    writeInput: (Int, UnsafeMutableBufferPointer<Float>) throws -> Void,
    loss: (Int, [BlockedImage], [MutableBlockedImage]) throws -> Result
  ) throws -> [Result] {
    runSingleThreaded()
    if boundPlan !== plan { try bind(plan) }
    let perImage = plan.input.count / plan.batch
    for image in 0..<plan.batch {
      try writeInput(
        image,
        UnsafeMutableBufferPointer(start: address(plan.input) + image * perImage, count: perImage))
    }
    var results: [Result] = []
    let clock = ContinuousClock()
    for boundStep in bound {
      let start = stepObserver == nil ? nil : clock.now
      if case .loss = boundStep.step.action {
        for image in 0..<plan.batch {
          results.append(
            try loss(
              image, plan.outputs.map { view($0, image).reading },
              plan.outputGradients.map { view($0, image) }))
        }
      } else {
        try perform(boundStep)
      }
      if let start { stepObserver?(boundStep.step.label, clock.now - start) }
    }
    return results
  }

  /// Runs `plan` forward and looks for the first operation whose output holds NaN or infinity.
  ///
  /// - Parameters:
  ///   - plan: what to run.
  ///   - writeInput: as for `run`.
  /// - Returns: its label and the first image it happened in, or nil.
  /// - Throws: `NeuralNetworkError`, or what the closure throws.
  func findNonFinite(
    _ plan: TrainingPlan,
    writeInput: (Int, UnsafeMutableBufferPointer<Float>) throws -> Void
  ) throws -> (operation: String, image: Int)? {
    runSingleThreaded()
    if boundPlan !== plan { try bind(plan) }
    let perImage = plan.input.count / plan.batch
    for image in 0..<plan.batch {
      let input = UnsafeMutableBufferPointer(
        start: address(plan.input) + image * perImage, count: perImage)
      try writeInput(image, input)
      if !input.allSatisfy(\.isFinite) { return ("input", image) }
    }
    for boundStep in bound {
      if case .loss = boundStep.step.action { break }
      try perform(boundStep)
      guard let output = boundStep.step.output else { continue }
      for image in 0..<plan.batch {
        let view = view(output, image)
        if !UnsafeMutableBufferPointer(start: view.base, count: view.count)
          .allSatisfy(\.isFinite)
        {
          return (boundStep.step.label, image)
        }
      }
    }
    return nil
  }

  private func address(_ buffer: Int) -> UnsafeMutableRawPointer {
    guard let plan = boundPlan else { preconditionFailure("no plan is bound") }
    return slab.address + plan.offsets[buffer]
  }

  private func address(_ tensor: TrainingPlan.Tensor) -> UnsafeMutablePointer<Float> {
    address(tensor.buffer).assumingMemoryBound(to: Float.self)
  }

  private func view(_ tensor: TrainingPlan.Tensor, _ image: Int) -> MutableBlockedImage {
    guard let plan = boundPlan else { preconditionFailure("no plan is bound") }
    return MutableBlockedImage(
      base: address(tensor) + image * tensor.count / plan.batch, channels: tensor.channels,
      height: tensor.height, width: tensor.width, block: plan.block)
  }

  private func gradient(_ index: Int) -> UnsafeMutablePointer<Float> {
    guard let plan = boundPlan else { preconditionFailure("no plan is bound") }
    return (gradients.address + plan.gradients[index].offset)
      .assumingMemoryBound(to: Float.self)
  }

  private func perform(_ bound: BoundStep) throws(NeuralNetworkError) {
    switch bound.step.action {
    case .primitive(let primitive, _):
      try primitive.execute(bound.arguments, on: stream)
    case .loss:
      break
    case .add(let a, let b, let relu, let output):
      TrainingKernels.add(
        address(a), address(b), relu: relu, to: address(output), count: output.count)
    case .relu(let input, let output):
      TrainingKernels.relu(address(input), to: address(output), count: output.count)
    case .upsample(let input, let output):
      forEachImage {
        BlockedKernels.upsampleNearest(
          view(input, $0).reading, to: view(output, $0).base, height: output.height,
          width: output.width)
      }
    case .groupNorm(let norm):
      let kernel = kernel(norm)
      forEachImage {
        kernel.forward(
          view(norm.input, $0).reading, relu: norm.relu, to: view(norm.output, $0).base,
          statistics: statistics(norm, $0))
      }
    case .mask(let gradient, let output):
      TrainingKernels.mask(
        address(gradient), byPositive: address(output), count: gradient.count)
    case .accumulate(let part, let sum):
      TrainingKernels.add(address(part), to: address(sum), count: sum.count)
    case .copy(let gradient, let copy):
      address(copy).update(from: address(gradient), count: copy.count)
    case .reluBackward(let outputGradient, let output, let inputGradient, let accumulates):
      TrainingKernels.reluBackward(
        address(outputGradient), output: address(output), to: address(inputGradient),
        accumulates: accumulates, count: output.count)
    case .upsampleBackward(let outputGradient, let inputGradient, let accumulates):
      forEachImage {
        TrainingKernels.upsampleNearestBackward(
          view(outputGradient, $0).reading, to: view(inputGradient, $0), accumulates: accumulates)
      }
    case .groupNormBackward(
      let norm, let outputGradient, let inputGradient, let scale, let shift):
      let kernel = kernel(norm)
      let scaleGradient = place(scale, channels: norm.input.channels)
      let shiftGradient = place(shift, channels: norm.input.channels)
      forEachImage {
        kernel.backward(
          view(norm.input, $0).reading, outputGradient: view(outputGradient, $0).base,
          statistics: statistics(norm, $0), to: view(inputGradient, $0).base,
          scaleGradient: scaleGradient, shiftGradient: shiftGradient)
      }
    case .accumulateGradient(let buffer, let index):
      guard let plan = boundPlan else { preconditionFailure("no plan is bound") }
      // To the end of the last cache line: what lies behind a gradient is padding of its own.
      let count = (plan.gradients[index].layout.byteCount + 63) / 64 * 16
      TrainingKernels.add(
        address(buffer).assumingMemoryBound(to: Float.self), to: gradient(index), count: count)
    case .statistics(let mean, let variance, let meanGradient, let varianceGradient, let tensor):
      guard let plan = boundPlan else { preconditionFailure("no plan is bound") }
      gradient(meanGradient).update(
        from: address(mean).assumingMemoryBound(to: Float.self), count: tensor.channels)
      TrainingKernels.unbias(
        address(variance).assumingMemoryBound(to: Float.self), to: gradient(varianceGradient),
        channels: tensor.channels, numbersPerChannel: plan.batch * tensor.height * tensor.width)
    }
  }

  private func forEachImage(_ body: (Int) -> Void) {
    for image in 0..<(boundPlan?.batch ?? 0) { body(image) }
  }

  private func kernel(_ norm: TrainingPlan.GroupNorm) -> GroupNormTraining {
    GroupNormTraining(
      groups: norm.groups, epsilon: norm.epsilon,
      scale: weights.parameters.address("\(norm.prefix).weight"),
      shift: weights.parameters.address("\(norm.prefix).bias"))
  }

  private func statistics(
    _ norm: TrainingPlan.GroupNorm, _ image: Int
  ) -> UnsafeMutablePointer<Float> {
    address(norm.statistics).assumingMemoryBound(to: Float.self)
      + image * GroupNormTraining.statisticsCount(groups: norm.groups)
  }

  /// Where a gradient by channel goes, zeroed if nothing is there yet.
  private func place(
    _ place: TrainingPlan.GradientPlace, channels: Int
  ) -> UnsafeMutablePointer<Float> {
    let pointer: UnsafeMutablePointer<Float>
    switch place.location {
    case .gradient(let index): pointer = gradient(index)
    case .slab(let buffer): pointer = address(buffer).assumingMemoryBound(to: Float.self)
    case .weights, .bias, .parameter, .scratch:
      preconditionFailure("a gradient at \(place.location)")
    }
    if place.isNew { pointer.update(repeating: 0, count: channels) }
    return pointer
  }

  /// Grows the memory to what the plan needs and points oneDNN's arguments at it.
  private func bind(_ plan: TrainingPlan) throws(NeuralNetworkError) {
    boundPlan = nil
    bound = []
    try grow(&slab, to: plan.slabByteCount)
    try grow(&scratch, to: plan.scratchByteCount)
    try grow(&gradients, to: plan.gradientByteCount)
    boundPlan = plan
    do {
      for step in plan.steps {
        var boundStep = BoundStep(step: step)
        if case .primitive(_, let arguments) = step.action {
          for argument in arguments {
            let memory = try TensorMemory(
              argument.layout, at: address(argument.location, plan), engine: engine)
            boundStep.memories.append(memory)
            boundStep.arguments.append(
              dnnl_exec_arg_t(arg: argument.index, memory: memory.handle))
          }
        }
        bound.append(boundStep)
      }
    } catch {
      boundPlan = nil
      throw error
    }
  }

  private func address(
    _ location: TrainingPlan.Location, _ plan: TrainingPlan
  ) -> UnsafeMutableRawPointer {
    switch location {
    case .slab(let buffer): address(buffer)
    case .weights(let index): weights[plan.weightKeys[index]].weights.address
    case .bias(let index): weights[plan.weightKeys[index]].bias.address
    case .parameter(let name): UnsafeMutableRawPointer(weights.parameters.address(name))
    case .gradient(let index): UnsafeMutableRawPointer(gradient(index))
    case .scratch: scratch.address
    }
  }

  private func grow(_ buffer: inout AlignedBuffer, to byteCount: Int) throws(NeuralNetworkError) {
    guard buffer.byteCount < byteCount else { return }
    // The old one goes first: both at once could be more than there is.
    buffer = try AlignedBuffer(byteCount: 0)
    buffer = try AlignedBuffer(byteCount: byteCount)
  }
}

import COneDNN

/// Runs plans on one thread, one image at a time, in memory of its own.
///
/// Not `Sendable`: made and used by one thread.
public final class InferenceWorker {
  private let engine: Engine
  private let stream: ExecutionStream
  private var slab: AlignedBuffer
  private var scratch: AlignedBuffer
  /// The plan that `bound` belongs to, and its steps with oneDNN's arguments pointing into `slab`: of a plan that has
  /// not run yet none, for its weights may still be in the making.
  private var boundPlan: InferencePlan?
  private var bound: [BoundStep] = []

  /// Called after each step with its label and seconds, for a profile. nil by default.
  public var stepObserver: ((String, Duration) -> Void)?

  private struct BoundStep {
    var step: InferencePlan.Step
    /// Of a step that is a oneDNN primitive.
    var primitive: Primitive?
    var arguments: [dnnl_exec_arg_t] = []
    /// Keeps what `arguments` points to.
    var memories: [TensorMemory] = []
  }

  /// Makes a worker that grows its memory with the plans it is given.
  ///
  /// - Throws: `NeuralNetworkError`.
  public init() throws(NeuralNetworkError) {
    engine = try Engine.shared()
    stream = try ExecutionStream(engine: engine)
    slab = try AlignedBuffer(byteCount: 0)
    scratch = try AlignedBuffer(byteCount: 0)
  }

  /// Runs `plan` on one image.
  ///
  /// - Parameters:
  ///   - plan: what to run.
  ///   - writeInput: gets the input to fill, all of it: [channels, height, width], contents undefined.
  ///   - readOutputs: gets the outputs in the order the network declared them; they are valid only inside.
  /// - Returns: what `readOutputs` returned.
  /// - Throws: `NeuralNetworkError`, or what the closures throw.
  public func run<Result>(
    _ plan: InferencePlan,
    writeInput: (UnsafeMutableBufferPointer<Float>) throws -> Void,
    readOutputs: ([BlockedImage]) throws -> Result
  ) throws -> Result {
    runSingleThreaded()
    if boundPlan !== plan { try begin(plan) }
    try writeInput(
      UnsafeMutableBufferPointer(start: address(plan.input), count: plan.input.count))
    let clock = ContinuousClock()
    for (index, step) in plan.steps.enumerated() {
      if index == bound.count { bound.append(try bind(step, plan)) }
      let boundStep = bound[index]
      if let stepObserver {
        let start = clock.now
        try perform(boundStep, plan)
        stepObserver(boundStep.step.label, clock.now - start)
      } else {
        try perform(boundStep, plan)
      }
    }
    return try readOutputs(plan.outputs.map { view($0, plan) })
  }

  private func address(_ image: InferencePlan.Image) -> UnsafeMutablePointer<Float> {
    (slab.address + image.offset).assumingMemoryBound(to: Float.self)
  }

  private func view(_ image: InferencePlan.Image, _ plan: InferencePlan) -> BlockedImage {
    BlockedImage(
      base: UnsafePointer(address(image)), channels: image.channels, height: image.height,
      width: image.width, block: plan.block)
  }

  private func perform(_ bound: BoundStep, _ plan: InferencePlan) throws(NeuralNetworkError) {
    let step = bound.step
    switch step.action {
    case .convolution, .maxPool:
      try bound.primitive?.execute(bound.arguments, on: stream)
    case .upsampleNearest:
      BlockedKernels.upsampleNearest(
        view(step.inputs[0], plan), to: address(step.output), height: step.output.height,
        width: step.output.width)
    case .groupNorm(let groups, let epsilon, let scale, let shift, let relu):
      BlockedKernels.groupNorm(
        view(step.inputs[0], plan), groups: groups, epsilon: epsilon, scale: scale, shift: shift,
        relu: relu, to: address(step.output))
    case .relu:
      BlockedKernels.relu(
        address(step.inputs[0]), to: address(step.output), count: step.output.count)
    case .add:
      BlockedKernels.add(
        address(step.inputs[0]), address(step.inputs[1]), to: address(step.output),
        count: step.output.count)
    }
  }

  /// Grows the memory to what the plan needs.
  private func begin(_ plan: InferencePlan) throws(NeuralNetworkError) {
    boundPlan = nil
    bound = []
    if slab.byteCount < plan.memory.slab {
      // The old one goes first: both at once could be more than there is.
      slab = try AlignedBuffer(byteCount: 0)
      slab = try AlignedBuffer(byteCount: plan.memory.slab)
    }
    if scratch.byteCount < plan.memory.scratch {
      scratch = try AlignedBuffer(byteCount: 0)
      scratch = try AlignedBuffer(byteCount: plan.memory.scratch)
    }
    boundPlan = plan
  }

  /// Points oneDNN's arguments for one step at the memory.
  private func bind(_ step: InferencePlan.Step, _ plan: InferencePlan) throws -> BoundStep {
    var bound = BoundStep(step: step)
    func give(
      _ argument: Int32, _ layout: TensorLayout, _ address: UnsafeMutableRawPointer
    ) throws(NeuralNetworkError) {
      let memory = try TensorMemory(layout, at: address, engine: engine)
      bound.memories.append(memory)
      bound.arguments.append(dnnl_exec_arg_t(arg: argument, memory: memory.handle))
    }
    switch step.action {
    case .convolution(let convolution, let key):
      let packed = try plan.weights.weights(for: key)
      bound.primitive = convolution.primitive
      try give(DNNL_ARG_SRC, step.inputs[0].layout, address(step.inputs[0]))
      try give(DNNL_ARG_WEIGHTS, convolution.weights, packed.weights.address)
      try give(DNNL_ARG_BIAS, TensorLayout.plain([step.output.channels]), packed.bias.address)
      try give(DNNL_ARG_DST, convolution.output, address(step.output))
      try give(DNNL_ARG_SCRATCHPAD, convolution.primitive.scratchpad, scratch.address)
    case .maxPool(let pooling):
      bound.primitive = pooling.primitive
      try give(DNNL_ARG_SRC, step.inputs[0].layout, address(step.inputs[0]))
      try give(DNNL_ARG_DST, step.output.layout, address(step.output))
      try give(DNNL_ARG_SCRATCHPAD, pooling.primitive.scratchpad, scratch.address)
    case .upsampleNearest, .groupNorm, .relu, .add:
      break
    }
    return bound
  }
}

/// Where a runner finds the parameters of its plan.
protocol PlanParameters {
  /// Parameters in one form, packed before or now.
  func address(of key: PackingKey) throws -> UnsafeMutableRawPointer
  /// A parameter as it is.
  func address(of name: String) -> UnsafeMutablePointer<Float>
}

/// A kernel that was bound. A struct, for a bare closure is wrapped each time that it is read from an array, and once more
/// when it is written back: deeper with every run.
private struct BoundStep {
  let run: BoundKernel
}

/// Runs plans on one thread, in memory of its own that grows with the plans it is given.
///
/// `@unchecked Sendable`: used by one thread at a time.
final class PlanRunner: @unchecked Sendable {
  private let stream: ExecutionStream
  private var slab: AlignedBuffer
  private var scratch: AlignedBuffer
  /// What the last run backward left: the plan's `gradients`.
  private(set) var gradients: AlignedBuffer
  private var plan: Plan?
  /// The steps that have run before, bound to the memory; nil for the others, whose weights may still be in the
  /// making.
  private var bound: [BoundStep?] = []
  private let areas = DemandedAreas()

  /// Called after each step with its label and duration, for a profile. nil by default.
  var stepObserver: ((String, Duration) -> Void)?

  /// Makes a runner without memory.
  ///
  /// - Throws: `NeuralNetworkError`.
  init() throws(NeuralNetworkError) {
    stream = try ExecutionStream(engine: try Engine.shared())
    slab = try AlignedBuffer(byteCount: 0)
    scratch = try AlignedBuffer(byteCount: 0)
    gradients = try AlignedBuffer(byteCount: 0)
  }

  /// Takes up a plan, on the thread that will run it: grows the memory to what it needs.
  ///
  /// - Parameter next: the plan.
  /// - Throws: `NeuralNetworkError.outOfMemory`.
  func take(_ next: Plan) throws(NeuralNetworkError) {
    runSingleThreaded()
    if plan === next { return }
    plan = nil
    bound = []
    try Self.grow(&slab, to: next.slabByteCount)
    try Self.grow(&scratch, to: next.scratchByteCount)
    try Self.grow(&gradients, to: next.gradientByteCount)
    plan = next
    bound = [BoundStep?](repeating: nil, count: next.forward.count + next.backward.count)
  }

  /// Says what the next run computes of the outputs on demand.
  ///
  /// - Parameter wanted: an area of each; nil: all.
  func demand(_ wanted: [MapArea]?) {
    let plan = taken
    let outputs = plan.outputs.dropFirst(plan.promptOutputs)
    areas.areas = plan.areas(
      for: wanted ?? outputs.map { .whole(height: $0.size.height, width: $0.size.width) })
  }

  /// Runs forward steps of the plan that was taken up last; its input has been written.
  ///
  /// - Parameters:
  ///   - parameters: the plan's.
  ///   - steps: which; those from `firstStepOnDemand` on after `demand`.
  ///   - afterStep: called after each step; returns false to stop there.
  /// - Throws: `NeuralNetworkError`, or what the parameters or `afterStep` throw.
  func runForward(
    _ parameters: some PlanParameters, steps: Range<Int>? = nil,
    afterStep: (Plan.Step) throws -> Bool = { _ in true }
  ) throws {
    for index in steps ?? taken.forward.indices {
      let step = taken.forward[index]
      if !step.demanded.isEmpty, step.demanded.allSatisfy({ areas[$0].isEmpty }) { continue }
      try run(step, index, parameters)
      if try !afterStep(step) { return }
    }
  }

  /// Runs the backward steps; the gradients by the outputs have been written.
  ///
  /// - Parameter parameters: the plan's.
  /// - Throws: `NeuralNetworkError`.
  func runBackward(_ parameters: some PlanParameters) throws {
    for (index, step) in taken.backward.enumerated() {
      try run(step, taken.forward.count + index, parameters)
    }
  }

  /// Hands over one image of the plan's input, in plain order.
  func withInput<Result>(
    _ image: Int = 0, _ body: (inout MutableSpan<Float>) throws -> Result
  ) rethrows -> Result {
    let count = taken.input.count / taken.batch
    let input = UnsafeMutableBufferPointer(
      start: numbers(taken.input.buffer) + image * count, count: count)
    var span = input.mutableSpan
    return try body(&span)
  }

  /// The plan's input as it was written: plain order is that of blocks of one channel.
  @_lifetime(borrow self)
  func inputImages() -> BlockedImages {
    let input = taken.input
    return BlockedImages(
      [
        BlockedMemory(
          base: numbers(input.buffer), channels: input.channels, height: input.size.height,
          width: input.size.width, block: 1)
      ], of: self)
  }

  /// One image of each of some of the plan's tensors, to read before the plan runs again.
  @_lifetime(borrow self)
  func images(_ tensors: [Plan.Tensor], _ image: Int = 0) -> BlockedImages {
    BlockedImages(memories(tensors, image), of: self)
  }

  /// One image of each of some of the plan's tensors, to write.
  @_lifetime(borrow self)
  func mutableImages(_ tensors: [Plan.Tensor], _ image: Int = 0) -> MutableBlockedImages {
    MutableBlockedImages(memories(tensors, image), of: self)
  }

  private var taken: Plan {
    guard let plan else { preconditionFailure("no plan was taken up") }
    return plan
  }

  private func run(_ step: Plan.Step, _ index: Int, _ parameters: some PlanParameters) throws {
    let kernel = try bound[index] ?? BoundStep(run: bind(step, parameters))
    bound[index] = kernel
    guard let stepObserver else { return try kernel.run() }
    let start = ContinuousClock.now
    try kernel.run()
    stepObserver(step.label, start.duration(to: .now))
  }

  private func bind(_ step: Plan.Step, _ parameters: some PlanParameters) throws -> BoundKernel {
    let plan = taken
    let operands = try step.operands.map { operand -> UnsafeMutableRawPointer in
      switch operand {
      case .buffer(let buffer): slab.address + plan.offsets[buffer]
      case .packed(let index, let offset):
        try parameters.address(of: plan.packings[index]) + offset
      case .parameter(let name): UnsafeMutableRawPointer(parameters.address(of: name))
      case .gradient(let index): gradients.address + plan.gradients[index].offset
      }
    }
    return try step.kernel.bind(
      to: KernelMemory(
        operands: operands, scratch: scratch.address, stream: stream, areas: areas))
  }

  private func memories(_ tensors: [Plan.Tensor], _ image: Int) -> [BlockedMemory] {
    tensors.map {
      BlockedMemory(
        base: numbers($0.buffer) + image * $0.count / taken.batch, channels: $0.channels,
        height: $0.size.height, width: $0.size.width, block: taken.block)
    }
  }

  private func numbers(_ buffer: Int) -> UnsafeMutablePointer<Float> {
    (slab.address + taken.offsets[buffer]).assumingMemoryBound(to: Float.self)
  }

  private static func grow(
    _ buffer: inout AlignedBuffer, to byteCount: Int
  ) throws(NeuralNetworkError) {
    guard buffer.byteCount < byteCount else { return }
    // The old one goes first: both at once could be more than there is.
    buffer = try AlignedBuffer(byteCount: 0)
    buffer = try AlignedBuffer(byteCount: byteCount)
  }
}

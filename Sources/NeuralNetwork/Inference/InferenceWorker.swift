/// Runs plans on one thread, one image at a time, in memory of its own.
///
/// Not `Sendable`: made and used by one thread.
public final class InferenceWorker {
  private let runner: PlanRunner

  /// Makes a worker that grows its memory with the plans it is given.
  ///
  /// - Throws: `NeuralNetworkError`.
  public init() throws(NeuralNetworkError) {
    runner = try PlanRunner()
  }

  /// Called after each step with its label and duration, for a profile. nil by default.
  public var stepObserver: ((String, Duration) -> Void)? {
    get { runner.stepObserver }
    set { runner.stepObserver = newValue }
  }

  /// Runs `plan` on one image.
  ///
  /// - Parameters:
  ///   - plan: what to run.
  ///   - observe: gets each value that the plan has in float32, by its name (`input`, and `NetworkGraph.valueNames`), as
  ///     soon as it is there: for calibration.
  ///   - writeInput: gets the input to fill, all of it: [channels, height, width], contents undefined.
  ///   - wants: gets the outputs that are not on demand, and says which area of each of the others is computed; nil
  ///     for all of them.
  ///   - readOutputs: gets the outputs in the order the network declared them. They cannot leave it, and it
  ///     must not run this worker, which would overwrite them. Undefined where an output was not wanted.
  /// - Returns: what `readOutputs` returned.
  /// - Throws: `NeuralNetworkError`, or what the closures throw.
  public func run<Result>(
    _ plan: InferencePlan,
    observe: ((String, BlockedImage) throws -> Void)? = nil,
    writeInput: (inout MutableSpan<Float>) throws -> Void,
    wants: (BlockedImages) throws -> [MapArea]? = { _ in nil },
    readOutputs: (BlockedImages) throws -> Result
  ) throws -> Result {
    let runner = runner
    try runner.take(plan.plan)
    try runner.withInput(0, writeInput)
    if let observe, let name = plan.names[plan.plan.input.value] {
      try observe(name, runner.inputImages()[0])
    }
    func run(_ steps: Range<Int>) throws {
      try runner.runForward(plan.weights, steps: steps) { step in
        guard let observe else { return true }
        for tensor in step.outputs where tensor.storage == .float32 {
          guard let name = plan.names[tensor.value] else { continue }
          try observe(name, runner.images([tensor])[0])
        }
        return true
      }
    }
    let steps = plan.plan.forward.indices
    let first = plan.plan.firstStepOnDemand
    try run(steps.prefix(upTo: first))
    let prompt = runner.images(Array(plan.plan.outputs.prefix(plan.plan.promptOutputs)))
    runner.demand(try wants(prompt))
    try run(steps.suffix(from: first))
    let outputs = runner.images(plan.plan.outputs)
    return try readOutputs(outputs)
  }
}

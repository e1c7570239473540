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
  ///   - observe: gets each value that the plan has in float32, by its name (`NetworkGraph.valueNames`), as soon as it is
  ///     there: for calibration.
  ///   - writeInput: gets the input to fill, all of it: [channels, height, width], contents undefined.
  ///   - readOutputs: gets the outputs in the order the network declared them. They cannot leave it, and it
  ///     must not run this worker, which would overwrite them.
  /// - Returns: what `readOutputs` returned.
  /// - Throws: `NeuralNetworkError`, or what the closures throw.
  public func run<Result>(
    _ plan: InferencePlan,
    observe: ((String, BlockedImage) throws -> Void)? = nil,
    writeInput: (inout MutableSpan<Float>) throws -> Void,
    readOutputs: (BlockedImages) throws -> Result
  ) throws -> Result {
    let runner = runner
    try runner.take(plan.plan)
    try runner.withInput(0, writeInput)
    try runner.runForward(plan.weights) { step in
      guard let observe else { return true }
      for tensor in step.outputs {
        guard let name = plan.names[tensor.value] else { continue }
        try observe(name, runner.images([tensor])[0])
      }
      return true
    }
    let outputs = runner.images(plan.plan.outputs)
    return try readOutputs(outputs)
  }
}

import Synchronization

/// Runs trials on inputs, and gathers the errors. Shared by threads, each with a worker of its own.
final class TrialRun: Sendable {
  private let trials: LayerTrials
  private let plans: InferencePlanCache
  /// By input.
  private let outputs = Mutex<[Int: [[Float]]]>([:])

  /// - Parameters:
  ///   - trials: what is tried.
  ///   - store: the weights, by the trials' names too.
  ///   - planCapacity: input sizes kept compiled.
  ///   - largest: of trials in the Winograd domain, the |transformed input| that becomes 127, by point.
  init(
    _ trials: LayerTrials, store: WeightStore, planCapacity: Int,
    largest: (LayerTrials.Trial) -> [Float]? = { _ in nil }
  ) {
    self.trials = trials
    var convolutions: [String: Quantization.Product] = [:]
    for (trial, name) in zip(trials.trials, trials.names) {
      convolutions[name] = largest(trial).map { .winograd(largest: $0) }
    }
    plans = InferencePlanCache(
      trials.graph, store: store, precision: .int8(Quantization(convolutions: convolutions)),
      algorithm: .winograd, capacity: planCapacity)
  }

  /// Tries everything on one input, whose number does not depend on who runs it.
  func run(
    _ number: Int, _ worker: InferenceWorker, height: Int, width: Int,
    writeInput: (inout MutableSpan<Float>) throws -> Void
  ) throws {
    let plan = try plans.plan(height: height, width: width)
    let errors = try worker.run(plan, writeInput: writeInput) { images in
      images.map { $0.plain() }
    }
    outputs.withLock { $0[number] = errors }
  }

  /// Whether at least one input was tried.
  var hasTried: Bool { outputs.withLock { !$0.isEmpty } }

  /// The errors, once at least one input was tried.
  var errors: LayerErrors {
    LayerErrors(trials.trials, outputs.withLock { $0 }.sorted { $0.key < $1.key }.map(\.value))
  }
}

import Synchronization

/// Looks at a network's values while it runs in float32 on real inputs: where their numbers lie.
///
/// Shared by threads, each with a worker of its own. What comes out does not depend on which of them saw what.
final class RangeSurvey: Sendable {
  private let plans: InferencePlanCache
  private let histograms = Mutex<[String: ValueHistogram]>([:])

  /// - Parameters:
  ///   - graph: the network.
  ///   - store: its weights.
  ///   - planCapacity: input sizes kept compiled.
  init(_ graph: NetworkGraph, store: WeightStore, planCapacity: Int) {
    plans = InferencePlanCache(graph, store: store, algorithm: .winograd, capacity: planCapacity)
  }

  /// Looks at what the network makes of one input.
  ///
  /// - Parameters:
  ///   - worker: the calling thread's.
  ///   - height: rows.
  ///   - width: columns.
  ///   - writeInput: as for `InferenceWorker.run`.
  /// - Returns: false where a number is not finite: then nothing of this input counts.
  /// - Throws: `NeuralNetworkError`, or what the closure throws.
  func add(
    _ worker: InferenceWorker, height: Int, width: Int,
    writeInput: (inout MutableSpan<Float>) throws -> Void
  ) throws -> Bool {
    let plan = try plans.plan(height: height, width: width)
    var seen: [String: ValueHistogram] = [:]
    var areFinite = true
    try worker.run(
      plan,
      observe: { name, image in
        var histogram = ValueHistogram()
        areFinite = histogram.add(image) && areFinite
        seen[name] = histogram
      }, writeInput: writeInput, readOutputs: { _ in })
    guard areFinite else { return false }
    histograms.withLock { all in
      for (value, histogram) in seen { all[value, default: ValueHistogram()].merge(histogram) }
    }
    return true
  }

  /// The candidate ranges of every value that inference computes, by name; none of one that is always 0.
  var candidates: [String: [RangeRule: Quantization.StoredRange]] {
    histograms.withLock { $0 }.mapValues { histogram in
      RangeRule.allCases.reduce(into: [:]) { $0[$1] = histogram.range(by: $1) }
    }
  }
}

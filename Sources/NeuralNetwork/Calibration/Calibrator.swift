/// Finds out how a network's numbers can be held in eight bits, from what it does with real inputs: first where the numbers
/// of each value lie, then what rounding in each of several ranges does to its layers, last which of them may be multiplied
/// in the Winograd domain.
///
/// Shared by threads, each with a worker of its own; the result does not depend on which of them ran what.
public final class Calibrator: Sendable {
  private let network: Network
  private let survey: RangeSurvey

  /// What all rounds are about.
  fileprivate struct Network: Sendable {
    let graph: NetworkGraph
    let planCapacity: Int
    /// Its weights, by the names that trials have for them too.
    let store: WeightStore
  }

  /// Starts.
  ///
  /// - Parameters:
  ///   - graph: the network.
  ///   - planCapacity: input sizes kept compiled, at least 1.
  ///   - values: gives its parameters.
  public init(
    _ graph: NetworkGraph, planCapacity: Int = 8, values: @escaping WeightStore.Loader
  ) {
    network = Network(
      graph: graph, planCapacity: planCapacity,
      store: WeightStore(load: LayerTrials.Way.loader(values, graph)))
    survey = RangeSurvey(graph, store: network.store, planCapacity: planCapacity)
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
  public func look(
    _ worker: InferenceWorker, height: Int, width: Int,
    writeInput: (inout MutableSpan<Float>) throws -> Void
  ) throws -> Bool {
    try survey.add(worker, height: height, width: width, writeInput: writeInput)
  }

  /// Ends the first round.
  ///
  /// - Returns: the second.
  public func tryRanges() -> Ranges { Ranges(network, survey.candidates) }

  /// The second round: each layer with its input rounded in each range. What transforms make of the values is seen too.
  public final class Ranges: Sendable {
    private let network: Network
    private let candidates: [String: [RangeRule: Quantization.StoredRange]]
    private let trials: TrialRun
    private let winograd: WinogradSurvey

    fileprivate init(
      _ network: Network, _ candidates: [String: [RangeRule: Quantization.StoredRange]]
    ) {
      self.network = network
      self.candidates = candidates
      let quantizable = Set(network.graph.quantizableValueNames)
      let trials = LayerTrials(network.graph) { _, input in
        guard quantizable.contains(input) else { return [] }
        return RangeRule.allCases.compactMap { rule in
          candidates[input]?[rule].map { (.direct(rule), $0) }
        }
      }
      self.trials = TrialRun(
        trials, store: network.store, planCapacity: network.planCapacity)
      winograd = WinogradSurvey(
        network.graph, store: network.store,
        wanted: Set(network.graph.convolutionCalls.filter(\.hasWinograd).map(\.input)),
        planCapacity: network.planCapacity)
    }

    /// Tries the ranges on one input.
    ///
    /// - Parameters:
    ///   - number: the input's, in an order that does not depend on who runs it.
    ///   - worker: the calling thread's.
    ///   - height: rows.
    ///   - width: columns.
    ///   - writeInput: as for `InferenceWorker.run`; called twice.
    /// - Throws: `NeuralNetworkError`, or what the closure throws.
    public func run(
      _ number: Int, _ worker: InferenceWorker, height: Int, width: Int,
      writeInput: (inout MutableSpan<Float>) throws -> Void
    ) throws {
      try trials.run(number, worker, height: height, width: width, writeInput: writeInput)
      try winograd.add(worker, height: height, width: width, writeInput: writeInput)
    }

    /// Whether at least one input was tried.
    public var hasTried: Bool { trials.hasTried }

    /// Ends the second round, once at least one input was tried.
    ///
    /// - Returns: the third.
    public func tryProducts() -> Products {
      let errors = trials.errors
      return Products(network, ranges(errors.bestRules), errors.best, winograd)
    }

    /// Ranges of all values that convolutions read or add to.
    private func ranges(_ rules: [String: RangeRule]) -> [String: Quantization.StoredRange] {
      var ranges: [String: Quantization.StoredRange] = [:]
      for (value, rule) in rules { ranges[value] = candidates[value]?[rule] }
      let kept = network.graph.keptAsTheyAre
      for case let value? in network.graph.convolutionCalls.map(\.summand)
      where ranges[value] == nil && !kept.contains(value) {
        // No convolution reads it: nothing is known of what its errors do.
        ranges[value] = candidates[value]?[.meanSquaredError]
      }
      // What is rounded before it is pooled is what is rounded afterwards, of a quarter of the bytes.
      for (value, pooled) in network.graph.pooled where ranges[value] == nil {
        ranges[value] = ranges[pooled]
      }
      let quantizable = Set(network.graph.quantizableValueNames)
      return ranges.filter { quantizable.contains($0.key) }
    }
  }

  /// The third round: each layer that can be multiplied in the Winograd domain, there.
  public final class Products: Sendable {
    private let ranges: [String: Quantization.StoredRange]
    /// Of the convolutions that have a direct product.
    private let direct: [String: LayerErrors.Error]
    private let winograd: WinogradSurvey
    private let trials: TrialRun

    fileprivate init(
      _ network: Network, _ ranges: [String: Quantization.StoredRange],
      _ direct: [String: LayerErrors.Error], _ winograd: WinogradSurvey
    ) {
      self.ranges = ranges
      let products = Set(network.graph.convolutionCalls.filter(\.hasDirect).map(\.name))
      self.direct = direct.filter { products.contains($0.key) }
      self.winograd = winograd
      let able = Set(network.graph.convolutionCalls.filter(winograd.pays).map(\.name))
      let trials = LayerTrials(network.graph) { convolution, input in
        guard able.contains(convolution), let range = ranges[input] else { return [] }
        return WinogradSurvey.sides.filter { winograd.largest(input, side: $0) != nil }
          .map { (.winograd(side: $0), range) }
      }
      self.trials = TrialRun(
        trials, store: network.store, planCapacity: network.planCapacity
      ) { trial in
        guard case .winograd(let side) = trial.way else { return nil }
        return winograd.largest(trial.input, side: side)
      }
    }

    /// Tries the products on one input; as `Ranges.run`.
    public func run(
      _ number: Int, _ worker: InferenceWorker, height: Int, width: Int,
      writeInput: (inout MutableSpan<Float>) throws -> Void
    ) throws {
      try trials.run(number, worker, height: height, width: width, writeInput: writeInput)
    }

    /// Whether at least one input was tried.
    public var hasTried: Bool { trials.hasTried }

    /// What serves best, once at least one input was tried.
    ///
    /// - Parameter largestShare: of a layer that is multiplied in the Winograd domain, the largest error, as
    ///   `Calibration.Layer.errorShare`: among larger tiles and smaller ones that keep to it, larger ones, which are faster.
    /// - Returns: ranges and products.
    public func calibration(largestShare: Double) -> Calibration {
      var layers = direct.mapValues { error in
        Calibration.Layer(
          product: .direct, correction: error.correction, errorShare: error.share)
      }
      // Larger tiles come last.
      for error in trials.errors.all where error.share <= largestShare {
        guard case .winograd(let side) = error.trial.way,
          let largest = winograd.largest(error.trial.input, side: side)
        else { continue }
        layers[error.trial.convolution] = Calibration.Layer(
          product: .winograd(largest: largest), correction: error.correction,
          errorShare: error.share)
      }
      return Calibration(ranges: ranges, layers: layers)
    }
  }
}

/// How a network's numbers can be held in eight bits.
public struct Calibration: Equatable, Sendable {
  /// A convolution in eight bits.
  public struct Layer: Equatable, Sendable {
    /// How it is multiplied.
    public let product: Quantization.Product
    /// What makes up for the mean error of its output, by channel.
    public let correction: [Float]
    /// The rest of that error: its variance as a share of the output's mean square.
    public let errorShare: Double
  }

  /// Of values, by name.
  public let ranges: [String: Quantization.StoredRange]
  /// Convolutions that read a value with a range and have a product, by name.
  public let layers: [String: Layer]
}

import Workers

/// A network compiled for one input shape, with its weights: batch norm folded, additions and ReLUs done inside the
/// convolutions, every value given its place in one slab of memory.
///
/// Immutable and shared by all workers; each worker brings its own slab and scratchpad.
public final class InferencePlan: Sendable {
  /// What running a plan takes, in bytes.
  public struct Memory: Equatable, Sendable {
    /// Activations of one worker.
    public var slab: Int
    /// Scratch of one worker: the most that any one step asks for.
    public var scratch: Int
    /// Packed weights, shared by all workers, and with other plans where the formats agree.
    public var weights: Int

    /// What one worker needs beside the weights.
    public var perWorker: Int { slab + scratch }

    init(_ plan: Plan) {
      slab = plan.slabByteCount
      scratch = plan.scratchByteCount
      weights = plan.packings.reduce(0) { $0 + $1.packing.byteCount }
    }
  }

  let plan: Plan
  let weights: WeightPacking
  /// Names of the values that its steps give.
  let names: [NetworkGraph.Value: String]

  /// Height of the input in pixels.
  public var height: Int { plan.height }
  /// Width of the input in pixels.
  public var width: Int { plan.width }
  /// What it needs.
  public var memory: Memory { Memory(plan) }
  /// What it runs, in order: each step's operation, algorithm and shape.
  public var stepLabels: [String] { plan.forward.map(\.label) }

  /// Compiles `graph` for one image of `height` x `width` pixels and packs the weights that no living plan has
  /// packed before.
  ///
  /// - Parameters:
  ///   - graph: the network.
  ///   - height: pixels, at least 1.
  ///   - width: pixels, at least 1.
  ///   - store: where the weights come from.
  ///   - algorithm: what 3x3 convolutions of stride 1 use where it pays; `direct` everywhere for comparisons.
  ///   - waitsForWeights: false leaves a core to the first run, which begins while weights are still being packed; it
  ///     throws what is wrong with them.
  /// - Throws: `NeuralNetworkError`, or what the store's loader throws.
  public convenience init(
    _ graph: NetworkGraph, height: Int, width: Int, store: WeightStore,
    algorithm: ConvolutionAlgorithm = .winograd, waitsForWeights: Bool = true
  ) throws {
    try self.init(
      graph, height: height, width: width, store: store, waitsForWeights: waitsForWeights,
      rule: ConvolutionShape.rule(algorithm))
  }

  /// As above, with a rule of its own for the benchmark that the rule was made from.
  package init(
    _ graph: NetworkGraph, height: Int, width: Int, store: WeightStore,
    waitsForWeights: Bool = true, rule: @escaping ConvolutionRule
  ) throws {
    plan = try Plan(graph, height: height, width: width, rule: rule)
    names = graph.callNames
    let cores = Machine().availableCores
    weights = WeightPacking(
      plan.packings, from: store, threadCount: waitsForWeights ? cores : max(1, cores - 1))
    if waitsForWeights { try weights.finish() }
  }

  /// Waits until all weights are packed.
  ///
  /// - Throws: `NeuralNetworkError`, or what the store's loader throws.
  public func finishPacking() throws { try weights.finish() }

  /// What a plan would need, without packing weights for it.
  ///
  /// - Parameters:
  ///   - graph: the network.
  ///   - height: pixels, at least 1.
  ///   - width: pixels, at least 1.
  ///   - algorithm: as for `init`.
  /// - Returns: bytes.
  /// - Throws: `NeuralNetworkError`.
  public static func memory(
    _ graph: NetworkGraph, height: Int, width: Int, algorithm: ConvolutionAlgorithm = .winograd
  ) throws(NeuralNetworkError) -> Memory {
    Memory(
      try Plan(graph, height: height, width: width, rule: ConvolutionShape.rule(algorithm)))
  }
}

/// Weights rounded to eight bits under a name of their own. A batch norm behind them multiplies whole output channels: it
/// makes no difference whether it is folded in before or after.
enum RoundedWeights {
  /// Before the name of a convolution's weights: these, rounded.
  static let prefix = "rounded "

  /// A loader that also gives every tensor's rounded form.
  static func loader(_ load: @escaping WeightStore.Loader, _ graph: NetworkGraph)
    -> WeightStore.Loader
  {
    let channels = Dictionary(
      uniqueKeysWithValues: graph.parameters.map { ($0.name, $0.shape[0]) })
    return { name in
      guard name.hasPrefix(prefix) else { return try load(name) }
      let original = String(name.dropFirst(prefix.count))
      return round(try load(original), channels: channels[original] ?? 1)
    }
  }

  /// Weights as `Quantization.rounded` has them, in float32 again.
  static func round(_ weights: [Float], channels: Int) -> [Float] {
    weights.withUnsafeBufferPointer { weights in
      let (integers, steps) = Quantization.rounded(weights, outputChannels: channels)
      let count = weights.count / channels
      return integers.enumerated().map { Float($1) * steps[$0 / count] }
    }
  }
}

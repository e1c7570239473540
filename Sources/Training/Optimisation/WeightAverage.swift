import NeuralNetwork

/// An exponential moving average of a network's parameters, running statistics included: mostly a better model than
/// the last iteration's (Polyak and Juditsky 1992).
///
/// Not `Sendable`: used by one thread.
public final class WeightAverage {
  /// The average.
  public let numbers: ParameterSlab
  /// The part of the average that stays at each update, once there were many.
  public let decay: Double
  /// Updates made.
  public var updateCount = 0

  /// Creates an average of nothing; the first update makes it a copy.
  ///
  /// - Parameters:
  ///   - decay: 0 ..< 1.
  ///   - layout: the network's.
  /// - Throws: `NeuralNetworkError.outOfMemory`.
  public init(decay: Double, layout: ParameterLayout) throws(NeuralNetworkError) {
    precondition(decay >= 0 && decay < 1, "a decay of \(decay)")
    self.decay = decay
    numbers = try ParameterSlab(layout)
  }

  /// Takes the parameters in. Of few updates the average is short: the decay is at most updates / (updates + 10),
  /// so that the random start is soon forgotten.
  public func update(_ parameters: ParameterSlab) {
    let kept = min(decay, Double(updateCount) / Double(updateCount + 10))
    let part = Float(1 - kept)
    precondition(
      parameters.layout == numbers.layout, "an average of one network's weights, and another's")
    let (average, entries) = (numbers, numbers.layout.entries)
    _ = concurrentMap(entries.count) { index in
      let (average, new) = (average.numbers, parameters.numbers)
      for index in entries[index].range { average[index] += part * (new[index] - average[index]) }
    }
    updateCount += 1
  }
}

import NeuralNetwork

/// Changes parameters along their gradients, as PyTorch's optimisers of the same names do.
///
/// Not `Sendable`: used by one thread.
public final class Optimizer {
  /// The rule.
  public enum Rule: Equatable, Sendable {
    /// Stochastic gradient descent: v = momentum * v + g, w -= rate * v; weight decay is part of g.
    case sgd(momentum: Float = 0.9)
    /// Adam with weight decay apart from the gradient (Loshchilov and Hutter 2019).
    case adamW(beta1: Float = 0.9, beta2: Float = 0.999, epsilon: Float = 1e-8)
  }

  /// The rule.
  public let rule: Rule
  /// Of all trained parameters but those below.
  public let weightDecay: Float
  /// Of the weights and biases of batch and group norms.
  public let normWeightDecay: Float
  /// What the rule remembers, by the names a checkpoint keeps them under: `momentum`, or `mean` and `square`.
  public let memory: [(name: String, numbers: ParameterSlab)]
  /// Steps taken.
  public var stepCount = 0

  private let entries: [(entry: ParameterLayout.Entry, decay: Float)]

  /// Creates an optimiser that remembers nothing yet.
  ///
  /// - Parameters:
  ///   - rule: the rule.
  ///   - weightDecay: factor of the weights that is taken from them; the paper's is 1e-4.
  ///   - normWeightDecay: the same for norms; nil as the others.
  ///   - network: whose trained parameters it changes.
  /// - Throws: `NeuralNetworkError.outOfMemory`.
  public init(
    _ rule: Rule, weightDecay: Float, normWeightDecay: Float? = nil, network: TrainingNetwork
  ) throws(NeuralNetworkError) {
    self.rule = rule
    self.weightDecay = weightDecay
    self.normWeightDecay = normWeightDecay ?? weightDecay
    let layout = network.parameters.layout
    switch rule {
    case .sgd:
      memory = [("momentum", try ParameterSlab(layout))]
    case .adamW:
      memory = [("mean", try ParameterSlab(layout)), ("square", try ParameterSlab(layout))]
    }
    let norms = network.graph.normParameterNames
    var entries: [(entry: ParameterLayout.Entry, decay: Float)] = []
    for entry in layout.entries where network.trained.contains(entry.parameter.name) {
      let isNorm = norms.contains(entry.parameter.name)
      entries.append((entry, isNorm ? self.normWeightDecay : weightDecay))
    }
    self.entries = entries
  }

  /// The length of all trained parameters' gradients together.
  ///
  /// - Parameter gradients: what `TrainingNetwork.computeGradients` left.
  /// - Returns: the square root of the sum of their squares, summed in float64 in one order.
  public func gradientNorm(_ gradients: ParameterSlab) -> Double {
    let entries = entries
    let parts = concurrentMap(entries.count) { index in
      let entry = entries[index].entry
      let numbers = start(gradients, entry)
      var part = 0.0
      for index in 0..<entry.count { part += Double(numbers[index]) * Double(numbers[index]) }
      return part
    }
    return parts.reduce(0, +).squareRoot()
  }

  /// Takes one step.
  ///
  /// - Parameters:
  ///   - parameters: what is changed.
  ///   - gradients: along what.
  ///   - learningRate: the step's size.
  ///   - gradientScale: what gradients are multiplied by first: for clipping.
  public func step(
    _ parameters: ParameterSlab, gradients: ParameterSlab, learningRate: Double,
    gradientScale: Double = 1
  ) {
    stepCount += 1
    let (rule, memory, entries, stepCount) = (rule, memory.map(\.numbers), entries, stepCount)
    // Every number on its own: the threads change no bit.
    _ = concurrentMap(entries.count) { index in
      let (entry, decay) = entries[index]
      let update = ParameterUpdate(
        weights: start(parameters, entry), gradients: start(gradients, entry), count: entry.count,
        rate: learningRate, decay: decay, scale: Float(gradientScale))
      switch rule {
      case .sgd(let momentum):
        update.sgd(momentum, velocity: start(memory[0], entry))
      case .adamW(let beta1, let beta2, let epsilon):
        update.adamW(
          beta1, beta2, epsilon, mean: start(memory[0], entry), square: start(memory[1], entry),
          step: stepCount)
      }
    }
  }
}

private func start(
  _ slab: ParameterSlab, _ entry: ParameterLayout.Entry
) -> UnsafeMutablePointer<Float> {
  guard let base = slab.numbers.baseAddress else { preconditionFailure("a network of nothing") }
  return base + entry.offset
}

/// One parameter's step.
private struct ParameterUpdate {
  let weights: UnsafeMutablePointer<Float>
  let gradients: UnsafeMutablePointer<Float>
  let count: Int
  let rate: Double
  let decay: Float
  let scale: Float

  func sgd(_ momentum: Float, velocity: UnsafeMutablePointer<Float>) {
    let rate = Float(rate)
    for index in 0..<count {
      let gradient = scale * gradients[index] + decay * weights[index]
      velocity[index] = momentum * velocity[index] + gradient
      weights[index] -= rate * velocity[index]
    }
  }

  func adamW(
    _ beta1: Float, _ beta2: Float, _ epsilon: Float, mean: UnsafeMutablePointer<Float>,
    square: UnsafeMutablePointer<Float>, step: Int
  ) {
    let kept = Float(1 - rate * Double(decay))
    let size = Float(rate / (1 - power(Double(beta1), step)))
    let correction = Float(1 / (1 - power(Double(beta2), step)).squareRoot())
    for index in 0..<count {
      let gradient = scale * gradients[index]
      mean[index] = beta1 * mean[index] + (1 - beta1) * gradient
      square[index] = beta2 * square[index] + (1 - beta2) * gradient * gradient
      let root = square[index].squareRoot() * correction + epsilon
      weights[index] = kept * weights[index] - size * mean[index] / root
    }
  }
}

/// base^exponent by squaring: the same bits everywhere.
private func power(_ base: Double, _ exponent: Int) -> Double {
  var (result, square, rest) = (1.0, base, exponent)
  while rest > 0 {
    if rest & 1 == 1 { result *= square }
    square *= square
    rest >>= 1
  }
  return result
}

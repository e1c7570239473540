import Glibc
import NeuralNetwork
import RetinaNetModel

/// The values a RetinaNet's parameters start from (the paper, section 4.1; torchvision).
///
/// Backbone convolutions are normal with variance 2 / fan out (He et al. 2015), pyramid convolutions uniform with
/// variance 1 / fan in, head convolutions normal with standard deviation 0.01; biases are 0, norms start as the
/// identity. The last class convolution's bias makes every score the prior, so that the many background anchors
/// do not drown the first steps.
public struct InitialParameters: Sendable {
  /// The score of every anchor and class before training; nil leaves the bias 0, a score of 0.5.
  public var prior: Double?
  /// The run's seed.
  public var seed: UInt64

  /// Creates the rule; the default prior is the paper's.
  public init(prior: Double? = 0.01, seed: UInt64) {
    precondition(prior.map { $0 > 0 && $0 < 1 } ?? true, "a prior of \(prior ?? 0)")
    self.prior = prior
    self.seed = seed
  }

  /// Values for one parameter: the same whichever others are asked for, and in which order.
  ///
  /// - Parameter parameter: one of the network's, by torchvision's name.
  /// - Returns: as many numbers as its shape has.
  public func values(_ parameter: NetworkGraph.Parameter) -> [Float] {
    let name = parameter.name
    let shape = parameter.shape
    let count = shape.reduce(1, *)
    guard shape.count == 4 else {
      if name == "head.classification_head.cls_logits.bias", let prior {
        return [Float](repeating: Float(-log((1 - prior) / prior)), count: count)
      }
      // Norms' weights and variances. Convolutions' own weights have four dimensions.
      let isOne = name.hasSuffix(".weight") || name.hasSuffix(".running_var")
      return [Float](repeating: isOne ? 1 : 0, count: count)
    }
    var random = RandomStream(seed: seed, name: name)
    let window = shape[2] * shape[3]
    if name.hasPrefix("head.") {
      return (0..<count).map { _ in Float(0.01 * random.normal()) }
    }
    if name.hasPrefix("backbone.fpn.") {
      let bound = (3 / Double(shape[1] * window)).squareRoot()
      return (0..<count).map { _ in Float(random.uniform(-bound...bound)) }
    }
    let deviation = (2 / Double(shape[0] * window)).squareRoot()
    return (0..<count).map { _ in Float(deviation * random.normal()) }
  }
}

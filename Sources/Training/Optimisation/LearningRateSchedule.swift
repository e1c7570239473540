import Glibc

/// The learning rate by iteration: a linear warm-up, then steps or a cosine.
public struct LearningRateSchedule: Equatable, Sendable {
  /// What follows the warm-up.
  public enum Shape: Equatable, Sendable {
    /// Multiplied by `factor` at each of these iterations, rising.
    case steps(at: [Int], factor: Double = 0.1)
    /// Half a cosine over the whole training, down to this fraction of the base rate (Loshchilov and Hutter 2017).
    case cosine(final: Double = 0)
  }

  /// The rate after the warm-up.
  public var base: Double
  /// What follows the warm-up.
  public var shape: Shape
  /// Iterations of the warm-up.
  public var warmUp: Int
  /// The fraction of the rate at the first iteration of the warm-up; 0.001 in torchvision's recipes.
  public var warmUpFactor: Double
  /// Iterations of the training.
  public var iterations: Int

  /// Creates a schedule.
  public init(
    base: Double, shape: Shape, warmUp: Int = 0, warmUpFactor: Double = 0.001, iterations: Int
  ) {
    self.base = base
    self.shape = shape
    self.warmUp = warmUp
    self.warmUpFactor = warmUpFactor
    self.iterations = iterations
  }

  /// The rate of one iteration, counted from 0.
  public func rate(at iteration: Int) -> Double {
    var rate = base
    switch shape {
    case .steps(let iterations, let factor):
      for step in iterations where iteration >= step { rate *= factor }
    case .cosine(let final):
      let progress = min(1, Double(iteration) / Double(max(1, iterations)))
      rate *= final + (1 - final) * (1 + cos(.pi * progress)) / 2
    }
    if iteration < warmUp {
      let progress = Double(iteration) / Double(warmUp)
      rate *= warmUpFactor + (1 - warmUpFactor) * progress
    }
    return rate
  }
}

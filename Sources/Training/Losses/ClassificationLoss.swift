import Glibc

/// The loss of one class logit, as the paper has them (Lin et al. 2017, sections 3 and 5, appendices A and B).
///
/// With y = +1 where the anchor is an object of the class and -1 elsewhere, x_t = y * logit and
/// p_t = sigmoid(x_t). `alpha` in 0...1 weighs labels: alpha_t is alpha for y = +1 and 1 - alpha for y = -1;
/// nil weighs both by 1.
public enum ClassificationLoss: Equatable, Sendable {
  /// -alpha_t log p_t.
  case crossEntropy(alpha: Double? = nil)
  /// -alpha_t (1 - p_t)^gamma log p_t, gamma >= 0. The paper's best are gamma 2 with alpha 0.25.
  case focal(gamma: Double = 2, alpha: Double? = 0.25)
  /// -alpha_t log(sigmoid(gamma x_t + beta)) / gamma, gamma > 0: FL*, which focal loss resembles.
  case focalStar(gamma: Double, beta: Double, alpha: Double? = 0.25)

  /// The loss and its derivative by the logit, finite for any logit that is: the plain form that
  /// `evaluate(_:labels:scale:)` is tested against.
  ///
  /// - Parameters:
  ///   - logit: any finite number.
  ///   - isObject: whether y is +1.
  /// - Returns: both in double precision.
  public func evaluate(logit: Double, isObject: Bool) -> (value: Double, derivative: Double) {
    let sign: Double = isObject ? 1 : -1
    let x = sign * logit
    let value: Double
    let slope: Double
    switch self {
    case .crossEntropy:
      value = softplus(-x)
      slope = -sigmoid(-x)
    case .focal(let gamma, _):
      // 1 - p_t is sigmoid(-x_t), its power the exponential of a sum: nothing cancels on either side.
      let modulation = exp(-gamma * softplus(x))
      value = modulation * softplus(-x)
      // p_t log p_t is 0 where p_t is, however far away the logit.
      let entropy = sigmoid(x) * softplus(-x)
      slope = -modulation * (gamma * entropy + sigmoid(-x))
    case .focalStar(let gamma, let beta, _):
      let z = gamma * x + beta
      value = softplus(-z) / gamma
      slope = -sigmoid(-z)
    }
    let weight = weight(isObject: isObject)
    return (weight * value, weight * sign * slope)
  }

  /// alpha_t.
  func weight(isObject: Bool) -> Double {
    switch self {
    case .crossEntropy(let alpha), .focal(_, let alpha), .focalStar(_, _, let alpha):
      guard let alpha else { return 1 }
      return isObject ? alpha : 1 - alpha
    }
  }
}

/// log(1 + exp(x)).
private func softplus(_ x: Double) -> Double { max(x, 0) + log1p(exp(-abs(x))) }

/// 1 / (1 + exp(-x)), with full relative precision on both sides.
private func sigmoid(_ x: Double) -> Double {
  let small = exp(-abs(x))
  return (x < 0 ? small : 1) / (1 + small)
}

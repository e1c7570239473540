/// The label of one class logit, as the kernel below reads it.
enum ClassLabel {
  /// The anchor is an object of this class.
  static let object: Float = 1
  /// It is not.
  static let background: Float = -1
  /// The anchor takes no part, or the number is padding.
  static let none: Float = 0
}

extension ClassificationLoss {
  /// Loss and gradient of many logits, eight at a time, in float32.
  ///
  /// - Parameters:
  ///   - logits: numbers in any order; a multiple of 8 of them.
  ///   - labels: for each a `ClassLabel`; replaced by the gradient.
  ///   - scale: what the gradient is multiplied by.
  /// - Returns: the sum of the losses, not scaled. Numbers without a label add nothing, NaN or not.
  func evaluate(
    _ logits: Span<Float>, labels: inout MutableSpan<Float>, scale: Double
  ) -> Double {
    precondition(
      logits.count == labels.count && logits.count % 8 == 0,
      "\(logits.count) logits with \(labels.count) labels")
    // Of FL*, the argument's factor and shift; its value is the cross entropy there over gamma.
    var factor: Float = 1
    var shift: Float = 0
    var valueFactor = 1.0
    var modulation = Modulation.none
    switch self {
    case .crossEntropy:
      break
    case .focal(let gamma, _):
      modulation = gamma == 0 ? .none : gamma == 2 ? .square : .power(Float(gamma))
    case .focalStar(let gamma, let beta, _):
      factor = Float(gamma)
      shift = Float(beta)
      valueFactor = 1 / gamma
    }
    let weights = LabelWeights(
      object: Float(weight(isObject: true)), background: Float(weight(isObject: false)))
    // The switch outside the loop: the compiler makes one straight loop of each.
    let sum =
      switch modulation {
      case .none:
        sweep(logits, &labels, weights, Float(scale), factor, shift) { ($0.entropy, $0.miss) }
      case .square:
        sweep(logits, &labels, weights, Float(scale), factor, shift) {
          let square = $0.miss * $0.miss
          return (square * $0.entropy, square * (2 * ($0.hit * $0.entropy) + $0.miss))
        }
      case .power(let gamma):
        sweep(logits, &labels, weights, Float(scale), factor, shift) {
          let power = exponential(-gamma * $0.missEntropy)
          return (power * $0.entropy, power * (gamma * ($0.hit * $0.entropy) + $0.miss))
        }
      }
    return valueFactor * sum
  }
}

/// (1 - p_t)^gamma.
private enum Modulation {
  case none
  case square
  case power(Float)
}

/// alpha_t by label.
private struct LabelWeights {
  var object: Float
  var background: Float
}

/// Eight logits' p_t, 1 - p_t, -log p_t and -log(1 - p_t).
private struct Probability {
  var hit: SIMD8<Float>
  var miss: SIMD8<Float>
  var entropy: SIMD8<Float>
  var missEntropy: SIMD8<Float>

  @inline(__always)
  init(_ x: SIMD8<Float>) {
    let isNegative = x .< 0
    let magnitude = x.replacing(with: -x, where: isNegative)
    let small = exponential(-magnitude)
    let logarithm = logarithmOfOnePlus(small)
    let near = 1 / (1 + small)
    let far = small * near
    hit = near.replacing(with: far, where: isNegative)
    miss = far.replacing(with: near, where: isNegative)
    entropy = logarithm.replacing(with: logarithm + magnitude, where: isNegative)
    missEntropy = (logarithm + magnitude).replacing(with: logarithm, where: isNegative)
  }
}

/// Runs `loss`, which gives value and negative slope by x_t, over all logits.
@inline(__always)
private func sweep(
  _ logits: Span<Float>, _ labels: inout MutableSpan<Float>,
  _ weights: LabelWeights, _ scale: Float, _ factor: Float, _ shift: Float,
  loss: (Probability) -> (value: SIMD8<Float>, slope: SIMD8<Float>)
) -> Double {
  let source = logits.bytes
  var target = labels.mutableBytes
  let count = source.byteCount
  var total = 0.0
  var start = 0
  while start < count {
    // Float32 sums of a few hundred numbers a lane, float64 between them.
    let end = min(count, start + 256 * MemoryLayout<SIMD8<Float>>.stride)
    var sum = SIMD8<Float>.zero
    while start < end {
      // Unchecked: both hold a multiple of eight numbers, as many as each other.
      let label = target.unsafeLoadUnaligned(
        fromUncheckedByteOffset: start, as: SIMD8<Float>.self)
      let logit = source.unsafeLoadUnaligned(
        fromUncheckedByteOffset: start, as: SIMD8<Float>.self)
      let (value, slope) = loss(Probability(factor * (label * logit) + shift))
      let weight = SIMD8<Float>(repeating: weights.background)
        .replacing(with: weights.object, where: label .> 0)
      let isSilent = label .== 0
      sum += (weight * value).replacing(with: 0, where: isSilent)
      let gradient = (-scale * weight * label) * slope
      target.storeBytes(
        of: gradient.replacing(with: 0, where: isSilent), toUncheckedByteOffset: start,
        as: SIMD8<Float>.self)
      start += MemoryLayout<SIMD8<Float>>.stride
    }
    for lane in 0..<8 { total += Double(sum[lane]) }
  }
  return total
}

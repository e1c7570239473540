import BoxGeometry
import Glibc

/// The loss of one object's four box outputs.
public enum BoxLoss: Equatable, Sendable {
  /// Sum of |difference| over the encoded deltas (torchvision's first RetinaNet, Detectron2, MMDetection).
  case l1
  /// Of each difference d: d^2 / (2 beta) below beta, |d| - beta / 2 from there on (Girshick 2015; the paper's
  /// code has beta 0.11). beta > 0.
  case smoothL1(beta: Double)
  /// 1 - IoU + (C - U) / C of the decoded boxes, U their union's area and C that of the box around both
  /// (Rezatofighi et al. 2019; torchvision's second RetinaNet), with torchvision's 1e-7 in the denominators.
  case giou

  /// The loss and its gradient.
  ///
  /// Where two corners coincide, `max` and `min` have no derivative; half of it goes to each, as in PyTorch.
  ///
  /// - Parameters:
  ///   - deltas: the network's four outputs.
  ///   - anchor: where they belong.
  ///   - target: the object, with positive sides.
  ///   - coder: what the deltas mean.
  /// - Returns: the value, and its derivatives by dx, dy, dw, dh.
  public func evaluate(
    _ deltas: BoxDeltas, anchor: Box, target: Box, coder: BoxCoder = .init()
  ) -> (value: Double, gradient: SIMD4<Double>) {
    switch self {
    case .l1:
      let difference = Self.difference(deltas, anchor, target, coder)
      return (Self.magnitude(difference).sum(), Self.sign(difference))
    case .smoothL1(let beta):
      let difference = Self.difference(deltas, anchor, target, coder)
      let magnitude = Self.magnitude(difference)
      let isNear = magnitude .< beta
      let value = (magnitude - beta / 2)
        .replacing(with: difference * difference / (2 * beta), where: isNear)
      let gradient = Self.sign(difference).replacing(with: difference / beta, where: isNear)
      return (value.sum(), gradient)
    case .giou:
      return Self.generalizedIoU(deltas, anchor, target, coder)
    }
  }

  private static func difference(
    _ deltas: BoxDeltas, _ anchor: Box, _ target: Box, _ coder: BoxCoder
  ) -> SIMD4<Double> {
    SIMD4(deltas) - SIMD4(coder.encode(target, relativeTo: anchor))
  }

  private static func magnitude(_ x: SIMD4<Double>) -> SIMD4<Double> {
    x.replacing(with: -x, where: x .< 0)
  }

  private static func sign(_ x: SIMD4<Double>) -> SIMD4<Double> {
    SIMD4.zero.replacing(with: 1, where: x .> 0).replacing(with: -1, where: x .< 0)
  }

  private static func generalizedIoU(
    _ deltas: BoxDeltas, _ anchor: Box, _ target: Box, _ coder: BoxCoder
  ) -> (value: Double, gradient: SIMD4<Double>) {
    let weights = SIMD4<Double>(coder.weights)
    let limit = Double(coder.logRatioLimit)
    let limits = (coder.limitsBothWays ? -limit : -.infinity)...limit
    let x = Side(
      shift: Double(deltas.dx) / weights.x, logRatio: Double(deltas.dw) / weights.z,
      limits: limits, anchor: (anchor.minX, anchor.maxX), target: (target.minX, target.maxX))
    let y = Side(
      shift: Double(deltas.dy) / weights.y, logRatio: Double(deltas.dh) / weights.w,
      limits: limits, anchor: (anchor.minY, anchor.maxY), target: (target.minY, target.maxY))
    let epsilon = 1e-7
    let overlaps = x.shared > 0 && y.shared > 0
    let intersection = overlaps ? x.shared * y.shared : 0
    let union = x.length * y.length + x.targetLength * y.targetLength - intersection
    let around = x.around * y.around
    let value =
      1 - intersection / (union + epsilon) + (around - union) / (around + epsilon)

    let byUnion =
      intersection / ((union + epsilon) * (union + epsilon)) - 1 / (around + epsilon)
    let byIntersection = overlaps ? -1 / (union + epsilon) - byUnion : 0
    let byAround = (union + epsilon) / ((around + epsilon) * (around + epsilon))
    let (dx, dw) = x.gradient(
      byLength: byUnion * y.length, byShared: byIntersection * y.shared,
      byAround: byAround * y.around)
    let (dy, dh) = y.gradient(
      byLength: byUnion * x.length, byShared: byIntersection * x.shared,
      byAround: byAround * x.around)
    return (value, SIMD4(dx, dy, dw, dh) / weights)
  }
}

/// One dimension of two boxes: a predicted interval, the target's, what they share and what is around both.
private struct Side {
  let length: Double
  let targetLength: Double
  /// Negative where they do not meet.
  let shared: Double
  let around: Double

  private let anchorLength: Double
  private let low: Double
  private let high: Double
  private let targetLow: Double
  private let targetHigh: Double
  private let isClamped: Bool

  init(
    shift: Double, logRatio: Double, limits: ClosedRange<Double>, anchor: (Float, Float),
    target: (Float, Float)
  ) {
    let limited = min(max(logRatio, limits.lowerBound), limits.upperBound)
    isClamped = limited != logRatio
    anchorLength = Double(anchor.1) - Double(anchor.0)
    let centre = shift * anchorLength + Double(anchor.0) + 0.5 * anchorLength
    let extent = exp(limited) * anchorLength
    low = centre - 0.5 * extent
    high = centre + 0.5 * extent
    targetLow = Double(target.0)
    targetHigh = Double(target.1)
    length = high - low
    targetLength = targetHigh - targetLow
    shared = min(high, targetHigh) - max(low, targetLow)
    around = max(high, targetHigh) - min(low, targetLow)
  }

  /// Derivatives by shift and logarithm of the ratio from those by the three lengths.
  func gradient(
    byLength: Double, byShared: Double, byAround: Double
  ) -> (shift: Double, logRatio: Double) {
    let byLow =
      -byLength - byShared * share(low, over: targetLow) - byAround * share(targetLow, over: low)
    let byHigh =
      byLength + byShared * share(targetHigh, over: high) + byAround * share(high, over: targetHigh)
    return (
      (byLow + byHigh) * anchorLength, isClamped ? 0 : (byHigh - byLow) * 0.5 * length
    )
  }

  /// The part of max(a, b)'s derivative that is a's.
  private func share(_ a: Double, over b: Double) -> Double { a > b ? 1 : a == b ? 0.5 : 0 }
}

extension SIMD4<Double> {
  fileprivate init(_ deltas: BoxDeltas) {
    self.init(Double(deltas.dx), Double(deltas.dy), Double(deltas.dw), Double(deltas.dh))
  }
}

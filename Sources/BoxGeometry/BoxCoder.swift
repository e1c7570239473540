import Glibc

/// A box relative to an anchor, as the box subnet predicts it (Girshick et al. 2014, appendix C). Dimensionless.
public struct BoxDeltas: Equatable, Sendable {
  /// Shift of the centre in anchor widths.
  public var dx: Float
  /// Shift of the centre in anchor heights.
  public var dy: Float
  /// Natural logarithm of the ratio of widths.
  public var dw: Float
  /// Natural logarithm of the ratio of heights.
  public var dh: Float

  /// Creates deltas in the order of the network's four channels.
  public init(dx: Float, dy: Float, dw: Float, dh: Float) {
    self.dx = dx
    self.dy = dy
    self.dw = dw
    self.dh = dh
  }
}

/// Turns boxes into deltas to an anchor and back. Float32 throughout, in torchvision's order of operations: equal
/// to torchvision (`models/detection/_utils.py`) except for the last bit of `exp` and `log`, which differs between C
/// libraries. The defaults are those of every published RetinaNet but for `limitsBothWays`.
public struct BoxCoder: Equatable, Sendable {
  /// What the network's four channels are multiples of, for dx, dy, dw, dh (MMDetection's 1 / `target_stds`).
  public var weights: SIMD4<Float>
  /// Largest `dw` and `dh` that decoding takes, larger ones are clamped to it: ln(1000 / 16), a box 62.5 times its
  /// anchor.
  public var logRatioLimit: Float
  /// Whether `dw` and `dh` are clamped from below too, to the negative of the limit (MMDetection).
  public var limitsBothWays: Bool

  /// Creates a coder.
  public init(
    weights: SIMD4<Float> = .one, logRatioLimit: Float = 4.135166556742356,
    limitsBothWays: Bool = false
  ) {
    self.weights = weights
    self.logRatioLimit = logRatioLimit
    self.limitsBothWays = limitsBothWays
  }

  /// Describes a box relative to an anchor.
  ///
  /// - Parameters:
  ///   - box: what the deltas should decode to; its sides must be positive, or the deltas are not finite.
  ///   - anchor: the anchor; its sides must be positive.
  /// - Returns: dx = (box centre x - anchor centre x) / anchor width, dw = ln(box width / anchor width), and
  ///   likewise dy and dh, each times its weight.
  public func encode(_ box: Box, relativeTo anchor: Box) -> BoxDeltas {
    let anchorWidth = anchor.width
    let anchorHeight = anchor.height
    let boxWidth = box.width
    let boxHeight = box.height
    let anchorX = anchor.minX + 0.5 * anchorWidth
    let anchorY = anchor.minY + 0.5 * anchorHeight
    let boxX = box.minX + 0.5 * boxWidth
    let boxY = box.minY + 0.5 * boxHeight
    return BoxDeltas(
      dx: weights.x * (boxX - anchorX) / anchorWidth,
      dy: weights.y * (boxY - anchorY) / anchorHeight,
      dw: weights.z * log(boxWidth / anchorWidth), dh: weights.w * log(boxHeight / anchorHeight))
  }

  /// The box that deltas describe.
  ///
  /// - Parameters:
  ///   - deltas: the network's four channels at the anchor. NaN stays NaN.
  ///   - anchor: the anchor.
  /// - Returns: corners in the anchor's frame, not clipped.
  public func decode(_ deltas: BoxDeltas, relativeTo anchor: Box) -> Box {
    let width = anchor.width
    let height = anchor.height
    let dw = limited(deltas.dw / weights.z)
    let dh = limited(deltas.dh / weights.w)
    let centerX = deltas.dx / weights.x * width + (anchor.minX + 0.5 * width)
    let centerY = deltas.dy / weights.y * height + (anchor.minY + 0.5 * height)
    let halfWidth = 0.5 * (exp(dw) * width)
    let halfHeight = 0.5 * (exp(dh) * height)
    return Box(
      minX: centerX - halfWidth, minY: centerY - halfHeight, maxX: centerX + halfWidth,
      maxY: centerY + halfHeight)
  }

  /// A NaN is beyond no limit, so it stays, as in torch.clamp.
  private func limited(_ logRatio: Float) -> Float {
    if logRatio > logRatioLimit { return logRatioLimit }
    return limitsBothWays && logRatio < -logRatioLimit ? -logRatioLimit : logRatio
  }
}

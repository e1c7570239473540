/// The one-dimensional transforms of Winograd F(4, 3) with the points 0, ±5/8, ±3/2 and infinity, applied to the columns
/// and then the rows of a tile: Y = Aᵀ [(G g Gᵀ) ⊙ (Bᵀ d B)] A.
///
/// Against the usual points 0, ±1, ±2 the largest error is a quarter, at the same cost. Sums are bracketed here once for
/// all, and nothing is contracted to a fused multiply-add: every instruction set gives the same bits.
///
/// G's rows and A's columns of ±3/2 are negated, which cancels: so outputs are differences of products. Of two products
/// whose sum is wanted, the compiler (Swift 6.3 has no vector additions, it finds them again among the lanes') takes every
/// other lane of the one and of the other, and shuffles them back afterwards: half again as many instructions.
enum WinogradArithmetic {
  /// Numbers of as many channels. Explicit, because the compiler makes scalar code of plain loops here; 4, because
  /// baseline x86-64 has registers of 4 and too few of them for more.
  typealias Vector = SIMD4<Float>
  typealias DoubleVector = SIMD4<Double>

  // The points and their powers are exact in float32.
  @inline(__always) private static var a: Float { 0.625 }
  @inline(__always) private static var b: Float { 1.5 }
  @inline(__always) private static var a2: Float { 0.390625 }
  @inline(__always) private static var b2: Float { 2.25 }
  @inline(__always) private static var a3: Float { 0.244140625 }
  @inline(__always) private static var b3: Float { 3.375 }

  /// Bᵀ d: from six inputs.
  @inline(__always)
  static func input(
    _ d: (Vector, Vector, Vector, Vector, Vector, Vector)
  ) -> (Vector, Vector, Vector, Vector, Vector, Vector) {
    let evenA = d.4 - b2 * d.2
    let oddA = a * (d.3 - b2 * d.1)
    let evenB = d.4 - a2 * d.2
    let oddB = b * (d.3 - a2 * d.1)
    return (
      a2 * b2 * d.0 - (a2 + b2) * d.2 + d.4, evenA + oddA, evenA - oddA, evenB + oddB,
      evenB - oddB, a2 * b2 * d.1 - (a2 + b2) * d.3 + d.5
    )
  }

  /// Aᵀ m: four outputs.
  @inline(__always)
  static func output(
    _ m: (Vector, Vector, Vector, Vector, Vector, Vector)
  ) -> (Vector, Vector, Vector, Vector) {
    let evenA = m.1 + m.2
    let oddA = m.1 - m.2
    let evenB = m.3 + m.4
    let oddB = m.3 - m.4
    return (
      m.0 + evenA - evenB, a * oddA - b * oddB, a2 * evenA - b2 * evenB,
      a3 * oddA - b3 * oddB + m.5
    )
  }

  /// A y: from the gradient by four outputs.
  @inline(__always)
  static func outputGradient(
    _ y: (Vector, Vector, Vector, Vector)
  ) -> (Vector, Vector, Vector, Vector, Vector, Vector) {
    let evenA = y.0 + a2 * y.2
    let oddA = a * y.1 + a3 * y.3
    let evenB = -b2 * y.2 - y.0
    let oddB = -b * y.1 - b3 * y.3
    return (y.0, evenA + oddA, evenA - oddA, evenB + oddB, evenB - oddB, y.3)
  }

  // G's rows are (1, x, x²) / N(x), N being the product of the differences to the other points (negated for ±3/2). These
  // are no round numbers, and an error in a weight is in every output: hence float64.
  @inline(__always) private static var n0: Double { 1 / (0.390625 * 2.25) }
  @inline(__always) private static var nA: Double { 1 / (2 * 0.390625 * (0.390625 - 2.25)) }
  @inline(__always) private static var nB: Double { 1 / (2 * 2.25 * (0.390625 - 2.25)) }

  /// G g: from three weights.
  @inline(__always)
  static func weights(
    _ g: (DoubleVector, DoubleVector, DoubleVector)
  ) -> (DoubleVector, DoubleVector, DoubleVector, DoubleVector, DoubleVector, DoubleVector) {
    let evenA = nA * g.0 + nA * 0.390625 * g.2
    let oddA = nA * 0.625 * g.1
    let evenB = nB * g.0 + nB * 2.25 * g.2
    let oddB = nB * 1.5 * g.1
    return (n0 * g.0, evenA + oddA, evenA - oddA, evenB + oddB, evenB - oddB, g.2)
  }

  /// Gᵀ u: the gradient by three weights.
  @inline(__always)
  static func weightGradient(
    _ u: (Vector, Vector, Vector, Vector, Vector, Vector)
  ) -> (Vector, Vector, Vector) {
    let n0 = Float(n0)
    let nA = Float(nA)
    let nB = Float(nB)
    let evenA = u.1 + u.2
    let oddA = u.1 - u.2
    let evenB = u.3 + u.4
    let oddB = u.3 - u.4
    return (
      n0 * u.0 + nA * evenA + nB * evenB, nA * 0.625 * oddA + nB * 1.5 * oddB,
      nA * 0.390625 * evenA + nB * 2.25 * evenB + u.5
    )
  }
}

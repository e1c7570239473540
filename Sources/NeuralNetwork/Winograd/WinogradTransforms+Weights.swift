/// The transforms of weights act on each pair of an input and an output channel alone: so they take numbers of pairs in
/// whatever order (such as the one in which the products want them), as one row for each of the nine taps or 36 points.
extension WinogradTransforms {
  /// Weights of a 3x3 convolution for a pair of channels.
  static let taps = 9

  private typealias Vector = WinogradArithmetic.DoubleVector

  /// Pairs that are transformed together: see `groupWidth`.
  private static let pairGroup = 128

  /// U = G g Gᵀ.
  ///
  /// The gradient by a convolution's input is a convolution too: of the gradient by its output, with the taps in reverse
  /// order and the roles of the channels exchanged.
  ///
  /// - Parameters:
  ///   - g: the weights, as [tap 0 ..< 9][count].
  ///   - count: how many pairs of channels there are, a multiple of 4 (with padding).
  ///   - u: the transformed weights, as [point 0 ..< 36][count].
  static func weights(
    _ g: UnsafePointer<Float>, count: Int, to u: UnsafeMutablePointer<Float>
  ) {
    precondition(count.isMultiple(of: Vector.scalarCount), "\(count) pairs of channels")
    withScratch(points * pairGroup, 0) { scratch, _ in
      for first in stride(from: 0, to: count, by: pairGroup) {
        let size = min(pairGroup, count - first)
        var at = 0
        while at < size {
          transform(g + (first &+ at), stride: count, to: scratch + at)
          at &+= Vector.scalarCount
        }
        for point in 0..<points {
          (u + (point * count + first)).update(from: scratch + point * pairGroup, count: size)
        }
      }
    }
  }

  /// G g Gᵀ of four pairs.
  @inline(__always)
  private static func transform(
    _ g: UnsafePointer<Float>, stride: Int, to target: UnsafeMutablePointer<Float>
  ) {
    @inline(__always)
    func column(_ index: Int) -> (Vector, Vector, Vector, Vector, Vector, Vector) {
      WinogradArithmetic.weights(
        (
          Vector(g.vector(at: index &* stride)), Vector(g.vector(at: (index &+ 3) &* stride)),
          Vector(g.vector(at: (index &+ 6) &* stride))
        ))
    }
    let (left, middle, right) = (column(0), column(1), column(2))
    @inline(__always)
    func row(_ index: Int, _ left: Vector, _ middle: Vector, _ right: Vector) {
      let u = WinogradArithmetic.weights((left, middle, right))
      target.store(
        (
          SIMD4<Float>(u.0), SIMD4<Float>(u.1), SIMD4<Float>(u.2), SIMD4<Float>(u.3),
          SIMD4<Float>(u.4), SIMD4<Float>(u.5)
        ), at: 6 &* index &* pairGroup, stride: pairGroup)
    }
    row(0, left.0, middle.0, right.0)
    row(1, left.1, middle.1, right.1)
    row(2, left.2, middle.2, right.2)
    row(3, left.3, middle.3, right.3)
    row(4, left.4, middle.4, right.4)
    row(5, left.5, middle.5, right.5)
  }

  /// dW = Gᵀ dU G: the gradient by the weights.
  ///
  /// - Parameters:
  ///   - du: the gradient by the transformed weights, as [point 0 ..< 36][count].
  ///   - count: how many pairs of channels there are, a multiple of 4 (with padding).
  ///   - dw: the gradient by the weights, as [tap 0 ..< 9][count]; overwritten.
  static func weightGradient(
    _ du: UnsafePointer<Float>, count: Int, to dw: UnsafeMutablePointer<Float>
  ) {
    precondition(count.isMultiple(of: Vector.scalarCount), "\(count) pairs of channels")
    withScratch(points * pairGroup, 0) { scratch, _ in
      for first in stride(from: 0, to: count, by: pairGroup) {
        let size = min(pairGroup, count - first)
        for point in 0..<points {
          (scratch + point * pairGroup).update(from: du + (point * count + first), count: size)
        }
        var at = 0
        while at < size {
          gradient(scratch + at, to: dw + (first &+ at), stride: count)
          at &+= Vector.scalarCount
        }
      }
    }
  }

  /// Gᵀ u G of four pairs.
  @inline(__always)
  private static func gradient(
    _ u: UnsafePointer<Float>, to target: UnsafeMutablePointer<Float>, stride: Int
  ) {
    typealias Vector = WinogradArithmetic.Vector
    @inline(__always)
    func column(_ index: Int) -> (Vector, Vector, Vector) {
      WinogradArithmetic.weightGradient(
        u.sixVectors(at: index &* pairGroup, stride: 6 &* pairGroup))
    }
    let (a, b, c) = (column(0), column(1), column(2))
    let (d, e, f) = (column(3), column(4), column(5))
    @inline(__always)
    func row(
      _ index: Int, _ u: (Vector, Vector, Vector, Vector, Vector, Vector)
    ) {
      let g = WinogradArithmetic.weightGradient(u)
      target.store(g.0, at: 3 &* index &* stride)
      target.store(g.1, at: (3 &* index &+ 1) &* stride)
      target.store(g.2, at: (3 &* index &+ 2) &* stride)
    }
    row(0, (a.0, b.0, c.0, d.0, e.0, f.0))
    row(1, (a.1, b.1, c.1, d.1, e.1, f.1))
    row(2, (a.2, b.2, c.2, d.2, e.2, f.2))
  }
}

extension WinogradTransforms {
  private typealias Vector = WinogradArithmetic.DoubleVector
  private typealias Six = (Vector, Vector, Vector, Vector, Vector, Vector)
  private typealias Nine = (
    Vector, Vector, Vector, Vector, Vector, Vector, Vector, Vector, Vector
  )

  /// Weights of a row that are transformed together: see `groupWidth`.
  private static let weightGroup = 128

  /// U = G g Gᵀ of the weights g of a 3x3 convolution, as [point 0 ..< 36][rows][columns].
  ///
  /// - Parameters:
  ///   - weights: (output channels, input channels, 3, 3).
  ///   - outputChannels: how many `weights` has.
  ///   - inputChannels: likewise.
  ///   - turned: false for the convolution itself: rows are output channels, columns input channels. True for the
  ///     convolution that makes the gradient by the input of that by the output: kernels are turned by 180°, rows are
  ///     input channels, columns output channels.
  ///   - rows: of `u`, at least as many as there are channels; those beyond are 0.
  ///   - columns: likewise.
  ///   - u: the transformed weights.
  static func weights(
    _ weights: UnsafePointer<Float>, outputChannels: Int, inputChannels: Int, turned: Bool,
    rows: Int, columns: Int, to u: UnsafeMutablePointer<Float>
  ) {
    let rowCount = turned ? inputChannels : outputChannels
    let columnCount = turned ? outputChannels : inputChannels
    let rowStep = turned ? 9 : 9 * inputChannels
    let columnStep = turned ? 9 * inputChannels : 9
    precondition(rows >= rowCount && columns >= columnCount, "fewer rows or columns than channels")
    let pointStride = rows * columns
    withScratch(points * weightGroup + 9, 0) { scratch, _ in
      let zeros = scratch + points * weightGroup
      zeros.update(repeating: 0, count: 9)
      for first in stride(from: 0, to: columns, by: weightGroup) {
        let count = min(weightGroup, columns - first)
        for row in 0..<rowCount {
          let source = weights + row * rowStep
          @inline(__always)
          func kernel(_ column: Int) -> UnsafePointer<Float> {
            column < columnCount ? source + column * columnStep : UnsafePointer(zeros)
          }
          for column in stride(from: first, to: first + count, by: 4) {
            let kernels = (
              kernel(column), kernel(column + 1), kernel(column + 2), kernel(column + 3)
            )
            transform(
              turned ? turnedNumbers(kernels) : numbers(kernels), to: scratch + (column - first))
          }
          for point in 0..<points {
            (u + (point * pointStride + row * columns + first)).update(
              from: scratch + point * weightGroup, count: count)
          }
        }
      }
      for point in 0..<points {
        (u + (point * pointStride + rowCount * columns)).update(
          repeating: 0, count: (rows - rowCount) * columns)
      }
    }
  }

  /// The nine weights of four kernels.
  @inline(__always)
  private static func numbers(
    _ kernels: (
      UnsafePointer<Float>, UnsafePointer<Float>, UnsafePointer<Float>, UnsafePointer<Float>
    )
  ) -> Nine {
    @inline(__always)
    func number(_ index: Int) -> Vector {
      Vector(
        Double(kernels.0[index]), Double(kernels.1[index]), Double(kernels.2[index]),
        Double(kernels.3[index]))
    }
    return (
      number(0), number(1), number(2), number(3), number(4), number(5), number(6), number(7),
      number(8)
    )
  }

  @inline(__always)
  private static func turnedNumbers(
    _ kernels: (
      UnsafePointer<Float>, UnsafePointer<Float>, UnsafePointer<Float>, UnsafePointer<Float>
    )
  ) -> Nine {
    let g = numbers(kernels)
    return (g.8, g.7, g.6, g.5, g.4, g.3, g.2, g.1, g.0)
  }

  /// G g Gᵀ of four kernels.
  @inline(__always)
  private static func transform(_ g: Nine, to target: UnsafeMutablePointer<Float>) {
    let left = WinogradArithmetic.weights((g.0, g.3, g.6))
    let middle = WinogradArithmetic.weights((g.1, g.4, g.7))
    let right = WinogradArithmetic.weights((g.2, g.5, g.8))
    @inline(__always)
    func row(_ index: Int, _ left: Vector, _ middle: Vector, _ right: Vector) {
      let u = WinogradArithmetic.weights((left, middle, right))
      target.store(
        (
          SIMD4<Float>(u.0), SIMD4<Float>(u.1), SIMD4<Float>(u.2), SIMD4<Float>(u.3),
          SIMD4<Float>(u.4), SIMD4<Float>(u.5)
        ), at: 6 &* index &* weightGroup, stride: weightGroup)
    }
    row(0, left.0, middle.0, right.0)
    row(1, left.1, middle.1, right.1)
    row(2, left.2, middle.2, right.2)
    row(3, left.3, middle.3, right.3)
    row(4, left.4, middle.4, right.4)
    row(5, left.5, middle.5, right.5)
  }

  /// dW = Gᵀ dU G: the gradient by the weights (output channels, input channels, 3, 3) of that by the transformed ones.
  ///
  /// - Parameters:
  ///   - du: [point 0 ..< 36][rows: output channels][columns: input channels].
  ///   - outputChannels: how many the convolution has.
  ///   - inputChannels: likewise.
  ///   - rows: of `du`, at least as many as there are channels; those beyond are ignored.
  ///   - columns: likewise.
  ///   - dw: the gradient by the weights; overwritten.
  static func weightGradient(
    _ du: UnsafePointer<Float>, outputChannels: Int, inputChannels: Int, rows: Int, columns: Int,
    to dw: UnsafeMutablePointer<Float>
  ) {
    precondition(
      rows >= outputChannels && columns >= inputChannels, "fewer rows or columns than channels")
    let pointStride = rows * columns
    withScratch(points * weightGroup, 0) { scratch, _ in
      // The lanes after the last channel are computed too.
      scratch.update(repeating: 0, count: points * weightGroup)
      for row in 0..<outputChannels {
        for first in stride(from: 0, to: inputChannels, by: weightGroup) {
          let count = min(weightGroup, inputChannels - first)
          for point in 0..<points {
            (scratch + point * weightGroup).update(
              from: du + (point * pointStride + row * columns + first), count: count)
          }
          let target = dw + 9 * (row * inputChannels + first)
          for column in stride(from: 0, to: count, by: 4) {
            let g = gradient(UnsafePointer(scratch + column))
            for lane in 0..<min(4, count - column) {
              let kernel = target + 9 * (column + lane)
              kernel[0] = Float(g.0[lane])
              kernel[1] = Float(g.1[lane])
              kernel[2] = Float(g.2[lane])
              kernel[3] = Float(g.3[lane])
              kernel[4] = Float(g.4[lane])
              kernel[5] = Float(g.5[lane])
              kernel[6] = Float(g.6[lane])
              kernel[7] = Float(g.7[lane])
              kernel[8] = Float(g.8[lane])
            }
          }
        }
      }
    }
  }

  /// Gᵀ u G: the gradient by the nine weights of four kernels.
  @inline(__always)
  private static func gradient(_ u: UnsafePointer<Float>) -> Nine {
    @inline(__always)
    func column(_ index: Int) -> (Vector, Vector, Vector) {
      let six = u.sixVectors(at: index &* weightGroup, stride: 6 &* weightGroup)
      return WinogradArithmetic.weightGradient(
        (
          Vector(six.0), Vector(six.1), Vector(six.2), Vector(six.3), Vector(six.4), Vector(six.5)
        ))
    }
    let columns = (column(0), column(1), column(2), column(3), column(4), column(5))
    let top = WinogradArithmetic.weightGradient(
      (columns.0.0, columns.1.0, columns.2.0, columns.3.0, columns.4.0, columns.5.0))
    let middle = WinogradArithmetic.weightGradient(
      (columns.0.1, columns.1.1, columns.2.1, columns.3.1, columns.4.1, columns.5.1))
    let bottom = WinogradArithmetic.weightGradient(
      (columns.0.2, columns.1.2, columns.2.2, columns.3.2, columns.4.2, columns.5.2))
    return (
      top.0, top.1, top.2, middle.0, middle.1, middle.2, bottom.0, bottom.1, bottom.2
    )
  }
}

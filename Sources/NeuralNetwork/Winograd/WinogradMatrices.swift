/// The transforms of Winograd F(m x m, 3x3) as matrices, row by row: with the points 0, 1, -1 and infinity for m = 2, and
/// those of `WinogradArithmetic` for m = 4.
enum WinogradMatrices {
  /// Bᵀ, of inputs: (side + 2) x (side + 2).
  static func input(side: Int) -> [Float] {
    switch side {
    case 2: return [1, 0, -1, 0, 0, 1, 1, 0, 0, -1, 1, 0, 0, -1, 0, 1]
    case 4:
      return columns(6) { unit in
        typealias Vector = WinogradArithmetic.Vector
        let d = unit.map { Vector(repeating: Float($0)) }
        let t = WinogradArithmetic.input((d[0], d[1], d[2], d[3], d[4], d[5]))
        return [t.0, t.1, t.2, t.3, t.4, t.5].map { Double($0[0]) }
      }.map { Float($0) }
    default: preconditionFailure("tiles of \(side)x\(side) outputs")
    }
  }

  /// G, of weights: (side + 2) x 3.
  static func weights(side: Int) -> [Double] {
    switch side {
    case 2: return [1, 0, 0, 0.5, 0.5, 0.5, 0.5, -0.5, 0.5, 0, 0, 1]
    case 4:
      return columns(3) { unit in
        let g = unit.map { WinogradArithmetic.DoubleVector(repeating: $0) }
        let u = WinogradArithmetic.weights((g[0], g[1], g[2]))
        return [u.0, u.1, u.2, u.3, u.4, u.5].map { $0[0] }
      }
    default: preconditionFailure("tiles of \(side)x\(side) outputs")
    }
  }

  /// Aᵀ, of products: side x (side + 2).
  static func output(side: Int) -> [Float] {
    switch side {
    case 2: return [1, 1, 1, 0, 0, 1, -1, 1]
    case 4:
      return columns(6) { unit in
        let m = unit.map { WinogradArithmetic.Vector(repeating: Float($0)) }
        let y = WinogradArithmetic.output((m[0], m[1], m[2], m[3], m[4], m[5]))
        return [y.0, y.1, y.2, y.3].map { Double($0[0]) }
      }.map { Float($0) }
    default: preconditionFailure("tiles of \(side)x\(side) outputs")
    }
  }

  /// A linear function as a matrix: what it makes of each unit vector is a column.
  private static func columns(_ count: Int, _ function: ([Double]) -> [Double]) -> [Double] {
    let columns = (0..<count).map { index in
      function((0..<count).map { $0 == index ? 1 : 0 })
    }
    return columns[0].indices.flatMap { row in columns.map { $0[row] } }
  }
}

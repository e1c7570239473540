extension BlockedImage {
  /// Hands over the inputs of `Quantization.Product.winograd`: what each tile of the image becomes in the Winograd domain,
  /// before it is rounded. For calibration; a plan has faster means.
  ///
  /// - Parameters:
  ///   - side: outputs of a tile in each direction: 2 or 4.
  ///   - body: gets the channel and (side + 2)² numbers by point; called for every tile of every channel.
  public func forEachWinogradTile(side: Int, _ body: (_ channel: Int, _ points: [Float]) -> Void) {
    let transform = WinogradMatrices.input(side: side)
    let count = side + 2
    var tile = [Float](repeating: 0, count: count * count)
    var half = tile
    for channel in 0..<channels {
      for top in stride(from: 0, to: height, by: side) {
        for left in stride(from: 0, to: width, by: side) {
          for row in 0..<count {
            for column in 0..<count {
              let (y, x) = (top + row - 1, left + column - 1)
              let isInside = y >= 0 && y < height && x >= 0 && x < width
              tile[row * count + column] = isInside ? self[channel: channel, y: y, x: x] : 0
            }
          }
          // Bᵀ d, then (Bᵀ d) B.
          for row in 0..<count {
            for column in 0..<count {
              var sum: Float = 0
              for k in 0..<count { sum += transform[row * count + k] * tile[k * count + column] }
              half[row * count + column] = sum
            }
          }
          for row in 0..<count {
            for column in 0..<count {
              var sum: Float = 0
              for k in 0..<count { sum += half[row * count + k] * transform[column * count + k] }
              tile[row * count + column] = sum
            }
          }
          body(channel, tile)
        }
      }
    }
  }
}

/// The transforms of Winograd F(m x m, 3x3) as matrices, row by row: with the points 0, 1, -1 and infinity for m = 2, and
/// those of `WinogradArithmetic` for m = 4.
enum WinogradMatrices {
  /// Bᵀ, of inputs.
  static func input(side: Int) -> [Float] {
    switch side {
    case 2: [1, 0, -1, 0, 0, 1, 1, 0, 0, -1, 1, 0, 0, -1, 0, 1]
    case 4:
      (0..<6).flatMap { row -> [Float] in
        // Column by column: what the transform makes of a unit.
        (0..<6).map { column in
          func unit(_ index: Int) -> WinogradArithmetic.Vector {
            .init(repeating: index == column ? 1 : 0)
          }
          let t = WinogradArithmetic.input((unit(0), unit(1), unit(2), unit(3), unit(4), unit(5)))
          return [t.0, t.1, t.2, t.3, t.4, t.5][row][0]
        }
      }
    default: preconditionFailure("tiles of \(side)x\(side) outputs")
    }
  }
}

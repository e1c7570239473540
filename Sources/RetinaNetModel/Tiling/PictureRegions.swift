/// The regions of one picture that are looked at, in the order of their numbers: the tiles row by row, then the whole
/// picture; or it alone, where nothing is tiled or a single tile holds it. Computed when asked for: there may be millions.
package struct PictureRegions: RandomAccessCollection, Equatable, Sendable {
  private let width: Int
  private let height: Int
  private let columns: TileAxis
  private let rows: TileAxis
  private let hasWhole: Bool

  package init(width: Int, height: Int, tiling: Tiling?) {
    precondition(width > 0 && height > 0, "a picture of \(width)x\(height)")
    self.width = width
    self.height = height
    columns = TileAxis(length: width, tiling)
    rows = TileAxis(length: height, tiling)
    hasWhole = tiling?.includesWhole ?? false
  }

  package var startIndex: Int { 0 }
  package var endIndex: Int {
    let tiles = columns.count * rows.count
    return tiles > 1 && hasWhole ? tiles + 1 : tiles
  }

  package subscript(index: Int) -> PictureRegion {
    precondition(indices.contains(index), "region \(index) of \(count)")
    guard index < columns.count * rows.count else {
      return PictureRegion(x: 0, y: 0, width: width, height: height)
    }
    let (row, column) = index.quotientAndRemainder(dividingBy: columns.count)
    return PictureRegion(
      x: columns.start(column), y: rows.start(row), width: columns.side, height: rows.side)
  }
}

/// Where tiles begin along one axis: step by step, the last moved inwards so that it ends with the picture (SAHI's
/// `get_slice_bboxes`; the same places as DeepForest's windows).
private struct TileAxis: Equatable {
  let length: Int
  /// Pixels of each tile along this axis.
  let side: Int
  let count: Int
  private let step: Int

  init(length: Int, _ tiling: Tiling?) {
    self.length = length
    guard let tiling, tiling.side < length else {
      (side, count, step) = (length, 1, length)
      return
    }
    side = tiling.side
    // Bounded: at most nine tenths of the side, so that a step is at least a pixel.
    step = side - Int(Double(side) * tiling.overlap)
    count = 1 + (length - side + step - 1) / step
  }

  func start(_ index: Int) -> Int { Swift.min(index * step, length - side) }
}

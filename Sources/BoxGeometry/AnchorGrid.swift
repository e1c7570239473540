/// All anchors of one input, computed on demand: an index or a place in, a box out. Nothing is stored per anchor
/// (201 600 of them for 800x1344).
///
/// Order: level (P3 first), then row, column and anchor in the cell, which is the order of the heads' flattened
/// outputs. A cell's anchors are centred on ((column + centre) * strideX, (row + centre) * strideY).
public struct AnchorGrid: Equatable, Sendable {
  /// One level of the pyramid.
  public struct Level: Equatable, Sendable {
    /// Rows of the level's map.
    public let rows: Int
    /// Columns of the level's map.
    public let columns: Int
    /// Pixels of the input between rows, by `AnchorRules.Strides`.
    public let strideY: Int
    /// Pixels of the input between columns.
    public let strideX: Int
    /// Where in its cell an anchor's centre is, in strides: 0 is the cell's first corner.
    public let centre: Float
    /// The anchors of the cell at the origin.
    public let cellAnchors: [Box]
    /// Index of the level's first anchor among all anchors.
    public let firstIndex: Int

    /// Anchors of this level.
    public var count: Int { rows * columns * cellAnchors.count }

    /// An anchor of this level.
    ///
    /// - Parameters:
    ///   - row: 0 ..< rows.
    ///   - column: 0 ..< columns.
    ///   - anchorInCell: 0 ..< anchors per cell.
    /// - Returns: corners in pixels of the network's input, not clipped to it.
    public func anchor(row: Int, column: Int, anchorInCell: Int) -> Box {
      precondition(
        row >= 0 && row < rows && column >= 0 && column < columns,
        "cell (\(row), \(column)) of a map of \(rows)x\(columns)")
      let x = centreX(column)
      let y = centreY(row)
      let shape = cellAnchors[anchorInCell]
      return Box(
        minX: x + shape.minX, minY: y + shape.minY, maxX: x + shape.maxX, maxY: y + shape.maxY)
    }

    func centreX(_ column: Int) -> Float { (Float(column) + centre) * Float(strideX) }
    func centreY(_ row: Int) -> Float { (Float(row) + centre) * Float(strideY) }
  }

  /// Where an anchor sits.
  public struct Place: Equatable, Sendable {
    /// Index of the level, 0 for P3.
    public let level: Int
    /// Row of the cell in the level's map.
    public let row: Int
    /// Column of the cell in the level's map.
    public let column: Int
    /// Anchor in the cell, in the order of `AnchorRules`.
    public let anchorInCell: Int
  }

  /// The levels, finest first.
  public let levels: [Level]
  /// Anchors over all levels.
  public let count: Int

  /// Where an anchor sits.
  ///
  /// - Parameter index: 0 ..< count, over all levels.
  /// - Returns: level, cell and anchor in the cell.
  public func place(of index: Int) -> Place {
    precondition(index >= 0 && index < count, "anchor \(index) of \(count)")
    var levelIndex = 0
    while index - levels[levelIndex].firstIndex >= levels[levelIndex].count { levelIndex += 1 }
    let level = levels[levelIndex]
    let (cell, anchorInCell) = (index - level.firstIndex)
      .quotientAndRemainder(dividingBy: level.cellAnchors.count)
    let (row, column) = cell.quotientAndRemainder(dividingBy: level.columns)
    return Place(level: levelIndex, row: row, column: column, anchorInCell: anchorInCell)
  }

  /// One anchor by its index over all levels.
  ///
  /// - Parameter index: 0 ..< count.
  /// - Returns: corners in pixels of the network's input, not clipped to it.
  public func anchor(at index: Int) -> Box {
    let place = place(of: index)
    return levels[place.level]
      .anchor(row: place.row, column: place.column, anchorInCell: place.anchorInCell)
  }

  /// Every anchor in order: what target assignment walks over. 16 bytes each.
  ///
  /// - Returns: `count` boxes in pixels of the network's input, not clipped to it.
  public func makeAnchors() -> [Box] {
    var boxes: [Box] = []
    boxes.reserveCapacity(count)
    for level in levels {
      for row in 0..<level.rows {
        let y = level.centreY(row)
        for column in 0..<level.columns {
          let x = level.centreX(column)
          for shape in level.cellAnchors {
            boxes.append(
              Box(
                minX: x + shape.minX, minY: y + shape.minY, maxX: x + shape.maxX,
                maxY: y + shape.maxY))
          }
        }
      }
    }
    return boxes
  }
}

/// Some of the pixels of a map: those of an output on demand that a run computes.
public struct MapArea: Equatable, Sendable {
  /// Rows of the map.
  public let height: Int
  /// Columns of the map.
  public let width: Int
  /// By row and column.
  private var isIn: [Bool]
  /// How many pixels are in it.
  public private(set) var pixelCount: Int

  /// Creates an area without pixels.
  ///
  /// - Parameters:
  ///   - height: rows of the map.
  ///   - width: columns of the map.
  public init(height: Int, width: Int) {
    self.height = height
    self.width = width
    isIn = [Bool](repeating: false, count: height * width)
    pixelCount = 0
  }

  /// The area of all pixels.
  ///
  /// - Parameters:
  ///   - height: rows of the map.
  ///   - width: columns of the map.
  /// - Returns: the area.
  public static func whole(height: Int, width: Int) -> MapArea {
    var area = MapArea(height: height, width: width)
    area.insert(rows: 0..<height, columns: 0..<width)
    return area
  }

  /// Whether it has no pixel.
  public var isEmpty: Bool { pixelCount == 0 }

  /// Whether a pixel is in it.
  public func contains(y: Int, x: Int) -> Bool { isIn[y * width + x] }

  /// Adds a pixel of the map.
  public mutating func insert(y: Int, x: Int) {
    insert(rows: y..<y + 1, columns: x..<x + 1)
  }

  /// Adds a rectangle; what of it is beyond the map's edges does not count.
  public mutating func insert(rows: Range<Int>, columns: Range<Int>) {
    let columns = columns.clamped(to: 0..<width)
    for y in rows.clamped(to: 0..<height) {
      for place in y * width + columns.lowerBound..<y * width + columns.upperBound
      where !isIn[place] {
        isIn[place] = true
        pixelCount += 1
      }
    }
  }

  mutating func formUnion(_ other: MapArea) {
    precondition(other.height == height && other.width == width, "areas of two sizes")
    for place in isIn.indices where other.isIn[place] && !isIn[place] {
      isIn[place] = true
      pixelCount += 1
    }
  }

  /// Calls `body` for the tiles that hold some of it, row by row, neighbours together.
  ///
  /// - Parameters:
  ///   - tile: the size of a tile; the tiles begin at the map's first pixel.
  ///   - body: gets the first tile's row and column, in tiles, and how many tiles follow each other.
  func forEachRun(ofTiles tile: MapSize, _ body: (_ row: Int, _ column: Int, _ count: Int) -> Void)
  {
    guard !isEmpty else { return }
    let columns = (width + tile.width - 1) / tile.width
    for row in 0..<(height + tile.height - 1) / tile.height {
      let rows = row * tile.height..<min((row + 1) * tile.height, height)
      var start: Int?
      for column in 0...columns {
        let isWanted =
          column < columns
          && holds(rows, column * tile.width..<min((column + 1) * tile.width, width))
        if isWanted {
          start = start ?? column
        } else if let first = start {
          body(row, first, column - first)
          start = nil
        }
      }
    }
  }

  private func holds(_ rows: Range<Int>, _ columns: Range<Int>) -> Bool {
    rows.contains { y in columns.contains { isIn[y * width + $0] } }
  }
}

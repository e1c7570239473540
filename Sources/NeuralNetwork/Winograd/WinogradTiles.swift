/// The tiles of 4x4 outputs (or of 2x2) that cover one or several maps (images of a batch, or pyramid levels that share weights),
/// numbered through: map by map, and row by row in a map.
///
/// A 3x3 convolution of stride 1 and padding 1 is meant, so input and output of a map have one size.
struct WinogradTiles: Sendable {
  /// Outputs of a tile in each direction; those over a map's edge are computed and dropped.
  let side: Int

  /// How many there are in all maps.
  var count: Int { maps.last?.tiles.upperBound ?? 0 }

  private let maps: [Map]

  private struct Map {
    let height, width, columns: Int
    let tiles: Range<Int>
  }

  /// Neighbouring tiles of one row of tiles.
  struct Run {
    /// Which map they are of, and its size in pixels.
    let map, height, width: Int
    /// The first output of the first tile.
    let y, x: Int
    /// How many tiles.
    let count: Int
  }

  /// Covers maps of the given sizes, in pixels; a map may be empty.
  init(_ sizes: [(height: Int, width: Int)], side: Int = 4) {
    self.side = side
    var maps: [Map] = []
    var first = 0
    for (height, width) in sizes {
      let columns = (width + side - 1) / side
      let count = (height + side - 1) / side * columns
      maps.append(
        Map(height: height, width: width, columns: columns, tiles: first..<first + count))
      first += count
    }
    self.maps = maps
  }

  /// Calls `body` for the runs of which the tiles `range` consist, in order.
  @inline(__always)
  func forEachRun(of range: Range<Int>, _ body: (Run) -> Void) {
    guard var index = maps.firstIndex(where: { $0.tiles.upperBound > range.lowerBound }) else {
      return
    }
    var tile = range.lowerBound
    while tile < range.upperBound {
      let map = maps[index]
      guard tile < map.tiles.upperBound else {
        index += 1
        continue
      }
      let (row, column) = (tile - map.tiles.lowerBound).quotientAndRemainder(
        dividingBy: map.columns)
      let count = min(map.columns - column, range.upperBound - tile)
      body(
        Run(
          map: index, height: map.height, width: map.width, y: row * side,
          x: column * side, count: count))
      tile += count
    }
  }
}

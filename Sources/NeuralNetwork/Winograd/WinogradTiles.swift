/// The tiles of 4x4 outputs (or 2x2) that cover one or several maps (images of a batch, or pyramid levels that share weights), or
/// areas of them, numbered through: map by map, and row by row in a map.
///
/// A 3x3 convolution of stride 1 and padding 1 is meant, so input and output of a map have one size.
struct WinogradTiles: Sendable {
  /// Outputs of a tile in each direction; those over a map's edge are computed and dropped.
  let side: Int

  /// How many there are in all maps.
  private(set) var count = 0

  /// What of its input a map's area takes.
  static func reach(side: Int) -> Reach {
    .windows(ofTiles: MapSize(height: side, width: side), margin: 1)
  }

  private var runs: [Run] = []
  /// The number of each run's first tile.
  private var firsts: [Int] = []

  /// Neighbouring tiles of one row of tiles.
  struct Run {
    /// Which map they are of, and its size in pixels.
    let map, height, width: Int
    /// The first output of the first tile.
    var y, x: Int
    /// How many tiles.
    var count: Int
  }

  /// Covers maps of the given sizes, in pixels; a map may be empty.
  init(_ sizes: [(height: Int, width: Int)], side: Int = 4) {
    self.side = side
    for (map, (height, width)) in sizes.enumerated() where width > 0 {
      for y in stride(from: 0, to: height, by: side) {
        append(
          Run(
            map: map, height: height, width: width, y: y, x: 0,
            count: (width + side - 1) / side))
      }
    }
  }

  /// Covers an area of each map.
  init(_ areas: [MapArea], side: Int = 4) {
    self.side = side
    for (map, area) in areas.enumerated() {
      area.forEachRun(ofTiles: MapSize(height: side, width: side)) { row, column, count in
        append(
          Run(
            map: map, height: area.height, width: area.width, y: row * side,
            x: column * side, count: count))
      }
    }
  }

  private mutating func append(_ run: Run) {
    runs.append(run)
    firsts.append(count)
    count += run.count
  }

  /// Calls `body` for the runs of which the tiles `range` consist, in order.
  @inline(__always)
  func forEachRun(of range: Range<Int>, _ body: (Run) -> Void) {
    guard !range.isEmpty else { return }
    var index = indexOfRun(with: range.lowerBound)
    var tile = range.lowerBound
    while tile < range.upperBound {
      var run = runs[index]
      let skipped = tile - firsts[index]
      run.x += skipped * side
      run.count = min(run.count - skipped, range.upperBound - tile)
      body(run)
      tile += run.count
      index += 1
    }
  }

  /// By halving.
  private func indexOfRun(with tile: Int) -> Int {
    var (low, high) = (0, firsts.count)
    while high - low > 1 {
      let middle = (low + high) / 2
      if firsts[middle] <= tile { low = middle } else { high = middle }
    }
    return low
  }
}

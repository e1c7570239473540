/// What an operation has to be given of its inputs for an area of its output.
enum Reach: Sendable {
  /// Everything: it computes its output as a whole, or not at all.
  case map
  /// It computes the tiles of this size that hold the area, each from a window: the tile and the pixels around it, as
  /// many as a kernel reaches beyond its middle. All of the window: in Winograd's sums what one output does not depend on
  /// cancels, but not its rounding.
  case windows(ofTiles: MapSize, margin: Int)

  /// The area of the output that is computed where this one is wanted.
  func computed(_ wanted: MapArea) -> MapArea {
    switch self {
    case .map:
      wanted.isEmpty ? wanted : .whole(height: wanted.height, width: wanted.width)
    case .windows: wanted
    }
  }

  /// The area of an input that has to be there.
  ///
  /// - Parameters:
  ///   - output: the area that is computed.
  ///   - size: of the input.
  /// - Returns: the area.
  func read(for output: MapArea, size: MapSize) -> MapArea {
    var area = MapArea(height: size.height, width: size.width)
    switch self {
    case .map:
      if !output.isEmpty { area.insert(rows: 0..<size.height, columns: 0..<size.width) }
    case .windows(let tile, let margin):
      output.forEachRun(ofTiles: tile) { row, column, count in
        area.insert(
          rows: row * tile.height - margin..<(row + 1) * tile.height + margin,
          columns: column * tile.width - margin..<(column + count) * tile.width + margin)
      }
    }
    return area
  }
}

extension Plan {
  /// A map that is computed on demand.
  struct DemandedMap: Sendable {
    var size: MapSize
    /// What it is made from, as far as that is on demand too: indices into the plan's `demanded`, all below its own.
    var inputs: [Int]
    var reach: Reach
  }

  /// The areas that have to be computed of all maps on demand.
  ///
  /// - Parameter wanted: what is wanted of each output on demand.
  /// - Returns: an area for each of `demanded`.
  func areas(for wanted: [MapArea]) -> [MapArea] {
    let outputs = outputs.indices.dropFirst(promptOutputs)
    precondition(wanted.count == outputs.count, "\(wanted.count) areas of \(outputs.count) outputs")
    var areas = demanded.map { MapArea(height: $0.size.height, width: $0.size.width) }
    for (map, area) in zip(demandedOutputs, wanted) { areas[map].formUnion(area) }
    for (index, map) in demanded.enumerated().reversed() {
      areas[index] = map.reach.computed(areas[index])
      for input in map.inputs {
        areas[input].formUnion(map.reach.read(for: areas[index], size: demanded[input].size))
      }
    }
    return areas
  }
}

/// What of the maps on demand the run at hand computes, for the kernels that compute them. Of one thread.
final class DemandedAreas {
  /// By index in the plan's `demanded`.
  var areas: [MapArea] = []

  subscript(index: Int) -> MapArea { areas[index] }
}

import BoxGeometry
import Foundation
import TestSupport

/// Reads what `scripts/make-geometry-fixtures.py` wrote, and makes its random inputs again.
enum GeometryFixture {
  static func read<Value: Decodable>(_ name: String, as type: Value.Type) throws -> Value {
    let url = Bundle.module.bundleURL.appending(path: "Fixtures/\(name).json")
    return try JSONDecoder().decode(type, from: Data(contentsOf: url))
  }

  static func randomBoxes(
    _ generator: inout SeededGenerator, count: Int, extent: Int, grid: Int
  ) -> [Box] {
    (0..<count).map { _ in
      var values = [Float(extent), Float(extent), Float(extent) / 4, Float(extent) / 4]
        .map { generator.unitFloat() * $0 }
      if grid > 0 {
        let step = Float(grid)
        values = values.map { ($0 / step).rounded(.down) * step }
        values[2] += step
        values[3] += step
      }
      return Box(
        minX: values[0], minY: values[1], maxX: values[0] + values[2], maxY: values[1] + values[3])
    }
  }

  /// Every second box is the left part of the one before, as much of it as the threshold says.
  static func crowdedBoxes(
    _ generator: inout SeededGenerator, count: Int, extent: Int, threshold: Float
  ) -> [Box] {
    var boxes = randomBoxes(&generator, count: count, extent: extent, grid: 0)
    for index in stride(from: 1, to: count, by: 2) {
      let whole = boxes[index - 1]
      boxes[index] = Box(
        minX: whole.minX, minY: whole.minY,
        maxX: whole.minX + (whole.maxX - whole.minX) * threshold, maxY: whole.maxY)
    }
    return boxes
  }

  static func distinctScores(_ generator: inout SeededGenerator, count: Int) -> [Float] {
    var ranks = Array(0..<count)
    for index in stride(from: count - 1, to: 0, by: -1) {
      ranks.swapAt(index, generator.below(index + 1))
    }
    return ranks.map { Float($0 + 1) / Float(count + 1) }
  }
}

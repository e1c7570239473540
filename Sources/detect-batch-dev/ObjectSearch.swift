import NeuralNetwork
import RetinaNetModel

/// Where boxes are computed in a picture of so many objects, for a network whose weights find none: looks for candidates
/// as a detector does, and then forgets them for the places of a formula.
///
/// Objects' sides are log-uniform from 16 to 512 pixels of the network's input. Around each, the cells of its level in
/// which a trained network finds it, 5x5, and 3x3 of the next coarser level.
struct ObjectSearch: Sendable {
  private let decoder: OutputDecoder
  private let areas: [MapArea]

  init(objects: Int, _ description: ModelDescription, height: Int, width: Int) throws {
    decoder = try OutputDecoder(description, DetectionOptions())
    let sizes = description.makeNetwork().outputSizes(height: height, width: width)
    var areas = sizes.prefix(sizes.count / 2).map { MapArea(height: $0.rows, width: $0.columns) }
    let numbers = Formula.uniform("objects", count: 3 * objects).map { ($0 + 1) / 2 }
    for object in 0..<objects {
      // Anchors of the first level have sides from 32 to 50, twice as many in each that follows.
      let level = max(0, min(4, Int(5 * numbers[3 * object]) - 1))
      for (level, reach) in [(level, 2), (level + 1, 1)] where level < areas.count {
        let y = Int(numbers[3 * object + 1] * Float(areas[level].height))
        let x = Int(numbers[3 * object + 2] * Float(areas[level].width))
        areas[level].insert(rows: y - reach..<y + reach + 1, columns: x - reach..<x + reach + 1)
      }
    }
    self.areas = areas
  }

  /// Takes the time of a search through the logits.
  func areas(_ logits: BlockedImages) throws -> [MapArea] {
    _ = try decoder.candidates(logits)
    return areas
  }
}

import NeuralNetwork
import RetinaNetModel

/// A picture's head outputs in the order torchvision flattens them, put back into maps in blocked layout.
enum HeadLevels {
  /// Makes the maps of all levels, P3 to P7: logits, then regressions.
  ///
  /// - Parameters:
  ///   - heads: for each its numbers (level, row, column, channel) and its channels.
  ///   - geometry: gives the maps' sizes.
  /// - Returns: the maps in memory of their own.
  /// - Throws: `NeuralNetworkError.outOfMemory`.
  static func makeImages(
    _ heads: [(flat: [Float], depth: Int)], _ geometry: InputGeometry
  ) throws -> OwnedBlockedImages {
    let sizes = sizes(geometry)
    var owned = try OwnedBlockedImages(
      heads.flatMap { head in sizes.map { (head.depth, $0.height, $0.width) } }, block: 16)
    var images = owned.mutableImages
    for (head, (flat, depth)) in heads.enumerated() {
      var first = 0
      for (level, size) in sizes.enumerated() {
        for y in 0..<size.height {
          for x in 0..<size.width {
            for channel in 0..<depth {
              images[head * sizes.count + level][channel: channel, y: y, x: x] =
                flat[first + (y * size.width + x) * depth + channel]
            }
          }
        }
        first += size.height * size.width * depth
      }
      precondition(first == flat.count, "\(flat.count) numbers for maps of \(first)")
    }
    return owned
  }

  /// Rows and columns of each level.
  static func sizes(_ geometry: InputGeometry) -> [(height: Int, width: Int)] {
    var size = (height: geometry.paddedHeight / 8, width: geometry.paddedWidth / 8)
    return (0..<5).map { _ in
      defer { size = ((size.height + 1) / 2, (size.width + 1) / 2) }
      return size
    }
  }
}

import NeuralNetwork

/// [channels, height, width] in plain order.
struct PlainImage {
  var channels: Int
  var height: Int
  var width: Int
  var values: [Float]

  /// Copies of images in blocked layout.
  static func blocked(
    _ images: [PlainImage], block: Int
  ) throws(NeuralNetworkError) -> OwnedBlockedImages {
    var owned = try OwnedBlockedImages(
      images.map { ($0.channels, $0.height, $0.width) }, block: block)
    var blocked = owned.mutableImages
    for (index, image) in images.enumerated() { blocked[index].assign(plain: image.values) }
    return owned
  }
}

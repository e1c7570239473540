/// Images in blocked layout with memory of their own: outputs that no network made.
package struct OwnedBlockedImages: ~Copyable {
  private let buffer: AlignedBuffer
  private let memories: [BlockedMemory]

  /// Makes images of zeros.
  ///
  /// - Parameters:
  ///   - shapes: channels (at least 1), rows and columns of each.
  ///   - block: channels per block: 8 or 16.
  /// - Throws: `NeuralNetworkError.outOfMemory`.
  package init(
    _ shapes: [(channels: Int, height: Int, width: Int)], block: Int
  ) throws(NeuralNetworkError) {
    precondition(block == 8 || block == 16, "blocks of \(block) channels")
    let counts = shapes.map {
      ($0.channels + block - 1) / block * block * $0.height * $0.width
    }
    let count = counts.reduce(0, +)
    buffer = try AlignedBuffer(byteCount: count * MemoryLayout<Float>.stride)
    var base = buffer.address.bindMemory(to: Float.self, capacity: count)
    base.initialize(repeating: 0, count: count)
    memories = zip(shapes, counts).map { shape, count in
      defer { base += count }
      return BlockedMemory(
        base: base, channels: shape.channels, height: shape.height, width: shape.width,
        block: block)
    }
  }

  /// To read.
  package var images: BlockedImages {
    @_lifetime(borrow self)
    get { BlockedImages(memories, of: self) }
  }

  /// To write.
  package var mutableImages: MutableBlockedImages {
    @_lifetime(&self)
    mutating get { MutableBlockedImages(memories, of: self) }
  }
}

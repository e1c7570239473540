import NeuralNetwork
import RetinaNetModel

/// Head outputs in the order torchvision flattens them, put back into maps in blocked layout.
struct HeadLevels {
  /// One level's map with its memory.
  struct Image {
    let buffer: AlignedBuffer
    let view: BlockedImage
  }

  private(set) var images: [Image] = []

  /// - Parameters:
  ///   - flat: level, row, column, channel.
  ///   - geometry: gives the maps' sizes, P3 to P7.
  ///   - depth: channels.
  /// - Throws: `NeuralNetworkError.outOfMemory`.
  init(_ flat: [Float], _ geometry: InputGeometry, depth: Int) throws {
    var size = (height: geometry.paddedHeight / 8, width: geometry.paddedWidth / 8)
    var first = 0
    for _ in 0..<5 {
      let image = try Self.empty(depth: depth, height: size.height, width: size.width)
      let base = image.buffer.address.assumingMemoryBound(to: Float.self)
      let pixels = size.height * size.width
      for pixel in 0..<pixels {
        for channel in 0..<depth {
          base[channel / 16 * pixels * 16 + pixel * 16 + channel % 16] =
            flat[first + pixel * depth + channel]
        }
      }
      images.append(image)
      first += pixels * depth
      size = ((size.height + 1) / 2, (size.width + 1) / 2)
    }
    precondition(first == flat.count, "\(flat.count) numbers for maps of \(first)")
  }

  static func empty(depth: Int, height: Int, width: Int) throws -> Image {
    let blocks = (depth + 15) / 16
    let buffer = try AlignedBuffer(byteCount: blocks * 16 * height * width * 4)
    buffer.address.initializeMemory(as: UInt8.self, repeating: 0, count: buffer.byteCount)
    return Image(
      buffer: buffer,
      view: BlockedImage(
        base: UnsafePointer(buffer.address.assumingMemoryBound(to: Float.self)), channels: depth,
        height: height, width: width, block: 16))
  }
}

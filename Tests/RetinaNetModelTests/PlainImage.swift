@testable import NeuralNetwork
@testable import RetinaNetModel

/// [channels, height, width] in plain order.
struct PlainImage {
  var channels: Int
  var height: Int
  var width: Int
  var values: [Float]

  /// Copies the numbers into a blocked layout, which is valid inside `body`.
  static func withBlocked<Result>(
    _ images: [PlainImage], block: Int, _ body: ([BlockedImage]) throws -> Result
  ) throws -> Result {
    let buffers = try images.map { image in
      let blocks = (image.channels + block - 1) / block
      let buffer = try AlignedBuffer(
        byteCount: blocks * block * image.height * image.width * MemoryLayout<Float>.stride)
      buffer.address.initializeMemory(as: UInt8.self, repeating: 0, count: buffer.byteCount)
      return buffer
    }
    defer { withExtendedLifetime(buffers) {} }
    let blocked = zip(images, buffers).map { image, buffer in
      let base = buffer.address.assumingMemoryBound(to: Float.self)
      let pixels = image.height * image.width
      for channel in 0..<image.channels {
        for pixel in 0..<pixels {
          base[channel / block * pixels * block + pixel * block + channel % block] =
            image.values[channel * pixels + pixel]
        }
      }
      return BlockedImage(
        base: UnsafePointer(base), channels: image.channels, height: image.height,
        width: image.width, block: block)
    }
    return try body(blocked)
  }
}

/// Read access to one image of float32 numbers in blocked layout: [ceil(channels / block), height, width,
/// block]. A view: valid until its owner's memory is used for something else.
public struct BlockedImage {
  /// First number.
  public let base: UnsafePointer<Float>
  /// Channels that mean something; the rest of the last block is padding.
  public let channels: Int
  /// Rows.
  public let height: Int
  /// Columns.
  public let width: Int
  /// Channels per block: 8 or 16.
  public let block: Int

  /// Creates a view.
  package init(
    base: UnsafePointer<Float>, channels: Int, height: Int, width: Int, block: Int
  ) {
    self.base = base
    self.channels = channels
    self.height = height
    self.width = width
    self.block = block
  }

  /// Blocks of channels.
  public var blockCount: Int { (channels + block - 1) / block }
  /// Numbers in one block of channels.
  public var blockStride: Int { height * width * block }

  /// The number at one place.
  public subscript(channel channel: Int, y y: Int, x x: Int) -> Float {
    base[channel / block * blockStride + (y * width + x) * block + channel % block]
  }

  /// Four channels of one pixel, the first of them a multiple of four, so that they lie side by side.
  public subscript(channels first: Int, y y: Int, x x: Int) -> SIMD4<Float> {
    precondition(
      first.isMultiple(of: 4) && first + 4 <= blockCount * block, "channels from \(first)")
    let (whole, within) = first.quotientAndRemainder(dividingBy: block)
    return UnsafeRawPointer(base + whole * blockStride + (y * width + x) * block + within)
      .loadUnaligned(as: SIMD4<Float>.self)
  }

  /// A copy in plain order: [channels, height, width].
  public func plain() -> [Float] {
    [Float](unsafeUninitializedCapacity: channels * height * width) { values, count in
      for channel in 0..<channels {
        let source = base + channel / block * blockStride + channel % block
        for pixel in 0..<height * width {
          values[channel * height * width + pixel] = source[pixel * block]
        }
      }
      count = channels * height * width
    }
  }
}

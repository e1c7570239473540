/// Read access to one image of float32 numbers in blocked layout: [ceil(channels / block), height, width,
/// block]. It cannot outlive the memory it looks into: the compiler refuses to store or return it beyond.
public struct BlockedImage: ~Escapable {
  /// Channels that mean something; the rest of the last block is padding.
  public let channels: Int
  /// Rows.
  public let height: Int
  /// Columns.
  public let width: Int
  /// Channels per block: 8 or 16; 1 of a network's input, which is in plain order.
  public let block: Int
  private let base: UnsafePointer<Float>

  @_lifetime(copy images)
  init(_ images: BlockedImages, _ index: Int) {
    let memory = images.memories[index]
    channels = memory.channels
    height = memory.height
    width = memory.width
    block = memory.block
    base = UnsafePointer(memory.base)
  }

  /// Blocks of channels.
  public var blockCount: Int { (channels + block - 1) / block }
  /// Numbers in one block of channels.
  public var blockStride: Int { height * width * block }

  /// All numbers as they lie in memory, the padding among them.
  public var numbers: Span<Float> {
    @_lifetime(copy self)
    get {
      // A span takes the lifetime of the pointer it is made of; this one lives as long as the view's memory.
      _overrideLifetime(
        Span(_unsafeStart: base, count: blockCount * blockStride), copying: self)
    }
  }

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

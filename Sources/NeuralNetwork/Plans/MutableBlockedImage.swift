/// Write access to one image of float32 numbers in blocked layout (see `BlockedImage`). A view: valid until its
/// owner's memory is used for something else.
public struct MutableBlockedImage {
  /// First number.
  public let base: UnsafeMutablePointer<Float>
  /// Channels that mean something; the rest of the last block is padding and must be left 0.
  public let channels: Int
  /// Rows.
  public let height: Int
  /// Columns.
  public let width: Int
  /// Channels per block: 8 or 16.
  public let block: Int

  /// A view of memory that holds at least `count` numbers.
  ///
  /// - Parameters:
  ///   - base: first number.
  ///   - channels: at least 1.
  ///   - height: rows.
  ///   - width: columns.
  ///   - block: 8 or 16.
  public init(
    base: UnsafeMutablePointer<Float>, channels: Int, height: Int, width: Int, block: Int
  ) {
    precondition(block == 8 || block == 16, "blocks of \(block) channels")
    self.base = base
    self.channels = channels
    self.height = height
    self.width = width
    self.block = block
  }

  /// Numbers with the padding of the last block.
  public var count: Int { (channels + block - 1) / block * height * width * block }

  /// The same image for reading.
  public var reading: BlockedImage {
    BlockedImage(base: base, channels: channels, height: height, width: width, block: block)
  }

  /// The number at one place.
  public subscript(channel channel: Int, y y: Int, x x: Int) -> Float {
    get { base[place(channel, y, x)] }
    nonmutating set { base[place(channel, y, x)] = newValue }
  }

  /// Sets every number of the channels that mean something, and the padding to 0.
  public func fill(_ value: Float) {
    let pixels = height * width
    let lastChannels = channels % block
    let whole = channels / block * pixels * block
    base.update(repeating: value, count: whole)
    guard lastChannels > 0 else { return }
    for pixel in 0..<pixels {
      let place = base + whole + pixel * block
      place.update(repeating: value, count: lastChannels)
      (place + lastChannels).update(repeating: 0, count: block - lastChannels)
    }
  }

  /// Copies from plain order, [channels, height, width]; padding becomes 0.
  public func assign(plain values: [Float]) {
    precondition(
      values.count == channels * height * width,
      "\(values.count) numbers for \(channels)x\(height)x\(width)")
    fill(0)
    let pixels = height * width
    for channel in 0..<channels {
      let target = base + channel / block * pixels * block + channel % block
      for pixel in 0..<pixels { target[pixel * block] = values[channel * pixels + pixel] }
    }
  }

  private func place(_ channel: Int, _ y: Int, _ x: Int) -> Int {
    channel / block * height * width * block + (y * width + x) * block + channel % block
  }
}

/// Write access to one image of float32 numbers in blocked layout (see `BlockedImage`). It cannot outlive the memory
/// it looks into, and nobody else reads or writes there meanwhile.
public struct MutableBlockedImage: ~Copyable, ~Escapable {
  /// Channels that mean something; the rest of the last block is padding and must be left 0.
  public let channels: Int
  /// Rows.
  public let height: Int
  /// Columns.
  public let width: Int
  /// Channels per block: 8 or 16.
  public let block: Int
  private let base: UnsafeMutablePointer<Float>

  @_lifetime(copy images)
  init(_ images: borrowing MutableBlockedImages, _ index: Int) {
    let memory = images.memories[index]
    channels = memory.channels
    height = memory.height
    width = memory.width
    block = memory.block
    base = memory.base
  }

  /// All numbers as they lie in memory, the padding among them.
  public var numbers: MutableSpan<Float> {
    @_lifetime(&self)
    mutating get {
      // As in `BlockedImage`.
      _overrideLifetime(
        MutableSpan(
          _unsafeStart: base, count: (channels + block - 1) / block * height * width * block),
        mutating: &self)
    }
  }

  /// The number at one place.
  public subscript(channel channel: Int, y y: Int, x x: Int) -> Float {
    get { base[place(channel, y, x)] }
    @_lifetime(self: copy self)
    set { base[place(channel, y, x)] = newValue }
  }

  /// Sets every number of the channels that mean something, and the padding to 0.
  @_lifetime(self: copy self)
  public mutating func fill(_ value: Float) {
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
  @_lifetime(self: copy self)
  public mutating func assign(plain values: [Float]) {
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

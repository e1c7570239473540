/// An upright picture: 8-bit red, green, blue, interleaved, rows packed without padding, top row first. Only some of its
/// rows and columns may be held.
public struct RGBPicture: Sendable {
  /// Width in stored pixels, after rotation; the sample aspect ratio is not applied.
  public let width: Int
  /// Height in stored pixels, after rotation.
  public let height: Int
  /// The rows and columns whose pixels are held; nil: all.
  public let lattice: PictureLattice?

  private let memory: Memory

  private enum Memory: Sendable {
    case own([UInt8])
    case held(any PixelMemory)
  }

  /// Wraps packed RGB bytes. `pixels.count` must be three times the number of pixels: those of the lattice, or all.
  public init(width: Int, height: Int, lattice: PictureLattice? = nil, pixels: [UInt8]) {
    self.init(width: width, height: height, lattice, pixels.count, .own(pixels))
  }

  /// Wraps packed RGB bytes that somebody else keeps, as many as above.
  public init(
    width: Int, height: Int, lattice: PictureLattice? = nil, memory: any PixelMemory
  ) {
    self.init(width: width, height: height, lattice, memory.count, .held(memory))
  }

  private init(
    width: Int, height: Int, _ lattice: PictureLattice?, _ count: Int, _ memory: Memory
  ) {
    self.width = width
    self.height = height
    self.lattice = lattice
    self.memory = memory
    precondition(
      count == byteCount, "a \(width)x\(height) RGB picture needs \(byteCount) bytes, not \(count)")
  }

  /// Three for each pixel held.
  public var byteCount: Int { 3 * (lattice?.count ?? width * height) }

  /// The bytes, as an array: a copy where somebody else keeps them.
  public var pixels: [UInt8] {
    switch memory {
    case .own(let pixels): pixels
    case .held(let memory): memory.withBytes { Array($0) }
    }
  }

  /// Reads the bytes where they are.
  public func withPixels<Result, Failure: Error>(
    _ body: (Span<UInt8>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    switch memory {
    case .own(let pixels): try body(pixels.span)
    case .held(let memory):
      try memory.withBytes { bytes throws(Failure) in try body(bytes.span) }
    }
  }
}

extension RGBPicture: Equatable {
  /// Whether both have the same size and bytes.
  public static func == (left: RGBPicture, right: RGBPicture) -> Bool {
    left.width == right.width && left.height == right.height && left.lattice == right.lattice
      && left.pixels == right.pixels
  }
}

/// Bytes of a picture that are kept for as long as this is held, such as those in memory shared with another process.
public protocol PixelMemory: Sendable {
  /// Bytes.
  var count: Int { get }
  /// Reads them where they are.
  func withBytes<Result, Failure: Error>(
    _ body: (UnsafeBufferPointer<UInt8>) throws(Failure) -> Result
  ) throws(Failure) -> Result
}

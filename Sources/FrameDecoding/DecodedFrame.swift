import Media

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
    case shared(SharedPixels)
  }

  /// Wraps packed RGB bytes. `pixels.count` must be `width * height * 3`.
  public init(width: Int, height: Int, pixels: [UInt8]) {
    precondition(
      pixels.count == width * height * 3,
      "a \(width)x\(height) RGB picture needs \(width * height * 3) bytes, not \(pixels.count)")
    self.init(width: width, height: height, lattice: nil, pixels: pixels)
  }

  /// As above, of the pixels of a lattice: `pixels.count` must be three times their number.
  init(width: Int, height: Int, lattice: PictureLattice?, pixels: [UInt8]) {
    self.width = width
    self.height = height
    self.lattice = lattice
    memory = .own(pixels)
  }

  /// Wraps what a decoder process wrote. `pixels.count` must be three times the number of pixels held.
  init(width: Int, height: Int, lattice: PictureLattice?, pixels: SharedPixels) {
    self.width = width
    self.height = height
    self.lattice = lattice
    memory = .shared(pixels)
    precondition(pixels.count == byteCount, "\(pixels.count) bytes of \(width)x\(height)")
  }

  /// Three for each pixel held.
  public var byteCount: Int { 3 * (lattice?.count ?? width * height) }

  /// The bytes, as an array: a copy where a decoder process wrote them.
  public var pixels: [UInt8] {
    switch memory {
    case .own(let pixels): pixels
    case .shared(let pixels): pixels.withBytes { Array($0) }
    }
  }

  /// Reads the bytes where they are.
  public func withPixels<Result, Failure: Error>(
    _ body: (Span<UInt8>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    switch memory {
    case .own(let pixels): try body(pixels.span)
    case .shared(let pixels):
      try pixels.withBytes { bytes throws(Failure) in try body(bytes.span) }
    }
  }
}

/// What is known of a frame beside its picture.
struct FrameFacts: Equatable, Sendable {
  /// See `DecodedFrame`.
  var index: Int?
  var time: Double?
  var isCorrupt: Bool
  var isKeyframe: Bool
  var same: EarlierFrame?
}

/// One frame of a video, or a picture of an image file.
public struct DecodedFrame: Sendable {
  /// Ordinal in the full decode of the file, from 0, whatever was sampled; nil where frames were skipped unseen
  /// (`FrameSampling.needsFrameNumbers`).
  public let index: Int?
  /// Seconds from the container's start time, from the best-effort timestamp; nil without a timestamp and for
  /// still images.
  public let time: Double?
  /// FFmpeg marked the frame as damaged, or concealed errors in it.
  public let isCorrupt: Bool
  /// The frame is a keyframe.
  public let isKeyframe: Bool
  /// The earlier frame that is looked at in this one's place (`FrameSampling.sameness`); nil: none.
  public let same: EarlierFrame?
  /// The picture, upright: that of the earlier frame where there is one.
  public let picture: RGBPicture

  /// Creates a frame from its parts.
  public init(
    index: Int?, time: Double?, isCorrupt: Bool, isKeyframe: Bool, same: EarlierFrame? = nil,
    picture: RGBPicture
  ) {
    self.index = index
    self.time = time
    self.isCorrupt = isCorrupt
    self.isKeyframe = isKeyframe
    self.same = same
    self.picture = picture
  }

  init(_ facts: FrameFacts, _ picture: RGBPicture) {
    self.init(
      index: facts.index, time: facts.time, isCorrupt: facts.isCorrupt,
      isKeyframe: facts.isKeyframe, same: facts.same, picture: picture)
  }
}

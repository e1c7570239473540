import CFFmpeg
import Media

/// Turns decoded pictures of any pixel format into packed 8-bit RGB.
///
/// Every conversion keeps the size, so that swscale only interpolates the chroma and applies the matrix. Flags:
/// accurate_rnd and full_chroma_int give the same bytes on every CPU (C, SSE, AVX2, AVX-512) within half a level of the
/// exact formula (without full_chroma_int: up to 3.3 levels, 1.4 on average). Straight to RGB24 that takes 25 ms a 1080p
/// frame of 4:2:0; by way of planar GBRP, which swscale writes with AVX2 and always with full_chroma_int, 5.3 + 1.4 ms for
/// the same bytes (to turn it upright: 4.7 ms more; to decode it from H.264: 4.6 ms).
final class PixelConverter {
  static let flags =
    cffmpeg_sws_bicubic | cffmpeg_sws_accurate_rounding | cffmpeg_sws_full_chroma
    | cffmpeg_sws_bit_exact

  /// Guesses the colour matrix as for image files: unnamed means BT.601, as in JFIF and WebP.
  private let isStillImage: Bool
  private var toPlanar: Scaler?
  private var toPacked: Scaler?
  private var planar: Frame?
  /// A picture before it is turned; kept, because to allocate 6 MB anew costs as much as to turn a 1080p picture.
  private var storedPixels: [UInt8] = []
  private var latticeConverter: LatticeConverter?
  /// A picture of which some rows and columns are wanted, where only all can be converted.
  private var wholePixels: [UInt8] = []

  /// Converts the frames of one input.
  init(isStillImage: Bool) { self.isStillImage = isStillImage }

  /// Converts the pixels of a frame that `lattice` says, or all, and turns them upright.
  ///
  /// - Throws: a data failure if the pixel format cannot be converted.
  func convert(
    _ frame: Frame, orientation: Orientation, lattice: LatticeRule?
  ) throws(MediaError) -> RGBPicture {
    let (width, height) = orientation.size(of: frame)
    let lattice = lattice?(width, height)
    let count = 3 * (lattice?.count ?? width * height)
    var failure: MediaError?
    let pixels = [UInt8](unsafeUninitializedCapacity: count + Scaler.padding) { buffer, filled in
      do throws(MediaError) {
        try convert(frame, orientation: orientation, lattice: lattice, into: buffer)
        filled = count
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
    return RGBPicture(width: width, height: height, lattice: lattice, pixels: pixels)
  }

  /// Converts a frame and turns it upright.
  ///
  /// - Parameters:
  ///   - frame: a decoded picture.
  ///   - orientation: how it is stored.
  ///   - lattice: the rows and columns of the upright picture that are wanted; nil: all.
  ///   - target: has room for three bytes a pixel and `Scaler.padding` more.
  /// - Throws: a data failure if the pixel format cannot be converted.
  func convert(
    _ frame: Frame, orientation: Orientation, lattice: PictureLattice? = nil,
    into target: UnsafeMutableBufferPointer<UInt8>
  ) throws(MediaError) {
    let source = try Scaler.Source(frame, isStillImage: isStillImage)
    if let lattice {
      let stored = orientation.stored(lattice, width: frame.width, height: frame.height)
      return try convert(frame, source, stored, orientation, into: target)
    }
    if orientation == .upright { return try convert(frame, source, into: target) }
    try storedPixels.withRoom(for: frame.width * frame.height * 3 + Scaler.padding) {
      buffer throws(MediaError) in
      try convert(frame, source, into: buffer)
    }
    orientation.turn(storedPixels, width: frame.width, height: frame.height, into: target)
  }

  /// Converts all of a stored picture.
  func convert(
    _ frame: Frame, _ source: Scaler.Source, into target: UnsafeMutableBufferPointer<UInt8>
  ) throws(MediaError) {
    var (source, stored) = (source, frame)
    if source.isLumaAndChroma {
      stored = try planarFrame(width: source.width, height: source.height)
      try scaler(\.toPlanar, source, AV_PIX_FMT_GBRP).scale(frame, into: stored)
      source.format = AV_PIX_FMT_GBRP.rawValue
      source.isFullRange = true
    }
    try scaler(\.toPacked, source, AV_PIX_FMT_RGB24).scale(stored, into: target)
  }

  /// Converts some rows and columns of a stored picture, and turns what they make.
  private func convert(
    _ frame: Frame, _ source: Scaler.Source, _ lattice: PictureLattice, _ orientation: Orientation,
    into target: UnsafeMutableBufferPointer<UInt8>
  ) throws(MediaError) {
    if orientation == .upright { return try read(lattice, of: frame, source, into: target) }
    try storedPixels.withRoom(for: 3 * lattice.count) { buffer throws(MediaError) in
      try read(lattice, of: frame, source, into: buffer)
    }
    orientation.turn(
      storedPixels, width: lattice.columns.count, height: lattice.rows.count, into: target)
  }

  private func read(
    _ lattice: PictureLattice, of frame: Frame, _ source: Scaler.Source,
    into target: UnsafeMutableBufferPointer<UInt8>
  ) throws(MediaError) {
    if latticeConverter?.suits(source, lattice) != true {
      latticeConverter =
        LatticeConverter.isExact(for: source) ? LatticeConverter(source, lattice) : nil
    }
    if let latticeConverter { return latticeConverter.convert(frame, into: target) }
    try wholePixels.withRoom(for: frame.width * frame.height * 3 + Scaler.padding) {
      buffer throws(MediaError) in
      try convert(frame, source, into: buffer)
      var place = 0
      for row in lattice.rows {
        let line = row * frame.width * 3
        for column in lattice.columns {
          for byte in line + 3 * column..<line + 3 * column + 3 {
            target[place] = buffer[byte]
            place += 1
          }
        }
      }
    }
  }

  private func scaler(
    _ slot: ReferenceWritableKeyPath<PixelConverter, Scaler?>, _ source: Scaler.Source,
    _ target: AVPixelFormat
  ) throws(MediaError) -> Scaler {
    if let scaler = self[keyPath: slot], scaler.source == source { return scaler }
    let scaler = try Scaler(source, to: target, flags: Self.flags)
    self[keyPath: slot] = scaler
    return scaler
  }

  private func planarFrame(width: Int32, height: Int32) throws(MediaError) -> Frame {
    if let planar, planar.pointer.pointee.width == width, planar.pointer.pointee.height == height {
      return planar
    }
    let frame = try Frame(AV_PIX_FMT_GBRP, width: width, height: height)
    planar = frame
    return frame
  }
}

extension [UInt8] {
  /// Runs `body` on at least so many bytes, whose memory is kept for the next time.
  fileprivate mutating func withRoom(
    for count: Int, _ body: (UnsafeMutableBufferPointer<UInt8>) throws(MediaError) -> Void
  ) throws(MediaError) {
    if self.count < count { self = [UInt8](repeating: 0, count: count) }
    try withUnsafeMutableBufferPointer { buffer throws(MediaError) in try body(buffer) }
  }
}

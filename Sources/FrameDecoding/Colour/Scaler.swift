import CFFmpeg
import Media

/// Converts pictures of one size and format to another format; owns the SwsContext.
final class Scaler {
  /// What is converted.
  struct Source: Equatable {
    var width: Int32
    var height: Int32
    /// AVPixelFormat.
    var format: Int32
    /// SWS_CS_*.
    var matrix: Int32
    /// Luma from 0 to 255, not from 16 to 235.
    var isFullRange: Bool
  }

  let source: Source
  private let context: CFFmpegScaler

  /// swscale's vector code may write this far past the last pixel.
  static let padding = 64

  /// Prepares a conversion to full-range red, green and blue or, with a `colour`, to luma and chroma of that meaning.
  ///
  /// - Throws: a data failure if swscale refuses the size or the format.
  init(
    _ source: Source, to target: AVPixelFormat, flags: Int32,
    colour: ColourDescription? = nil
  ) throws(MediaError) {
    self.source = source
    guard
      let context = sws_getContext(
        source.width, source.height, AVPixelFormat(source.format), source.width, source.height,
        target, flags, nil, nil, nil)
    else {
      throw MediaError(.data, "no conversion for a picture of \(source.width)x\(source.height)")
    }
    self.context = context
    let unity: Int32 = 1 << 16
    // Refused for formats without a matrix, which need none.
    _ = sws_setColorspaceDetails(
      context, sws_getCoefficients(source.matrix), source.isFullRange ? 1 : 0,
      sws_getCoefficients(colour.map { Int32($0.matrix) } ?? SWS_CS_DEFAULT),
      colour.map { $0.isFullRange ? 1 : 0 } ?? 1, 0, unity, unity)
  }

  deinit { sws_freeContext(context) }

  /// Converts into a frame of the target format and the same size.
  func scale(_ frame: Frame, into target: Frame) throws(MediaError) {
    try check(
      withUnsafePointer(to: target.pointer.pointee.data) { planes in
        withUnsafePointer(to: target.pointer.pointee.linesize) { strides in
          scale(
            frame,
            into: UnsafeRawPointer(planes)
              .assumingMemoryBound(to: UnsafeMutablePointer<UInt8>?.self),
            UnsafeRawPointer(strides).assumingMemoryBound(to: Int32.self))
        }
      })
  }

  /// Converts to packed RGB24, rows without padding, into memory that has room for `padding` bytes more.
  func scale(
    _ frame: Frame, into pixels: UnsafeMutableBufferPointer<UInt8>
  ) throws(MediaError) {
    precondition(pixels.count >= packedBytes + Self.padding, "\(pixels.count) bytes of memory")
    try check(
      scale(frame, into: [pixels.baseAddress, nil, nil, nil], [source.width * 3, 0, 0, 0]))
  }

  private var packedBytes: Int { Int(source.width) * 3 * Int(source.height) }

  /// The number of rows converted, or a negative status.
  private func scale(
    _ frame: Frame, into planes: UnsafePointer<UnsafeMutablePointer<UInt8>?>,
    _ strides: UnsafePointer<Int32>
  ) -> Int32 {
    withUnsafePointer(to: frame.pointer.pointee.data) { sourcePlanes in
      withUnsafePointer(to: frame.pointer.pointee.linesize) { sourceStrides in
        sws_scale(
          context,
          UnsafeRawPointer(sourcePlanes).assumingMemoryBound(to: UnsafePointer<UInt8>?.self),
          UnsafeRawPointer(sourceStrides).assumingMemoryBound(to: Int32.self),
          0, source.height, planes, strides)
      }
    }
  }

  private func check(_ status: Int32) throws(MediaError) {
    guard status == source.height else {
      throw MediaError(.data, "converting a picture gave \(status) of \(source.height) rows")
    }
  }
}

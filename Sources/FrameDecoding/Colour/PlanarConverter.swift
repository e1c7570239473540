import CFFmpeg
import Media

/// Turns decoded pictures of any pixel format into upright 8-bit 4:2:0, to be encoded again: what has that format already
/// keeps every value, and what has not keeps its matrix and range. Bytes are not promised to be the same on every CPU.
final class PlanarConverter {
  private static let flags = cffmpeg_sws_bicubic | cffmpeg_sws_accurate_rounding

  private let isStillImage: Bool
  private var scaler: Scaler?
  private var scaled: Frame?
  /// A picture before it is turned.
  private var stored: [UInt8] = []

  /// Converts the frames of one input.
  init(isStillImage: Bool) { self.isStillImage = isStillImage }

  /// Converts a frame and turns it upright.
  ///
  /// - Parameters:
  ///   - frame: a decoded picture.
  ///   - orientation: how it is stored.
  ///   - target: has room for the bytes of a `YUVPicture`, and is laid out as that is.
  /// - Returns: what the numbers mean.
  /// - Throws: a data failure if the pixel format cannot be converted.
  func convert(
    _ frame: Frame, orientation: Orientation, into target: UnsafeMutableBufferPointer<UInt8>
  ) throws(MediaError) -> ColourDescription {
    let source = try Scaler.Source(frame, isStillImage: isStillImage)
    let colour = Self.colour(of: frame, source)
    let planes = try planarFrame(frame, source, colour)
    if orientation == .upright {
      Self.pack(planes, into: target)
      return colour
    }
    let (width, height) = (frame.width, frame.height)
    let count = YUVPicture.byteCount(width: width, height: height)
    if stored.count != count { stored = [UInt8](repeating: 0, count: count) }
    stored.withUnsafeMutableBufferPointer { Self.pack(planes, into: $0) }
    stored.withUnsafeBufferPointer { stored in
      for (plane, columns, rows) in Self.planes(width, height) {
        orientation.turn(
          UnsafeBufferPointer(rebasing: stored[plane]),
          into: UnsafeMutableBufferPointer(rebasing: target[plane]), width: columns, height: rows)
      }
    }
    return colour
  }

  /// What the result's numbers mean: what the source's mean, where it has luma.
  private static func colour(of frame: Frame, _ source: Scaler.Source) -> ColourDescription {
    let picture = frame.pointer.pointee
    return ColourDescription(
      // 5 and 6 are one matrix; the guess for unnamed ones is that of NTSC.
      matrix: source.matrix == SWS_CS_ITU601 ? 6 : Int(source.matrix),
      primaries: Int(picture.color_primaries.rawValue), transfer: Int(picture.color_trc.rawValue),
      isFullRange: source.isLumaAndChroma && source.isFullRange)
  }

  /// The frame in 4:2:0.
  private func planarFrame(
    _ frame: Frame, _ source: Scaler.Source, _ colour: ColourDescription
  ) throws(MediaError) -> Frame {
    let format = AVPixelFormat(source.format)
    if format == AV_PIX_FMT_YUV420P || format == AV_PIX_FMT_YUVJ420P { return frame }
    if scaler?.source != source {
      scaler = try Scaler(source, to: AV_PIX_FMT_YUV420P, flags: Self.flags, colour: colour)
      scaled = try Frame(AV_PIX_FMT_YUV420P, width: source.width, height: source.height)
    }
    guard let scaler, let scaled else { preconditionFailure("made above") }
    try scaler.scale(frame, into: scaled)
    return scaled
  }

  /// The range of bytes of each plane, its columns and its rows.
  private static func planes(_ width: Int, _ height: Int) -> [(Range<Int>, Int, Int)] {
    let (luma, columns, rows) = (width * height, (width + 1) / 2, (height + 1) / 2)
    let chroma = columns * rows
    return [
      (0..<luma, width, height), (luma..<luma + chroma, columns, rows),
      (luma + chroma..<luma + 2 * chroma, columns, rows),
    ]
  }

  private static func pack(_ frame: Frame, into bytes: UnsafeMutableBufferPointer<UInt8>) {
    let fields = frame.pointer.pointee
    let sources = [fields.data.0, fields.data.1, fields.data.2]
    let rowBytes = [fields.linesize.0, fields.linesize.1, fields.linesize.2]
    for (number, (plane, columns, rows)) in planes(frame.width, frame.height).enumerated() {
      guard let source = sources[number], let target = bytes.baseAddress else {
        preconditionFailure("a picture without plane \(number)")
      }
      for row in 0..<rows {
        (target + plane.lowerBound + row * columns).update(
          from: source + row * Int(rowBytes[number]), count: columns)
      }
    }
  }
}

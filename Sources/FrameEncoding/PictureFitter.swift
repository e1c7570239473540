import CFFmpeg
import Media

/// Brings pictures of one size to another: a file's video has one size, and some sources change theirs in the middle.
final class PictureFitter {
  private let context: CFFmpegScaler
  private let source: (width: Int, height: Int)
  private let target: (width: Int, height: Int)

  /// Prepares for pictures like this one.
  ///
  /// - Throws: `EncodingError.refused` if swscale refuses the sizes.
  init(from picture: YUVPicture, toWidth width: Int, height: Int) throws(EncodingError) {
    source = (picture.width, picture.height)
    target = (width, height)
    guard
      let context = sws_getContext(
        Int32(clamping: picture.width), Int32(clamping: picture.height), AV_PIX_FMT_YUV420P,
        Int32(clamping: width), Int32(clamping: height), AV_PIX_FMT_YUV420P,
        cffmpeg_sws_bicubic, nil, nil, nil)
    else {
      throw .refused("no way from \(picture.width)x\(picture.height) to \(width)x\(height)")
    }
    self.context = context
  }

  deinit { sws_freeContext(context) }

  /// Whether it was made for pictures of this size.
  func fits(_ picture: YUVPicture) -> Bool { (picture.width, picture.height) == source }

  /// The picture at the target size.
  ///
  /// - Throws: `EncodingError.refused` if swscale fails.
  func fit(_ picture: YUVPicture) throws(EncodingError) -> YUVPicture {
    // swscale's vector code may write this far past the last pixel.
    let padding = 64
    let count = YUVPicture.byteCount(width: target.width, height: target.height)
    var fitted = [UInt8](repeating: 0, count: count + padding)
    let rows = picture.bytes.withUnsafeBufferPointer { from in
      fitted.withUnsafeMutableBufferPointer { to in
        let (sourcePlanes, sourceRows) = Self.planes(source, of: from.baseAddress)
        let (planes, rows) = Self.planes(target, of: UnsafePointer(to.baseAddress))
        return sws_scale(
          context, sourcePlanes, sourceRows, 0, Int32(source.height),
          planes.map { UnsafeMutablePointer(mutating: $0) }, rows)
      }
    }
    guard rows == target.height else { throw .refused("scaling a picture gave \(rows) rows") }
    fitted.removeLast(padding)
    return YUVPicture(
      width: target.width, height: target.height, bytes: fitted, colour: picture.colour)
  }

  private static func planes(
    _ size: (width: Int, height: Int), of bytes: UnsafePointer<UInt8>?
  ) -> ([UnsafePointer<UInt8>?], [Int32]) {
    let (columns, rows) = ((size.width + 1) / 2, (size.height + 1) / 2)
    let blue = bytes.map { $0 + size.width * size.height }
    let red = blue.map { $0 + columns * rows }
    return ([bytes, blue, red, nil], [Int32(size.width), Int32(columns), Int32(columns), 0])
  }
}

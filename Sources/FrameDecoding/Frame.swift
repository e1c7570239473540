import CFFmpeg
import Glibc

/// One decoded picture as the codec stores it; owns the AVFrame.
final class Frame {
  let pointer: UnsafeMutablePointer<AVFrame>

  /// An empty frame.
  init() {
    guard let pointer = av_frame_alloc() else { preconditionFailure("out of memory for a frame") }
    self.pointer = pointer
  }

  /// Room for a picture.
  ///
  /// - Throws: a data failure if there is no memory for it.
  convenience init(_ format: AVPixelFormat, width: Int32, height: Int32) throws(MediaError) {
    self.init()
    pointer.pointee.format = format.rawValue
    pointer.pointee.width = width
    pointer.pointee.height = height
    guard av_frame_get_buffer(pointer, 0) == 0 else {
      throw MediaError(.data, "no memory for a picture of \(width)x\(height)")
    }
  }

  /// Room for a picture of four bytes a pixel in rows without padding, all zero, however large: FFmpeg allocates none of
  /// more than about 2^28 pixels, which it can convert all the same.
  ///
  /// - Throws: a data failure if there is no memory for it.
  convenience init(rgbaWidth width: Int32, height: Int32) throws(MediaError) {
    self.init()
    let count = 4 * Int(width) * Int(height)
    // FFmpeg counts the bytes of a row in 32 bits.
    guard let rowBytes = Int32(exactly: 4 * Int(width)), let bytes = calloc(count, 1) else {
      throw MediaError(.data, "no memory for a picture of \(width)x\(height)")
    }
    let data = bytes.assumingMemoryBound(to: UInt8.self)
    guard let buffer = av_buffer_create(data, count, { _, data in free(data) }, nil, 0) else {
      free(bytes)
      throw MediaError(.data, "no memory for a picture of \(width)x\(height)")
    }
    pointer.pointee.format = AV_PIX_FMT_RGBA.rawValue
    pointer.pointee.width = width
    pointer.pointee.height = height
    pointer.pointee.buf.0 = buffer
    pointer.pointee.data.0 = data
    pointer.pointee.linesize.0 = rowBytes
  }

  deinit {
    var pointer: UnsafeMutablePointer<AVFrame>? = pointer
    av_frame_free(&pointer)
  }

  var width: Int { Int(pointer.pointee.width) }
  var height: Int { Int(pointer.pointee.height) }
  /// Bytes of memory that it keeps.
  var byteCount: Int {
    let buffers = pointer.pointee.buf
    return [buffers.0, buffers.1, buffers.2, buffers.3].reduce(0) {
      // Each is memory that there is.
      $0 + ($1.map { Int($0.pointee.size) } ?? 0)
    }
  }

  var isKeyframe: Bool { cffmpeg_is_keyframe(pointer) }

  /// FFmpeg says so, or it filled in what was missing.
  var isCorrupt: Bool {
    pointer.pointee.flags & AV_FRAME_FLAG_CORRUPT != 0 || pointer.pointee.decode_error_flags != 0
  }

  /// Makes `isCorrupt` true, where FFmpeg does not know it.
  func markCorrupt() { pointer.pointee.flags |= AV_FRAME_FLAG_CORRUPT }

  /// Coded without reference to other pictures.
  var isIntra: Bool { pointer.pointee.pict_type == AV_PICTURE_TYPE_I }

  /// In units of the stream's time base.
  var timestamp: Int64? {
    get {
      let timestamp = pointer.pointee.best_effort_timestamp
      return timestamp == cffmpeg_no_timestamp ? nil : timestamp
    }
    set { pointer.pointee.best_effort_timestamp = newValue ?? cffmpeg_no_timestamp }
  }

  /// How long it is shown, in units of the stream's time base; nil where nobody says.
  var duration: Int64? {
    let duration = cffmpeg_duration(pointer)
    return duration > 0 ? duration : nil
  }

  /// Its timestamp is what the container says of this very picture, not guessed from the order of packets.
  var hasOwnTimestamp: Bool {
    timestamp != nil && pointer.pointee.pts == pointer.pointee.best_effort_timestamp
  }

  /// Where its packet starts in the file.
  var bytePosition: Int64? {
    let position = cffmpeg_position(pointer)
    return position < 0 ? nil : position
  }

  /// How the picture itself says it must be turned: FFmpeg gives a matrix, a tag, or both for one wish.
  var orientation: (Orientation, isExact: Bool)? {
    if let matrix = av_frame_get_side_data(pointer, AV_FRAME_DATA_DISPLAYMATRIX),
      let orientation = Orientation.nearest(
        UnsafeRawBufferPointer(start: matrix.pointee.data, count: matrix.pointee.size))
    {
      return orientation
    }
    // The value is padded with spaces: "    6".
    guard let entry = av_dict_get(pointer.pointee.metadata, "Orientation", nil, 0),
      let tag = Int(String(cString: entry.pointee.value).drop { $0 == " " }),
      let orientation = Orientation(rawValue: tag)
    else { return nil }
    return (orientation, true)
  }

  /// Says how the picture must be turned, where another library than FFmpeg knows it.
  func setOrientation(_ orientation: Orientation) {
    av_dict_set(&pointer.pointee.metadata, "Orientation", String(orientation.rawValue), 0)
  }
}

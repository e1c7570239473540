import CFFmpeg

/// Makes files of pictures.
public enum PictureEncoder {
  /// Encodes one picture.
  ///
  /// - Parameters:
  ///   - pixels: `height * width * 3` bytes: red, green, blue, rows packed, top row first.
  ///   - width: Columns.
  ///   - height: Rows.
  ///   - format: What to make of them.
  /// - Returns: The bytes of the file.
  /// - Throws: `EncodingError.refused` if the format cannot hold such a picture.
  public static func encode(
    _ pixels: [UInt8], width: Int, height: Int, as format: PictureFormat
  ) throws(EncodingError) -> [UInt8] {
    precondition(
      width > 0 && height > 0 && pixels.count == width * height * 3,
      "\(pixels.count) bytes for a picture of \(width)x\(height)")
    FFmpegStatus.silence
    let what = "writing a picture of \(width)x\(height) as \(format.rawValue)"
    guard let codec = avcodec_find_encoder_by_name(format.encoder) else {
      throw .refused("\(what): this FFmpeg has no \(format.encoder)")
    }
    var context = avcodec_alloc_context3(codec)
    var (frame, packet) = (av_frame_alloc(), av_packet_alloc())
    defer {
      avcodec_free_context(&context)
      av_frame_free(&frame)
      av_packet_free(&packet)
    }
    guard let context, let frame, let packet else { preconditionFailure("out of memory") }
    guard let columns = Int32(exactly: width), let rows = Int32(exactly: height) else {
      throw .refused(what)
    }
    context.pointee.width = columns
    context.pointee.height = rows
    context.pointee.pix_fmt = format.pixelFormat
    context.pointee.time_base = AVRational(num: 1, den: 25)
    context.pointee.thread_count = 1
    if format == .jpeg { context.pointee.color_range = AVCOL_RANGE_JPEG }
    var options: OpaquePointer?
    defer { av_dict_free(&options) }
    for (name, value) in format.options { av_dict_set(&options, name, value, 0) }
    try FFmpegStatus.check(avcodec_open2(context, codec, &options), what)
    frame.pointee.format = format.pixelFormat.rawValue
    frame.pointee.width = columns
    frame.pointee.height = rows
    frame.pointee.color_range = context.pointee.color_range
    try FFmpegStatus.check(av_frame_get_buffer(frame, 0), what)
    try convert(pixels, into: frame, what)
    try FFmpegStatus.check(avcodec_send_frame(context, frame), what)
    // Encoders of pictures may wait for more until they are told that there are none.
    try FFmpegStatus.check(avcodec_send_frame(context, nil), what)
    try FFmpegStatus.check(avcodec_receive_packet(context, packet), what)
    return [UInt8](
      UnsafeBufferPointer(start: packet.pointee.data, count: Int(packet.pointee.size)))
  }

  /// Converts packed RGB into the frame's format at the same size.
  private static func convert(
    _ pixels: [UInt8], into frame: UnsafeMutablePointer<AVFrame>, _ what: String
  ) throws(EncodingError) {
    let (width, height) = (frame.pointee.width, frame.pointee.height)
    guard
      let scaler = sws_getContext(
        width, height, AV_PIX_FMT_RGB24, width, height, AVPixelFormat(frame.pointee.format),
        cffmpeg_sws_bicubic | cffmpeg_sws_accurate_rounding | cffmpeg_sws_full_chroma, nil, nil,
        nil)
    else { throw .refused(what) }
    defer { sws_freeContext(scaler) }
    let unity: Int32 = 1 << 16
    // Refused for formats without a matrix, which need none.
    _ = sws_setColorspaceDetails(
      scaler, sws_getCoefficients(SWS_CS_DEFAULT), 1, sws_getCoefficients(SWS_CS_DEFAULT), 1, 0,
      unity, unity)
    let rows = pixels.withUnsafeBufferPointer { pixels in
      withUnsafePointer(to: frame.pointee.data) { planes in
        withUnsafePointer(to: frame.pointee.linesize) { rowBytes in
          sws_scale(
            scaler, [pixels.baseAddress, nil, nil, nil], [width * 3, 0, 0, 0], 0, height,
            UnsafeRawPointer(planes).assumingMemoryBound(to: UnsafeMutablePointer<UInt8>?.self),
            UnsafeRawPointer(rowBytes).assumingMemoryBound(to: Int32.self))
        }
      }
    }
    if rows != height { throw .refused("\(what): \(rows) rows") }
  }
}

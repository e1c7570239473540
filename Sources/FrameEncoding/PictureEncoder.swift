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
    try encode(
      pixels, width: width, height: height, toWidth: width, height: height, as: format,
      format.pixelFormat, format.options)
  }

  /// Encodes a small picture of a picture, as JPEG of medium quality: some 20 kB at 480 pixels.
  ///
  /// - Parameters:
  ///   - pixels: As for `encode`.
  ///   - width: Columns.
  ///   - height: Rows.
  ///   - side: What the longer side gets, where it has more pixels.
  /// - Returns: The bytes of the file.
  /// - Throws: `EncodingError.refused` if JPEG cannot hold such a picture.
  public static func preview(
    _ pixels: [UInt8], width: Int, height: Int, side: Int
  ) throws(EncodingError) -> [UInt8] {
    let share = min(1, Double(side) / Double(max(width, height)))
    // Bounded: a part of the picture's sides.
    return try encode(
      pixels, width: width, height: height,
      toWidth: max(1, Int((Double(width) * share).rounded())),
      height: max(1, Int((Double(height) * share).rounded())), as: .jpeg, AV_PIX_FMT_YUVJ420P,
      [("qmin", "4"), ("qmax", "4")])
  }

  private static func encode(
    _ pixels: [UInt8], width: Int, height: Int, toWidth newWidth: Int, height newHeight: Int,
    as format: PictureFormat, _ pixelFormat: AVPixelFormat, _ options: [(String, String)]
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
    guard let columns = Int32(exactly: newWidth), let rows = Int32(exactly: newHeight),
      let sourceColumns = Int32(exactly: width), let sourceRows = Int32(exactly: height)
    else { throw .refused(what) }
    context.pointee.width = columns
    context.pointee.height = rows
    context.pointee.pix_fmt = pixelFormat
    context.pointee.time_base = AVRational(num: 1, den: 25)
    context.pointee.thread_count = 1
    if format == .jpeg { context.pointee.color_range = AVCOL_RANGE_JPEG }
    var dictionary: OpaquePointer?
    defer { av_dict_free(&dictionary) }
    for (name, value) in options { av_dict_set(&dictionary, name, value, 0) }
    try FFmpegStatus.check(avcodec_open2(context, codec, &dictionary), what)
    frame.pointee.format = pixelFormat.rawValue
    frame.pointee.width = columns
    frame.pointee.height = rows
    frame.pointee.color_range = context.pointee.color_range
    try FFmpegStatus.check(av_frame_get_buffer(frame, 0), what)
    try convert(pixels, width: sourceColumns, height: sourceRows, into: frame, what)
    try FFmpegStatus.check(avcodec_send_frame(context, frame), what)
    // Encoders of pictures may wait for more until they are told that there are none.
    try FFmpegStatus.check(avcodec_send_frame(context, nil), what)
    try FFmpegStatus.check(avcodec_receive_packet(context, packet), what)
    return [UInt8](
      UnsafeBufferPointer(start: packet.pointee.data, count: Int(packet.pointee.size)))
  }

  /// Converts packed RGB into the frame's format and size.
  private static func convert(
    _ pixels: [UInt8], width: Int32, height: Int32, into frame: UnsafeMutablePointer<AVFrame>,
    _ what: String
  ) throws(EncodingError) {
    let (newWidth, newHeight) = (frame.pointee.width, frame.pointee.height)
    // The mean of the pixels that come together has neither jags nor halos.
    let filter = newWidth < width || newHeight < height ? cffmpeg_sws_area : cffmpeg_sws_bicubic
    guard
      let scaler = sws_getContext(
        width, height, AV_PIX_FMT_RGB24, newWidth, newHeight,
        AVPixelFormat(frame.pointee.format),
        filter | cffmpeg_sws_accurate_rounding | cffmpeg_sws_full_chroma, nil, nil,
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
    if rows != newHeight { throw .refused("\(what): \(rows) rows") }
  }
}

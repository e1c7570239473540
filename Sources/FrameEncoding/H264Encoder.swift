import CFFmpeg
import Media

/// Makes H.264 of pictures; owns the AVCodecContext.
final class H264Encoder {
  let context: UnsafeMutablePointer<AVCodecContext>
  private let width: Int
  private let height: Int
  private let frame: UnsafeMutablePointer<AVFrame>
  private let packet: UnsafeMutablePointer<AVPacket>
  private var fitter: PictureFitter?
  /// How long the frames are shown that went in and did not come out yet: encoders of FFmpeg 5 forget it.
  private var durations: [Int64: Int64] = [:]

  /// Opens x264.
  ///
  /// - Throws: `EncodingError.refused` if this FFmpeg has no x264 or x264 refuses the format.
  init(_ format: VideoFormat, _ quality: VideoQuality) throws(EncodingError) {
    guard let codec = avcodec_find_encoder_by_name("libx264") else {
      throw .refused("this FFmpeg has no H.264 encoder (libx264)")
    }
    guard let context = avcodec_alloc_context3(codec), let frame = av_frame_alloc(),
      let packet = av_packet_alloc()
    else { preconditionFailure("out of memory") }
    self.context = context
    self.frame = frame
    self.packet = packet
    (width, height) = (format.width, format.height)
    guard let columns = Int32(exactly: width + width % 2),
      let rows = Int32(exactly: height + height % 2)
    else { throw .refused("a video of \(width)x\(height)") }
    context.pointee.width = columns
    context.pointee.height = rows
    context.pointee.pix_fmt = AV_PIX_FMT_YUV420P
    context.pointee.time_base = AVRational(format.timeBase)
    if let rate = format.averageFrameRate, rate > 0, rate < 1e6 {
      context.pointee.framerate = av_d2q(rate, 1_001_000)
    }
    if let shape = format.pixelShape { context.pointee.sample_aspect_ratio = AVRational(shape) }
    let colour = format.colour
    context.pointee.colorspace = AVColorSpace(UInt32(clamping: colour.matrix))
    context.pointee.color_primaries = AVColorPrimaries(UInt32(clamping: colour.primaries))
    context.pointee.color_trc = AVColorTransferCharacteristic(UInt32(clamping: colour.transfer))
    context.pointee.color_range = colour.isFullRange ? AVCOL_RANGE_JPEG : AVCOL_RANGE_MPEG
    context.pointee.thread_count = Int32(clamping: quality.threads)
    context.pointee.flags |= AV_CODEC_FLAG_GLOBAL_HEADER
    var options: OpaquePointer?
    defer { av_dict_free(&options) }
    av_dict_set(&options, "preset", quality.preset.rawValue, 0)
    av_dict_set(&options, "crf", String(quality.rateFactor), 0)
    try FFmpegStatus.check(
      avcodec_open2(context, codec, &options), "opening the H.264 encoder for \(width)x\(height)")
    frame.pointee.format = AV_PIX_FMT_YUV420P.rawValue
    frame.pointee.width = columns
    frame.pointee.height = rows
    try FFmpegStatus.check(av_frame_get_buffer(frame, 0), "a picture of \(width)x\(height)")
  }

  deinit {
    var (context, frame, packet):
      (
        UnsafeMutablePointer<AVCodecContext>?, UnsafeMutablePointer<AVFrame>?,
        UnsafeMutablePointer<AVPacket>?
      ) =
        (context, frame, packet)
    avcodec_free_context(&context)
    av_frame_free(&frame)
    av_packet_free(&packet)
  }

  /// Takes the next picture, or with nil the end, and hands over the packets that are ready; they are valid until `take`
  /// returns, and their times are ticks of the format's time base.
  ///
  /// - Parameters:
  ///   - picture: Of any size: another one than the format's is scaled to it.
  ///   - timestamp: Later than that of the picture before.
  ///   - duration: How long it is shown; nil where nobody says.
  ///   - take: Writes a packet.
  /// - Throws: `EncodingError.refused`, and what `take` throws.
  func encode(
    _ picture: YUVPicture?, at timestamp: Int64 = 0, for duration: Int64? = nil,
    _ take: (UnsafeMutablePointer<AVPacket>) throws(EncodingError) -> Void
  ) throws(EncodingError) {
    if let picture {
      try FFmpegStatus.check(av_frame_make_writable(frame), "memory for a picture")
      try fill(with: picture)
      frame.pointee.pts = timestamp
      frame.pointee.pict_type = AV_PICTURE_TYPE_NONE
      durations[timestamp] = duration
    }
    try FFmpegStatus.check(
      avcodec_send_frame(context, picture == nil ? nil : frame), "encoding a picture")
    while true {
      let status = avcodec_receive_packet(context, packet)
      if status == -EAGAIN || status == cffmpeg_error_eof { return }
      try FFmpegStatus.check(status, "encoding a picture")
      defer { av_packet_unref(packet) }
      packet.pointee.duration = durations.removeValue(forKey: packet.pointee.pts) ?? 0
      try take(packet)
    }
  }

  private func fill(with picture: YUVPicture) throws(EncodingError) {
    guard (picture.width, picture.height) == (width, height) else {
      if fitter?.fits(picture) != true {
        fitter = try PictureFitter(from: picture, toWidth: width, height: height)
      }
      guard let fitter else { preconditionFailure("made above") }
      return copy(try fitter.fit(picture))
    }
    copy(picture)
  }

  /// Copies the planes; the column and the row that make an odd side even repeat the last ones.
  private func copy(_ picture: YUVPicture) {
    picture.bytes.withUnsafeBufferPointer { bytes in
      let fields = frame.pointee
      let targets = [fields.data.0, fields.data.1, fields.data.2]
      let rowBytes = [fields.linesize.0, fields.linesize.1, fields.linesize.2]
      var source = bytes.baseAddress
      for plane in 0..<3 {
        let columns = plane == 0 ? picture.width : picture.chromaWidth
        let rows = plane == 0 ? picture.height : picture.chromaHeight
        let (paddedColumns, paddedRows) =
          plane == 0 ? (columns + columns % 2, rows + rows % 2) : (columns, rows)
        guard let target = targets[plane], let first = source else {
          preconditionFailure("a picture without plane \(plane)")
        }
        for row in 0..<paddedRows {
          let line = target + row * Int(rowBytes[plane])
          line.update(from: first + min(row, rows - 1) * columns, count: columns)
          if paddedColumns > columns { line[columns] = line[columns - 1] }
        }
        source = first + rows * columns
      }
    }
  }
}

extension AVRational {
  init(_ ratio: Ratio) { self.init(num: ratio.numerator, den: ratio.denominator) }
}

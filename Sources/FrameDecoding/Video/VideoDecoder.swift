import CFFmpeg
import Glibc

/// A decoder with one thread, so that damaged data gives the same pixels in every run; owns the AVCodecContext.
final class VideoDecoder {
  /// What the decoder gives.
  enum Received {
    case frame(Frame)
    case needsPacket
    case ended
    /// A packet could not be decoded; the next one may.
    case damaged(String)
  }

  /// What the decoder takes.
  enum Sent {
    case accepted
    /// Its frames must be received first.
    case full
    /// The packet could not be decoded; the next one may.
    case damaged(String)
  }

  private let context: UnsafeMutablePointer<AVCodecContext>
  private let log: FFmpegLog
  private let gate: PictureGate?
  private let isStrict: Bool

  /// Opens a decoder; `checksSums` compares checksums where the codec has them, and `gate` is asked before memory for a
  /// frame is taken. A strict one calls damaged whatever it complains of: what FFmpeg makes of such a packet can follow from
  /// any picture that was decoded before.
  ///
  /// - Throws: a data failure if the codec is unknown or its parameters are damaged.
  init(
    _ parameters: UnsafePointer<AVCodecParameters>, timeBase: AVRational, limits: MediaLimits,
    checksSums: Bool = false, gate: PictureGate? = nil, isStrict: Bool = false, log: FFmpegLog
  ) throws(MediaError) {
    self.log = log
    self.gate = gate
    self.isStrict = isStrict
    let name = Self.name(of: parameters.pointee.codec_id)
    guard let codec = avcodec_find_decoder(parameters.pointee.codec_id) else {
      throw MediaError(.data, "no decoder for codec \(name)")
    }
    guard let context = avcodec_alloc_context3(codec) else { preconditionFailure("out of memory") }
    self.context = context
    log.clear()
    var status = avcodec_parameters_to_context(context, parameters)
    if status < 0 { throw log.failure("codec parameters", status) }
    context.pointee.thread_count = 1
    context.pointee.pkt_timebase = timeBase
    context.pointee.max_pixels = Int64(limits.maxPixels)
    context.pointee.flags |= cffmpeg_position_flag
    if checksSums { context.pointee.err_recognition |= AV_EF_CRCCHECK }
    if let gate {
      // Owned by this object, as the context is.
      context.pointee.opaque = Unmanaged.passUnretained(gate).toOpaque()
    }
    context.pointee.get_buffer2 = { VideoDecoder.takeBuffer($0, $1, $2) }
    status = avcodec_open2(context, codec, nil)
    if status < 0 { throw log.failure("opening the \(name) decoder", status) }
  }

  deinit {
    var context: UnsafeMutablePointer<AVCodecContext>? = context
    avcodec_free_context(&context)
  }

  /// Takes memory for a frame, whose size is known and in bounds by now, after asking the gate, if there is one.
  ///
  /// That of H.265 is filled: of damaged packets FFmpeg leaves out parts of a picture without a word, and adds to others what
  /// they differ by from a reference that there is not. They would show what was in the memory.
  private static func takeBuffer(
    _ context: UnsafeMutablePointer<AVCodecContext>?, _ frame: UnsafeMutablePointer<AVFrame>?,
    _ flags: Int32
  ) -> Int32 {
    if let frame, let opaque = context?.pointee.opaque {
      let bits = av_pix_fmt_desc_get(AVPixelFormat(frame.pointee.format))
        .map { av_get_padded_bits_per_pixel($0) }
      Unmanaged<PictureGate>.fromOpaque(opaque).takeUnretainedValue().wait(
        pixels: Int(frame.pointee.width) * Int(frame.pointee.height), bitsPerPixel: Int(bits ?? 24))
    }
    let status = avcodec_default_get_buffer2(context, frame, flags)
    guard status >= 0, context?.pointee.codec_id == AV_CODEC_ID_HEVC,
      let buffers = frame?.pointee.buf
    else { return status }
    let depth = (frame?.pointee.format).flatMap { av_pix_fmt_desc_get(AVPixelFormat($0)) }
      .map { Int($0.pointee.comp.0.depth) }
    for case let buffer? in [buffers.0, buffers.1, buffers.2] {
      guard let depth, (9...16).contains(depth), let data = buffer.pointee.data else {
        memset(buffer.pointee.data, 0x80, buffer.pointee.size)
        continue
      }
      // Samples of two bytes: more than the greatest is no sample.
      UnsafeMutableRawPointer(data).withMemoryRebound(
        to: UInt16.self, capacity: buffer.pointee.size / 2
      ) { $0.update(repeating: 1 << (depth - 1), count: buffer.pointee.size / 2) }
    }
    return status
  }

  /// FFmpeg's name of a codec.
  static func name(of codec: AVCodecID) -> String { String(cString: avcodec_get_name(codec)) }

  /// What the last call said that this decoder cannot do: then its pictures may be black.
  var missingFeature: String? { log.missingFeature }

  /// Hands over a packet, or with nil the end of the stream.
  func send(_ packet: Packet?) -> Sent {
    log.clear()
    if let packet { cffmpeg_lay_position(packet.pointer) }
    let status = avcodec_send_packet(context, packet?.pointer)
    switch status {
    case 0..., cffmpeg_error_eof:
      if isStrict, let complaint = log.firstError { return .damaged(complaint) }
      return .accepted
    case -EAGAIN: return .full
    default: return .damaged(log.text(of: status))
    }
  }

  /// Whether a picture to which no other refers is left out; of the packets that are sent from now on.
  var skipsUnreferenced: Bool {
    get { context.pointee.skip_frame == AVDISCARD_NONREF }
    set { context.pointee.skip_frame = newValue ? AVDISCARD_NONREF : AVDISCARD_DEFAULT }
  }

  /// Forgets what was sent, so that decoding can begin anew at any keyframe.
  func flush() { avcodec_flush_buffers(context) }

  /// Takes the next frame in order of presentation.
  func receive() -> Received {
    log.clear()
    let frame = Frame()
    let status = avcodec_receive_frame(context, frame.pointer)
    switch status {
    case 0...:
      if isStrict, let complaint = log.firstError { return .damaged(complaint) }
      return .frame(frame)
    case -EAGAIN: return .needsPacket
    case cffmpeg_error_eof: return .ended
    default: return .damaged(log.text(of: status))
    }
  }
}

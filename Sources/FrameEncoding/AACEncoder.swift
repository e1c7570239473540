import CFFmpeg
import Media

/// Makes AAC of samples; owns the AVCodecContext.
///
/// One thread at a time.
public final class AACEncoder {
  /// How its packets are coded; times are in samples.
  public let format: SoundFormat

  private let context: UnsafeMutablePointer<AVCodecContext>
  private let frame: UnsafeMutablePointer<AVFrame>
  private let packet: UnsafeMutablePointer<AVPacket>
  private var waiting: [[Float]]
  private var position: Int64
  private let samplesInPacket: Int

  /// Opens FFmpeg's encoder.
  ///
  /// - Parameters:
  ///   - sampleRate: Samples a second.
  ///   - channels: How many.
  ///   - start: When the first sample is heard, in samples.
  /// - Throws: `EncodingError.refused` for what AAC cannot hold: rates other than its thirteen, more than eight channels.
  public init(sampleRate: Int, channels: Int, startingAt start: Int64) throws(EncodingError) {
    FFmpegStatus.silence
    let what = "sound of \(channels) channels at \(sampleRate) Hz as AAC"
    guard let codec = avcodec_find_encoder(AV_CODEC_ID_AAC) else {
      throw .refused("this FFmpeg has no AAC encoder")
    }
    guard let context = avcodec_alloc_context3(codec), let frame = av_frame_alloc(),
      let packet = av_packet_alloc()
    else { preconditionFailure("out of memory") }
    self.context = context
    self.frame = frame
    self.packet = packet
    waiting = Array(repeating: [], count: channels)
    position = start
    context.pointee.sample_fmt = AV_SAMPLE_FMT_FLTP
    context.pointee.sample_rate = Int32(clamping: sampleRate)
    context.pointee.time_base = AVRational(num: 1, den: Int32(clamping: max(1, sampleRate)))
    // Nothing that is heard is lost at this rate.
    context.pointee.bit_rate = Int64(96_000 * max(1, channels))
    context.pointee.flags |= AV_CODEC_FLAG_GLOBAL_HEADER
    av_channel_layout_default(&context.pointee.ch_layout, Int32(clamping: channels))
    let status = avcodec_open2(context, codec, nil)
    samplesInPacket = status < 0 ? 1024 : Int(context.pointee.frame_size)
    format = SoundFormat(
      codec: "aac", timeBase: Ratio(1, context.pointee.time_base.den), sampleRate: sampleRate,
      channels: channels, channelMask: 0,
      header: [UInt8](
        UnsafeBufferPointer(
          start: context.pointee.extradata, count: Int(context.pointee.extradata_size))),
      profile: Int(context.pointee.profile), bitRate: Int(context.pointee.bit_rate),
      frameSamples: samplesInPacket, blockBytes: 0,
      primingSamples: Int(context.pointee.initial_padding))
    try FFmpegStatus.check(status, what)
  }

  deinit {
    var (context, frame, packet) = (Optional(context), Optional(frame), Optional(packet))
    avcodec_free_context(&context)
    av_frame_free(&frame)
    av_packet_free(&packet)
  }

  /// Where on the track the next samples lie that it takes, in samples.
  public var end: Int64 { position + Int64(waiting.first?.count ?? 0) }

  /// Takes samples of all channels, or with nil the end, and gives the packets that are ready.
  ///
  /// - Throws: `EncodingError.refused`.
  public func encode(_ samples: [[Float]]?) throws(EncodingError) -> [SoundPacket] {
    var packets: [SoundPacket] = []
    if let samples {
      precondition(samples.count == waiting.count, "\(samples.count) channels")
      for (channel, more) in samples.enumerated() { waiting[channel] += more }
      let count = waiting.first?.count ?? 0
      var sent = 0
      // Once, for a packet of a file may be large; and what the encoder refuses too, which would be refused again.
      defer { for channel in waiting.indices { waiting[channel].removeFirst(sent) } }
      while count - sent >= samplesInPacket {
        let range = sent..<sent + samplesInPacket
        sent = range.upperBound
        do throws(EncodingError) {
          try send(range)
          try receive(&packets)
        } catch {
          // Samples that are no numbers: what comes after them may be.
          continue
        }
      }
    } else {
      defer { for channel in waiting.indices { waiting[channel] = [] } }
      if let rest = waiting.first?.count, rest > 0 { try send(0..<rest) }
      try FFmpegStatus.check(avcodec_send_frame(context, nil), "encoding sound")
      try receive(&packets)
    }
    return packets
  }

  /// Sends some of the samples that wait.
  private func send(_ range: Range<Int>) throws(EncodingError) {
    let count = range.count
    av_frame_unref(frame)
    frame.pointee.format = AV_SAMPLE_FMT_FLTP.rawValue
    frame.pointee.nb_samples = Int32(count)
    frame.pointee.sample_rate = context.pointee.sample_rate
    frame.pointee.pts = position
    try FFmpegStatus.check(
      av_channel_layout_copy(&frame.pointee.ch_layout, &context.pointee.ch_layout), "sound")
    try FFmpegStatus.check(av_frame_get_buffer(frame, 0), "memory for sound")
    for channel in waiting.indices {
      guard let plane = frame.pointee.extended_data[channel] else {
        preconditionFailure("sound without channel \(channel)")
      }
      waiting[channel].withUnsafeBytes {
        UnsafeMutableRawPointer(plane).copyMemory(
          from: UnsafeRawBufferPointer(
            rebasing: $0[range.lowerBound * 4..<range.upperBound * 4]
          ).baseAddress ?? UnsafeRawPointer(plane),
          byteCount: count * 4)
      }
    }
    position += Int64(count)
    try FFmpegStatus.check(avcodec_send_frame(context, frame), "encoding sound")
  }

  private func receive(_ packets: inout [SoundPacket]) throws(EncodingError) {
    while true {
      let status = avcodec_receive_packet(context, packet)
      if status == -EAGAIN || status == cffmpeg_error_eof { return }
      try FFmpegStatus.check(status, "encoding sound")
      defer { av_packet_unref(packet) }
      packets.append(
        SoundPacket(
          bytes: [UInt8](
            UnsafeBufferPointer(start: packet.pointee.data, count: Int(packet.pointee.size))),
          timestamp: packet.pointee.pts, duration: packet.pointee.duration))
    }
  }
}

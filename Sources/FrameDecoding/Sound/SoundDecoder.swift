import CFFmpeg
import Media

/// Turns packets of sound into samples; owns the AVCodecContext.
///
/// For sound that cannot be kept as it is. Damaged packets are passed over. One thread at a time.
public final class SoundDecoder {
  private let reader: SoundReader
  private let context: UnsafeMutablePointer<AVCodecContext>
  private let frame = Frame()
  private let packet = Packet()
  private let log = FFmpegLog()
  private var isDraining = false

  /// Decodes what a reader gives from here on.
  ///
  /// - Throws: a data failure if FFmpeg has no decoder for it.
  public init(_ reader: SoundReader) throws(MediaError) {
    self.reader = reader
    guard let codec = avcodec_find_decoder(reader.parameters.pointee.codec_id),
      let context = avcodec_alloc_context3(codec)
    else { throw MediaError(.data, "no decoder for \(reader.format.codec) sound") }
    self.context = context
    let log = self.log
    try log.capture { () throws(MediaError) in
      var status = avcodec_parameters_to_context(context, reader.parameters)
      if status >= 0 {
        context.pointee.thread_count = 1
        context.pointee.pkt_timebase = AVRational(
          num: reader.format.timeBase.numerator, den: reader.format.timeBase.denominator)
        status = avcodec_open2(context, codec, nil)
      }
      if status < 0 { throw log.failure("opening the \(reader.format.codec) decoder", status) }
    }
  }

  deinit {
    var context: UnsafeMutablePointer<AVCodecContext>? = context
    avcodec_free_context(&context)
  }

  /// The next samples; nil at the end.
  public func next() -> SoundSamples? {
    // Nothing is thrown inside.
    try? log.capture { () throws(MediaError) in nextSamples() }
  }

  private func nextSamples() -> SoundSamples? {
    while true {
      let status = avcodec_receive_frame(context, frame.pointer)
      if status >= 0 {
        if let samples = SoundSamples(frame.pointer.pointee) { return samples }
      } else if status == cffmpeg_error_eof || isDraining {
        return nil
      } else if let next = reader.nextPacket() {
        send(next)
      } else {
        isDraining = true
        avcodec_send_packet(context, nil)
      }
    }
  }

  private func send(_ next: SoundPacket) {
    guard let copy = Packet(copying: next.bytes) else { return }
    copy.pointer.pointee.pts = next.timestamp
    copy.pointer.pointee.dts = next.timestamp
    copy.pointer.pointee.duration = next.duration
    // A packet that cannot be decoded leaves a gap in the timestamps.
    avcodec_send_packet(context, copy.pointer)
  }
}

extension SoundSamples {
  /// Samples of -1 to 1; nil for a layout that FFmpeg's decoders do not give.
  fileprivate init?(_ frame: AVFrame) {
    let channels = Int(frame.ch_layout.nb_channels)
    let format = AVSampleFormat(frame.format)
    let count = Int(frame.nb_samples)
    guard channels > 0, count > 0, frame.sample_rate > 0, let planes = frame.extended_data,
      channels * count <= MediaLimits.maxSoundBytes / MemoryLayout<Float>.stride
    else { return nil }
    let isPlanar = av_sample_fmt_is_planar(format) != 0
    var samples: [[Float]] = []
    for channel in 0..<channels {
      guard let plane = planes[isPlanar ? channel : 0] else { return nil }
      let (first, step) = isPlanar ? (0, 1) : (channel, channels)
      let bytes = UnsafeRawPointer(plane)
      func read<Sample>(_ type: Sample.Type, _ convert: (Sample) -> Float) -> [Float] {
        (0..<count).map {
          convert(
            bytes.loadUnaligned(
              fromByteOffset: (first + $0 * step) * MemoryLayout<Sample>.stride, as: type))
        }
      }
      switch av_get_packed_sample_fmt(format) {
      case AV_SAMPLE_FMT_U8: samples.append(read(UInt8.self) { (Float($0) - 128) / 128 })
      case AV_SAMPLE_FMT_S16: samples.append(read(Int16.self) { Float($0) / 0x1p15 })
      case AV_SAMPLE_FMT_S32: samples.append(read(Int32.self) { Float($0) / 0x1p31 })
      case AV_SAMPLE_FMT_FLT: samples.append(read(Float.self) { $0 })
      case AV_SAMPLE_FMT_DBL: samples.append(read(Double.self) { Float($0) })
      default: return nil
      }
    }
    self.init(
      timestamp: frame.best_effort_timestamp == cffmpeg_no_timestamp
        ? nil : frame.best_effort_timestamp,
      sampleRate: Int(frame.sample_rate), channels: samples)
  }
}

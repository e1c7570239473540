import CFFmpeg
import Media

/// An open container; owns the AVFormatContext.
final class FormatContext {
  let pointer: UnsafeMutablePointer<AVFormatContext>
  private let bytes: ByteStream

  /// Opens the container: its header is read, its streams are not.
  ///
  /// - Throws: a data failure if it is damaged; an access failure if the file cannot be read.
  init(
    _ format: ContainerFormat, of bytes: ByteStream, limits: MediaLimits, log: FFmpegLog
  ) throws(MediaError) {
    self.bytes = bytes
    guard let context = avformat_alloc_context() else { preconditionFailure("out of memory") }
    context.pointee.pb = bytes.context
    context.pointee.max_streams = Int32(clamping: limits.maxStreams)
    // Whatever a container names, this file is all that is read.
    context.pointee.io_open = { _, _, _, _, _ in -EACCES }
    var options: OpaquePointer?
    av_dict_set(&options, "protocol_whitelist", "none", 0)
    defer { av_dict_free(&options) }

    log.clear()
    var opened: UnsafeMutablePointer<AVFormatContext>? = context
    let status = avformat_open_input(&opened, format.inputName, format.pointer, &options)
    // On failure FFmpeg has freed the context.
    guard status >= 0, let opened else {
      throw bytes.source.failure ?? log.failure("opening the container", status)
    }
    pointer = opened
  }

  deinit {
    var pointer: UnsafeMutablePointer<AVFormatContext>? = pointer
    avformat_close_input(&pointer)
  }

  /// The streams, in order.
  var streams: [UnsafeMutablePointer<AVStream>] {
    (0..<Int(pointer.pointee.nb_streams)).compactMap { pointer.pointee.streams[$0] }
  }

  /// Seconds, as FFmpeg estimates; nil if unknown.
  var duration: Double? {
    pointer.pointee.duration > 0 ? Double(pointer.pointee.duration) / Double(AV_TIME_BASE) : nil
  }

  /// Seconds that are time 0 of the records.
  var startTime: Double {
    pointer.pointee.start_time == cffmpeg_no_timestamp
      ? 0 : Double(pointer.pointee.start_time) / Double(AV_TIME_BASE)
  }

  /// Seconds between two ticks of a stream's clock.
  func timeBase(of stream: UnsafeMutablePointer<AVStream>) -> Ratio {
    let base = stream.pointee.time_base
    precondition(base.num > 0 && base.den > 0, "FFmpeg sets a time base for every stream")
    return Ratio(base.num, base.den)
  }

  /// Ticks of a stream's clock from the container's start; nil where a forged timestamp lies too far away.
  func ticksFromStart(_ timestamp: Int64, of stream: UnsafeMutablePointer<AVStream>) -> Int64? {
    let start = pointer.pointee.start_time
    guard start != cffmpeg_no_timestamp else { return timestamp }
    let ticks = av_rescale_q(
      start, AVRational(num: 1, den: AV_TIME_BASE), stream.pointee.time_base)
    let (difference, isAbsurd) = timestamp.subtractingReportingOverflow(ticks)
    return isAbsurd ? nil : difference
  }

  /// Reads and decodes a little, so that sizes, rates and start times are known. The decoders used for it have the
  /// limits too.
  ///
  /// - Throws: a data failure if the streams are damaged; an access failure if the file cannot be read.
  func findStreamInfo(limits: MediaLimits, log: FFmpegLog) throws(MediaError) {
    let count = Int(pointer.pointee.nb_streams)
    var options = [OpaquePointer?](repeating: nil, count: count)
    for index in options.indices {
      av_dict_set(&options[index], "max_pixels", String(limits.maxPixels), 0)
    }
    log.clear()
    let status = avformat_find_stream_info(pointer, &options)
    for index in options.indices { av_dict_free(&options[index]) }
    if let failure = bytes.source.failure { throw failure }
    if status < 0 { throw log.failure("reading the stream headers", status) }
  }
}

import CFFmpeg
import Media
import SystemPackage

/// Reads the packets of a file's sound, as they are, in the order of the file.
///
/// Of several tracks, the one that FFmpeg calls the best: the container's default, with most channels. One thread at a
/// time.
public final class SoundReader {
  /// How the packets are coded.
  public let format: SoundFormat

  private let context: FormatContext
  private let stream: UnsafeMutablePointer<AVStream>
  private let source: FileSource
  private let log = FFmpegLog()
  private let packet = Packet()

  /// Opens a file; nil if it has no sound.
  ///
  /// - Parameters:
  ///   - path: a regular file, or links to one.
  ///   - limits: when to give up.
  ///   - cancellation: stops this reader from another thread.
  /// - Throws: an access failure if the file cannot be read, a data failure if it is no container.
  public convenience init?(
    path: FilePath, limits: MediaLimits = .init(), cancellation: MediaCancellation = .init()
  ) throws(MediaError) {
    try self.init(
      try FileSource(path: path, limits: limits, cancellation: cancellation),
      fileExtension: path.extension, limits: limits)
  }

  /// Opens the sound of what is read; the file's extension decides where its bytes do not tell.
  init?(
    _ source: FileSource, fileExtension: String?, limits: MediaLimits
  ) throws(MediaError) {
    let log = self.log
    let opened = try log.capture { () throws(MediaError) in
      let bytes = ByteStream(source)
      let format = try ContainerFormat(of: bytes, fileExtension: fileExtension)
      let context = try FormatContext(format, of: bytes, limits: limits, log: log)
      try context.findStreamInfo(limits: limits, log: log)
      let number = av_find_best_stream(context.pointer, AVMEDIA_TYPE_AUDIO, -1, -1, nil, 0)
      for stream in context.streams where stream.pointee.index != number {
        stream.pointee.discard = AVDISCARD_ALL
      }
      return (context, context.streams.first { $0.pointee.index == number })
    }
    guard let stream = opened.1 else { return nil }
    context = opened.0
    self.stream = stream
    self.source = source
    format = SoundFormat(stream.pointee.codecpar.pointee, context.timeBase(of: stream))
  }

  /// Valid as long as this.
  var parameters: UnsafeMutablePointer<AVCodecParameters> { stream.pointee.codecpar }

  /// The next packet that has a time; nil at the end, and where nothing more can be read: who decodes the pictures of the
  /// same file says why.
  public func nextPacket() -> SoundPacket? {
    source.noteFrame()
    // Damage is passed over, in good faith a few times.
    var failures = 0
    while failures < 100 {
      packet.clear()
      let status = av_read_frame(context.pointer, packet.pointer)
      if source.failure != nil || status == cffmpeg_error_eof { return nil }
      let fields = packet.pointer.pointee
      guard status >= 0, fields.stream_index == stream.pointee.index else {
        failures += status < 0 ? 1 : 0
        continue
      }
      let timestamp = fields.pts == cffmpeg_no_timestamp ? fields.dts : fields.pts
      guard timestamp != cffmpeg_no_timestamp, fields.size > 0,
        Int(fields.size) <= MediaLimits.maxSoundBytes,
        let ticks = context.ticksFromStart(timestamp, of: stream)
      else { continue }
      return SoundPacket(
        bytes: [UInt8](UnsafeBufferPointer(start: fields.data, count: Int(fields.size))),
        timestamp: ticks, duration: max(0, fields.duration))
    }
    return nil
  }
}

extension SoundFormat {
  fileprivate init(_ parameters: AVCodecParameters, _ timeBase: Ratio) {
    // No sound that an MP4 can hold needs more.
    let header = Int(max(0, parameters.extradata_size))
    // Less than nothing is forged, and as good as nothing.
    self.init(
      codec: VideoDecoder.name(of: parameters.codec_id), timeBase: timeBase,
      sampleRate: Int(max(0, parameters.sample_rate)),
      channels: Int(max(0, parameters.ch_layout.nb_channels)),
      channelMask: parameters.ch_layout.order == AV_CHANNEL_ORDER_NATIVE
        ? parameters.ch_layout.u.mask : 0,
      header: [UInt8](
        UnsafeBufferPointer(
          start: parameters.extradata, count: header > MediaLimits.maxSoundHeader ? 0 : header)),
      profile: Int(parameters.profile), bitRate: Int(max(0, parameters.bit_rate)),
      frameSamples: Int(max(0, parameters.frame_size)),
      blockBytes: Int(max(0, parameters.block_align)),
      primingSamples: Int(max(0, parameters.initial_padding)))
  }
}

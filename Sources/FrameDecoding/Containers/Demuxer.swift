import CFFmpeg

/// Reads the packets of the video stream of a container.
final class Demuxer {
  /// What became of a read.
  enum ReadOutcome {
    /// The packet is filled.
    case packet
    /// Nothing is left.
    case ended
    /// FFmpeg could not make a packet of what is there; the next read may do better.
    case damaged(String)
    /// Nothing more can be read.
    case failed(MediaError)
  }

  let format: ContainerFormat
  let context: FormatContext
  let stream: UnsafeMutablePointer<AVStream>
  /// A cover picture: there is no other video.
  let isAttachedPicture: Bool

  /// Where the bytes come from.
  let source: FileSource
  private let limits: MediaLimits
  private let log: FFmpegLog
  private var lastIsCorrupt = false

  /// Opens a container and chooses its video stream.
  ///
  /// - Throws: a data failure if it is damaged or has no video; an access failure if the file cannot be read.
  init(
    _ format: ContainerFormat, of bytes: ByteStream, limits: MediaLimits, log: FFmpegLog
  ) throws(MediaError) {
    self.format = format
    self.limits = limits
    self.log = log
    source = bytes.source
    context = try FormatContext(format, of: bytes, limits: limits, log: log)
    try context.findStreamInfo(limits: limits, log: log)
    stream = try Self.bestVideoStream(of: context)
    isAttachedPicture = stream.pointee.disposition & AV_DISPOSITION_ATTACHED_PIC != 0
    for other in context.streams where other != stream { other.pointee.discard = AVDISCARD_ALL }
  }

  /// The same file from its start; this one cannot be read any more.
  ///
  /// - Throws: as opening it did.
  func restarted() throws(MediaError) -> Demuxer {
    source.seek(to: 0)
    return try Demuxer(format, of: ByteStream(source), limits: limits, log: log)
  }

  /// Seconds from the container's start, rounded to the microseconds that records say: so a frame whose record says
  /// 1.000000 is one that lies at 1, whatever the time base.
  func time(_ timestamp: Int64) -> Double {
    let base = stream.pointee.time_base
    let seconds = Double(timestamp) * Double(base.num) / Double(base.den) - context.startTime
    // To add 0 turns -0 into 0.
    return (seconds * 1e6).rounded() / 1e6 + 0
  }

  /// Goes to a keyframe before `time`, in seconds; false if the container cannot.
  func seek(before time: Double) -> Bool {
    let base = stream.pointee.time_base
    let timestamp = (time + context.startTime) * Double(base.den) / Double(base.num)
    guard let timestamp = Int64(exactly: timestamp.rounded(.down)), timestamp > Int64.min else {
      return false
    }
    let status = av_seek_frame(
      context.pointer, stream.pointee.index, timestamp - 1, AVSEEK_FLAG_BACKWARD)
    return status >= 0
  }

  /// Reads the next packet of the video stream.
  func read(into packet: Packet) -> ReadOutcome {
    log.clear()
    var attempts = 0
    while true {
      packet.clear()
      let status = av_read_frame(context.pointer, packet.pointer)
      if let failure = source.failure { return .failed(failure) }
      // Some demuxers ask to be called again, in good faith a few times.
      if status == -EAGAIN && attempts < 1000 {
        attempts += 1
        continue
      }
      if status < 0 { return status == cffmpeg_error_eof ? end() : .damaged(log.text(of: status)) }
      if packet.pointer.pointee.stream_index == stream.pointee.index {
        lastIsCorrupt = packet.isCorrupt
        return .packet
      }
    }
  }

  /// Each packet that the index lists becomes a frame, as the container counts them; hidden ones aside, which say so.
  var hasOneFrameAPacket: Bool {
    let entries = avformat_index_get_entries_count(stream)
    return format.isIndexed && entries > 0 && Int64(entries) == stream.pointee.nb_frames
  }

  /// Says whether the end is where it should be: FFmpeg calls the place where a cut file stops its end.
  private func end() -> ReadOutcome {
    if let (whole, indexed) = indexedPackets, whole < indexed {
      return .failed(
        MediaError(.data, "truncated: \(whole) of \(indexed) packets are in the file"))
    }
    // Broadcasts may be cut anywhere, and say "corrupt" of packets that were lost on the way.
    if lastIsCorrupt && !format.mayJumpInTime {
      return .failed(MediaError(.data, "truncated: the file ends inside a packet"))
    }
    if let error = log.firstError { return .failed(MediaError(.data, "truncated: \(error)")) }
    return .ended
  }

  /// How many packets the index lists, and how many of them lie within the file; nil without an index of all. They are not
  /// counted as they come: empty ones never do.
  private var indexedPackets: (whole: Int, indexed: Int)? {
    guard format.isIndexed else { return nil }
    let indexed = avformat_index_get_entries_count(stream)
    let whole = (0..<indexed).count(where: { number in
      guard let entry = avformat_index_get_entry(stream, number) else { return false }
      let (end, isAbsurd) = entry.pointee.pos.addingReportingOverflow(Int64(entry.pointee.size))
      return !isAbsurd && end <= source.size
    })
    return (whole, Int(indexed))
  }

  /// Video streams come before cover pictures, decodable before others, then the container's default, then the
  /// largest, then the first.
  private static func bestVideoStream(
    of context: FormatContext
  ) throws(MediaError) -> UnsafeMutablePointer<AVStream> {
    func rank(_ stream: UnsafeMutablePointer<AVStream>) -> (Int, Int, Int, Int64) {
      let disposition = stream.pointee.disposition
      let parameters = stream.pointee.codecpar.pointee
      return (
        disposition & AV_DISPOSITION_ATTACHED_PIC == 0 ? 1 : 0,
        avcodec_find_decoder(parameters.codec_id) == nil ? 0 : 1,
        disposition & AV_DISPOSITION_DEFAULT == 0 ? 0 : 1,
        Int64(parameters.width) * Int64(parameters.height)
      )
    }
    let video = context.streams.filter {
      $0.pointee.codecpar.pointee.codec_type == AVMEDIA_TYPE_VIDEO
    }
    // `max` keeps the last of equals, so the order is turned to keep the first.
    guard let best = video.reversed().max(by: { rank($0) < rank($1) }) else {
      throw MediaError(.data, "no video stream")
    }
    return best
  }
}

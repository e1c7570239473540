import CFFmpeg
import Media

/// The sound of a file that is written: packets as they are, each before the pictures that follow it.
final class SoundTrack {
  private let muxer: UnsafeMutablePointer<AVFormatContext>
  private let stream: UnsafeMutablePointer<AVStream>
  private let timeBase: AVRational
  private let next: () -> SoundPacket?
  private var pending: SoundPacket?
  private var last: Int64?
  private var isEnded = false

  /// Adds a stream to a file whose header is not written yet.
  ///
  /// - Throws: `EncodingError.refused` for a codec that FFmpeg does not know.
  init(
    _ format: SoundFormat, _ next: @escaping () -> SoundPacket?,
    in muxer: UnsafeMutablePointer<AVFormatContext>
  ) throws(EncodingError) {
    guard let codec = avcodec_descriptor_get_by_name(format.codec) else {
      throw .refused("FFmpeg knows no codec \(format.codec)")
    }
    guard let stream = avformat_new_stream(muxer, nil), let parameters = stream.pointee.codecpar
    else { preconditionFailure("out of memory for a sound track") }
    self.muxer = muxer
    self.stream = stream
    self.next = next
    timeBase = AVRational(format.timeBase)
    parameters.pointee.codec_type = AVMEDIA_TYPE_AUDIO
    parameters.pointee.codec_id = codec.pointee.id
    parameters.pointee.sample_rate = Int32(clamping: format.sampleRate)
    parameters.pointee.profile = Int32(clamping: format.profile)
    parameters.pointee.bit_rate = Int64(format.bitRate)
    parameters.pointee.frame_size = Int32(clamping: format.frameSamples)
    parameters.pointee.block_align = Int32(clamping: format.blockBytes)
    parameters.pointee.initial_padding = Int32(clamping: format.primingSamples)
    if format.channelMask == 0
      || av_channel_layout_from_mask(&parameters.pointee.ch_layout, format.channelMask) < 0
    {
      av_channel_layout_default(&parameters.pointee.ch_layout, Int32(clamping: format.channels))
    }
    Self.copy(format.header, to: parameters)
    stream.pointee.time_base = timeBase
  }

  /// Writes what begins before a time, or with nil all that is left.
  func write(
    until end: (ticks: Int64, timeBase: AVRational)?,
    _ check: (Int32) throws(EncodingError) -> Void
  ) throws(EncodingError) {
    while !isEnded {
      guard let packet = pending ?? next() else {
        isEnded = true
        return
      }
      pending = nil
      // A clock that starts anew in the middle cannot be written: such packets have no place.
      if let last, packet.timestamp <= last { continue }
      if let end, av_compare_ts(packet.timestamp, timeBase, end.ticks, end.timeBase) > 0 {
        pending = packet
        return
      }
      last = packet.timestamp
      try write(packet, check)
    }
  }

  private func write(
    _ sound: SoundPacket, _ check: (Int32) throws(EncodingError) -> Void
  ) throws(EncodingError) {
    var packet = av_packet_alloc()
    defer { av_packet_free(&packet) }
    guard let packet, av_new_packet(packet, Int32(clamping: sound.bytes.count)) == 0 else {
      throw .refused("no memory for a sound packet of \(sound.bytes.count) bytes")
    }
    UnsafeMutableRawBufferPointer(start: packet.pointee.data, count: sound.bytes.count)
      .copyBytes(from: sound.bytes)
    packet.pointee.stream_index = stream.pointee.index
    packet.pointee.pts = sound.timestamp
    packet.pointee.dts = sound.timestamp
    packet.pointee.duration = sound.duration
    packet.pointee.flags |= AV_PKT_FLAG_KEY
    av_packet_rescale_ts(packet, timeBase, stream.pointee.time_base)
    try check(av_write_frame(muxer, packet))
  }

  private static func copy(
    _ header: [UInt8], to parameters: UnsafeMutablePointer<AVCodecParameters>
  ) {
    if header.isEmpty { return }
    // FFmpeg reads headers in words, past their end.
    guard let copy = av_mallocz(header.count + Int(AV_INPUT_BUFFER_PADDING_SIZE)) else {
      preconditionFailure("out of memory for \(header.count) bytes")
    }
    UnsafeMutableRawBufferPointer(start: copy, count: header.count).copyBytes(from: header)
    parameters.pointee.extradata = copy.assumingMemoryBound(to: UInt8.self)
    parameters.pointee.extradata_size = Int32(clamping: header.count)
  }
}

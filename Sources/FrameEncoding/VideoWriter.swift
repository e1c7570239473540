import CFFmpeg
import Glibc
import Media
import SystemPackage

/// Writes an MP4 that browsers play: H.264 in 4:2:0 with 8 bits, its index in front, and sound as it was coded.
///
/// Every frame has its own time on the source's clock. One thread at a time. A file that is not finished is left as it is:
/// whoever named it removes it.
public final class VideoWriter {
  private let path: FilePath
  private let muxer: UnsafeMutablePointer<AVFormatContext>
  private let encoder: H264Encoder
  private let timeBase: AVRational
  private let video: UnsafeMutablePointer<AVStream>
  private var sound: SoundTrack?
  private var isFinished = false

  /// Opens a file.
  ///
  /// - Parameters:
  ///   - path: Is replaced if it exists.
  ///   - format: Of the pictures.
  ///   - quality: What may be spent on them.
  ///   - sound: The format of the sound, which the file must be able to hold (`canHold`), and its packets in the order
  ///     of their times, which are on the same clock as the frames' in seconds; nil for a silent film.
  /// - Throws: `EncodingError`.
  public init(
    path: FilePath, format: VideoFormat, quality: VideoQuality,
    sound: (format: SoundFormat, next: () -> SoundPacket?)? = nil
  ) throws(EncodingError) {
    FFmpegStatus.silence
    self.path = path
    timeBase = AVRational(format.timeBase)
    encoder = try H264Encoder(format, quality)
    var muxer: UnsafeMutablePointer<AVFormatContext>?
    // With the protocol in front a name may hold anything.
    let name = path.withPlatformString { path in
      Array("file:".utf8CString.dropLast())
        + UnsafeBufferPointer(start: path, count: strlen(path) + 1)
    }
    try FFmpegStatus.check(
      avformat_alloc_output_context2(&muxer, nil, "mp4", name), "making an MP4 file")
    guard let muxer, let video = avformat_new_stream(muxer, nil) else {
      preconditionFailure("out of memory for an MP4 file")
    }
    self.muxer = muxer
    self.video = video
    avcodec_parameters_from_context(video.pointee.codecpar, encoder.context)
    video.pointee.time_base = timeBase
    video.pointee.sample_aspect_ratio = encoder.context.pointee.sample_aspect_ratio
    video.pointee.avg_frame_rate = encoder.context.pointee.framerate
    if let sound { self.sound = try SoundTrack(sound.format, sound.next, in: muxer) }
    let status = avio_open2(&muxer.pointee.pb, name, AVIO_FLAG_WRITE, nil, nil)
    if status < 0 { throw .cannotCreate(path, FFmpegStatus.systemError(status)) }
    var options: OpaquePointer?
    defer { av_dict_free(&options) }
    av_dict_set(&options, "movflags", "+faststart", 0)
    // The source's clock, so that no time is rounded; the muxer would take a finer one.
    av_dict_set(&options, "video_track_timescale", String(format.timeBase.denominator), 0)
    try write(avformat_write_header(muxer, &options))
  }

  deinit {
    avio_closep(&muxer.pointee.pb)
    avformat_free_context(muxer)
  }

  /// Whether an MP4 that browsers play can hold sound of a codec as it is.
  public static func canHold(_ sound: SoundFormat) -> Bool { playableSound.contains(sound.codec) }

  /// What MP4 has a place for, and players commonly know.
  private static let playableSound: Set = ["aac", "ac3", "alac", "eac3", "flac", "mp3", "opus"]

  /// Adds a frame.
  ///
  /// - Parameters:
  ///   - picture: Another size than the format's is scaled to it.
  ///   - timestamp: Ticks of the format's time base, above that of the frame before.
  ///   - duration: Ticks that it is shown, which matters for the last frame; nil where nobody says.
  /// - Throws: `EncodingError`.
  public func append(
    _ picture: YUVPicture, at timestamp: Int64, for duration: Int64? = nil
  ) throws(EncodingError) {
    try encoder.encode(picture, at: timestamp, for: duration, write)
  }

  /// Writes what is left, and the index: the file is whole then.
  ///
  /// - Throws: `EncodingError`.
  public func finish() throws(EncodingError) {
    precondition(!isFinished, "\(path) is finished already")
    isFinished = true
    try encoder.encode(nil, write)
    try sound?.write(until: nil, write)
    try write(av_write_trailer(muxer))
    try write(avio_closep(&muxer.pointee.pb))
  }

  private func write(_ packet: UnsafeMutablePointer<AVPacket>) throws(EncodingError) {
    packet.pointee.stream_index = video.pointee.index
    av_packet_rescale_ts(packet, timeBase, video.pointee.time_base)
    try sound?.write(until: (packet.pointee.dts, video.pointee.time_base), write)
    try write(av_write_frame(muxer, packet))
  }

  private func write(_ status: Int32) throws(EncodingError) {
    if status >= 0 { return }
    // What the muxer itself refuses has statuses outside the system's.
    guard (-4095..<0).contains(status), status != -EINVAL else {
      throw .refused("writing an MP4 file: \(FFmpegStatus.text(status))")
    }
    throw .writeFailed(path, FFmpegStatus.systemError(status))
  }
}

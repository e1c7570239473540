import CFFmpeg
import Media

/// What the container says of its video stream.
extension Demuxer {
  /// How stored pictures must be turned.
  var orientation: (Orientation, isExact: Bool)? {
    var size = 0
    guard let matrix = cffmpeg_display_matrix(stream, &size) else { return nil }
    return Orientation.nearest(UnsafeRawBufferPointer(start: matrix, count: size))
  }

  /// Frames a second.
  var averageFrameRate: Double? {
    let rate = stream.pointee.avg_frame_rate
    return rate.num > 0 && rate.den > 0 ? Double(rate.num) / Double(rate.den) : nil
  }

  /// From one frame to the next at that rate, in units of the stream's time base.
  var averageFrameDuration: Int64? {
    let rate = stream.pointee.avg_frame_rate
    guard rate.num > 0 && rate.den > 0 else { return nil }
    let duration = av_rescale_q(
      1, AVRational(num: rate.den, den: rate.num), stream.pointee.time_base)
    return duration > 0 ? duration : nil
  }

  /// Seconds between two ticks of the stream's clock.
  var timeBase: Ratio { context.timeBase(of: stream) }

  /// Ticks from the container's start.
  func ticksFromStart(_ timestamp: Int64) -> Int64? {
    context.ticksFromStart(timestamp, of: stream)
  }

  /// Width of a pixel by its height, as it is stored: what the container says counts more than what the codec says.
  func pixelShape(of frame: Frame) -> Ratio? {
    let shape = av_guess_sample_aspect_ratio(context.pointer, stream, frame.pointer)
    return shape.num > 0 && shape.den > 0 ? Ratio(shape.num, shape.den) : nil
  }

  /// Frames in the whole file.
  var estimatedFrames: Int? {
    if stream.pointee.nb_frames > 0 { return Int(stream.pointee.nb_frames) }
    guard let duration = context.duration, let rate = averageFrameRate else { return nil }
    return Int(exactly: (duration * rate).rounded())
  }

  /// What the user should know of the choice of stream.
  var remarks: [String] {
    if isAttachedPicture { return ["no video: the cover picture is read"] }
    let others = context.streams.filter {
      $0.pointee.codecpar.pointee.codec_type == AVMEDIA_TYPE_VIDEO
        && $0.pointee.disposition & AV_DISPOSITION_ATTACHED_PIC == 0 && $0 != stream
    }
    return others.isEmpty
      ? [] : ["\(others.count + 1) video streams: stream \(stream.pointee.index) is read"]
  }

  /// The packet of a container that holds one picture and no time; nil if it holds video.
  ///
  /// - Throws: why the packet cannot be read.
  func onlyPicture() throws(MediaError) -> Packet? {
    if isAttachedPicture, stream.pointee.attached_pic.size > 0 {
      return Packet(sharing: &stream.pointee.attached_pic)
    }
    guard format.holdsOnePicture(stream) else { return nil }
    let packet = Packet()
    switch read(into: packet) {
    case .packet: return packet
    case .ended: throw MediaError(.data, "no picture in it")
    case .damaged(let text): throw MediaError(.data, "reading the picture: \(text)")
    case .failed(let failure): throw failure
    }
  }
}

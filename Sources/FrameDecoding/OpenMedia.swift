import CFFmpeg
import SystemPackage

/// An open input: its frames, and what their times and orientations are.
struct OpenMedia {
  let frames: any FrameSequence
  let info: MediaInfo
  /// Bytes of the file.
  let size: Int64
  /// Timestamps may start anew in mid-file.
  let mayJumpInTime: Bool

  private let demuxer: Demuxer?
  /// What the container says, for frames that say nothing.
  private let orientation: Orientation

  /// Opens a file; `onlyKeyframes` decodes no other frames, and `time` begins at a keyframe before this many seconds, if
  /// there is a way there.
  ///
  /// - Throws: an access failure if the file cannot be read, a data failure if it has no decodable video.
  static func open(
    _ path: FilePath, onlyKeyframes: Bool, before time: Double?, limits: MediaLimits,
    cancellation: MediaCancellation, log: FFmpegLog
  ) throws(MediaError) -> OpenMedia {
    let source = try FileSource(path: path, limits: limits, cancellation: cancellation)
    let bytes = ByteStream(source)
    let format = try ContainerFormat(of: bytes, fileExtension: path.extension)
    if format.isStillImage {
      return try imageFile(format, bytes, limits, log)
    }
    let demuxer = try Demuxer(format, of: bytes, limits: limits, log: log)
    if let packet = try demuxer.onlyPicture() {
      return try picture(packet, of: demuxer, limits, log)
    }
    let frames = try VideoFrames(
      demuxer, source: source, limits: limits, onlyKeyframes: onlyKeyframes, log: log)
    if let time, !frames.seek(before: time) {
      return try open(
        path, onlyKeyframes: onlyKeyframes, before: nil, limits: limits,
        cancellation: cancellation, log: log)
    }
    return OpenMedia(video: frames)
  }

  /// How the frame must be turned: what it says itself, else what the container says.
  func orientation(of frame: Frame) -> Orientation { frame.orientation?.0 ?? orientation }

  /// Seconds from the container's start.
  func time(of frame: Frame) -> Double? {
    guard !info.isStillImage, let timestamp = frame.timestamp else { return nil }
    return demuxer?.time(timestamp)
  }

  private init(video frames: VideoFrames) {
    let demuxer = frames.demuxer
    let parameters = demuxer.stream.pointee.codecpar.pointee
    let (orientation, isExact) = demuxer.orientation ?? (.upright, true)
    var remarks = demuxer.remarks
    if !isExact {
      remarks.append("the display matrix is no quarter turn or mirroring: taken as \(orientation)")
    }
    self.frames = frames
    size = demuxer.size
    self.demuxer = demuxer
    self.orientation = orientation
    mayJumpInTime = demuxer.format.mayJumpInTime
    info = MediaInfo(
      container: demuxer.format.name, codec: VideoDecoder.name(of: parameters.codec_id),
      width: Int(orientation.swapsSides ? parameters.height : parameters.width),
      height: Int(orientation.swapsSides ? parameters.width : parameters.height),
      orientation: orientation, duration: demuxer.context.duration,
      averageFrameRate: demuxer.averageFrameRate, estimatedFrames: demuxer.estimatedFrames,
      isStillImage: false, remarks: remarks)
  }

  private init(
    image: StillImage, container: String, codec: AVCodecID, orientation: Orientation, size: Int64,
    remarks: [String] = []
  ) {
    let decoded = image.decoded
    let turned = decoded.orientation?.0 ?? orientation
    frames = image
    self.size = size
    demuxer = nil
    self.orientation = orientation
    mayJumpInTime = false
    info = MediaInfo(
      container: container, codec: VideoDecoder.name(of: codec),
      width: turned.swapsSides ? decoded.height : decoded.width,
      height: turned.swapsSides ? decoded.width : decoded.height, orientation: turned,
      duration: nil, averageFrameRate: nil, estimatedFrames: 1, isStillImage: true,
      remarks: remarks)
  }

  /// Decodes a file that is one picture: all of it is the decoder's packet.
  private static func imageFile(
    _ format: ContainerFormat, _ bytes: ByteStream, _ limits: MediaLimits, _ log: FFmpegLog
  ) throws(MediaError) -> OpenMedia {
    let context = try FormatContext(format, of: bytes, limits: limits, log: log)
    guard let parameters = context.streams.first?.pointee.codecpar else {
      throw MediaError(.data, "no picture in it")
    }
    let codec = parameters.pointee.codec_id
    let file = try bytes.source.contents()
    guard let packet = Packet(copying: file) else {
      throw MediaError(.data, "no memory for an image file of \(file.count) bytes")
    }
    // The context owns the parameters.
    let image = try withExtendedLifetime(context) { () throws(MediaError) in
      try StillImage(packet, parameters, limits: limits, log: log)
    }
    return OpenMedia(
      image: image, container: format.name, codec: codec,
      orientation: EmbeddedOrientation.find(in: file) ?? .upright, size: bytes.source.size)
  }

  /// Decodes the one picture of a container.
  private static func picture(
    _ packet: Packet, of demuxer: Demuxer, _ limits: MediaLimits, _ log: FFmpegLog
  ) throws(MediaError) -> OpenMedia {
    let parameters = demuxer.stream.pointee.codecpar.pointee
    return OpenMedia(
      image: try StillImage(packet, demuxer.stream.pointee.codecpar, limits: limits, log: log),
      container: demuxer.format.name, codec: parameters.codec_id,
      orientation: demuxer.orientation?.0 ?? .upright, size: demuxer.size,
      remarks: demuxer.remarks)
  }
}

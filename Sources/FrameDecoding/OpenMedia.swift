import CFFmpeg
import Media

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

  /// Opens what is in a file, whose name may have had an extension; `sampling` says which frames are wanted, and `time` begins at a keyframe before this many seconds, if
  /// there is a way there.
  ///
  /// - Throws: an access failure if the file cannot be read, a data failure if it has no decodable video.
  static func open(
    _ source: FileSource, fileExtension: String?, sampling: FrameSampling, before time: Double?,
    limits: MediaLimits, log: FFmpegLog
  ) throws(MediaError) -> OpenMedia {
    switch ImageSignature(try source.start(ImageSignature.length)) {
    case .tiff: return try OpenMedia(tiff: TIFFPages(source, limits: limits), source.size)
    case .heif:
      return OpenMedia(
        heif: try HEIFPicture.decode(try source.contents(), limits: limits), source.size)
    case .cameraRaw: throw CameraRaw.refusal
    case nil: break
    }
    let bytes = ByteStream(source)
    let format = try ContainerFormat(of: bytes, fileExtension: fileExtension)
    if format.isStillImage {
      return try imageFile(format, bytes, limits, log)
    }
    let demuxer = try Demuxer(format, of: bytes, limits: limits, log: log)
    if let packet = try demuxer.onlyPicture() {
      return try picture(packet, of: demuxer, limits, log)
    }
    return OpenMedia(
      video: demuxer,
      try frames(
        of: demuxer, sampling: sampling, before: time, limits: limits, log: log))
  }

  /// The wanted frames and maybe others, by a short cut if there is one.
  private static func frames(
    of demuxer: Demuxer, sampling: FrameSampling, before time: Double?, limits: MediaLimits,
    log: FFmpegLog
  ) throws(MediaError) -> any FrameSequence {
    var shortcut: (any Shortcut)?
    if !sampling.needsFrameNumbers && sampling.selection == .keyframes {
      shortcut = try LoneKeyframes(demuxer, limits: limits, log: log)
    }
    if shortcut == nil && time != nil {
      shortcut = try VideoFrames(demuxer, limits: limits, log: log)
    }
    let makeFull = { () throws(MediaError) -> VideoFrames in
      try VideoFrames(try demuxer.restarted(), limits: limits, log: log)
    }
    guard let shortcut else {
      let single = { (demuxer) throws(MediaError) -> any FrameSequence in
        let sparse = try SparseFrames(
          demuxer, sampling: sampling, limits: limits, log: log, makeFull: makeFull)
        if let sparse { return sparse }
        return try VideoFrames(demuxer, limits: limits, log: log)
      }
      guard ParallelFrames.suits(demuxer, sampling: sampling, limits: limits) else {
        return try single(demuxer)
      }
      let restart = { () throws(MediaError) in try single(try demuxer.restarted()) }
      let parallel = try ParallelFrames(
        demuxer, sampling: sampling, limits: limits, makeSingle: restart)
      if let parallel { return parallel }
      return try restart()
    }
    if let time, !shortcut.seek(before: time) { return try makeFull() }
    return ShortcutFrames(shortcut, makeFull: makeFull)
  }

  /// How the frame must be turned: what it says itself, else what the container says.
  func orientation(of frame: Frame) -> Orientation { frame.orientation?.0 ?? orientation }

  /// Seconds from the container's start at a tick of the stream's clock.
  func time(_ timestamp: Int64) -> Double? { demuxer?.time(timestamp) }

  /// Seconds from the container's start.
  func time(of frame: Frame) -> Double? {
    guard !info.isStillImage, let timestamp = frame.timestamp else { return nil }
    return demuxer?.time(timestamp)
  }

  /// Ticks of the stream's clock from the container's start.
  func timestamp(of frame: Frame) -> Int64? {
    guard !info.isStillImage, let timestamp = frame.timestamp else { return nil }
    return demuxer?.ticksFromStart(timestamp)
  }

  /// Width of a pixel by its height when it is upright.
  func pixelShape(of frame: Frame, _ orientation: Orientation) -> Ratio? {
    guard let shape = demuxer?.pixelShape(of: frame) else { return nil }
    return orientation.swapsSides ? shape.inverse : shape
  }

  private init(video demuxer: Demuxer, _ frames: any FrameSequence) {
    let parameters = demuxer.stream.pointee.codecpar.pointee
    let (orientation, isExact) = demuxer.orientation ?? (.upright, true)
    var remarks = demuxer.remarks
    if !isExact {
      remarks.append("the display matrix is no quarter turn or mirroring: taken as \(orientation)")
    }
    self.frames = frames
    size = demuxer.source.size
    self.demuxer = demuxer
    self.orientation = orientation
    mayJumpInTime = demuxer.format.mayJumpInTime
    info = MediaInfo(
      container: demuxer.format.name, codec: VideoDecoder.name(of: parameters.codec_id),
      width: Int(orientation.swapsSides ? parameters.height : parameters.width),
      height: Int(orientation.swapsSides ? parameters.width : parameters.height),
      orientation: orientation, duration: demuxer.context.duration,
      averageFrameRate: demuxer.averageFrameRate, timeBase: demuxer.timeBase,
      estimatedFrames: demuxer.estimatedFrames,
      isStillImage: false, remarks: remarks)
  }

  private init(tiff pages: TIFFPages, _ size: Int64) throws(MediaError) {
    let stored = try pages.size()
    self.init(
      still: pages, container: "tiff", codec: "tiff", size: size, orientation: pages.orientation,
      stored: stored, estimatedFrames: nil, remarks: [])
  }

  private init(heif picture: HEIFPicture.Decoded, _ size: Int64) {
    self.init(
      still: StillImage(picture.frame, damage: picture.warning), container: "heif",
      codec: picture.codec, size: size, orientation: .upright,
      stored: (picture.frame.width, picture.frame.height), estimatedFrames: 1,
      remarks: picture.remarks)
  }

  private init(
    image: StillImage, container: String, codec: AVCodecID, orientation: Orientation, size: Int64,
    remarks: [String] = []
  ) {
    let decoded = image.decoded
    self.init(
      still: image, container: container, codec: VideoDecoder.name(of: codec), size: size,
      orientation: decoded.orientation?.0 ?? orientation, stored: (decoded.width, decoded.height),
      estimatedFrames: 1, remarks: remarks)
  }

  /// Takes `stored`, the size before the picture is turned by `orientation`.
  private init(
    still frames: any FrameSequence, container: String, codec: String, size: Int64,
    orientation: Orientation, stored: (width: Int, height: Int), estimatedFrames: Int?,
    remarks: [String]
  ) {
    self.frames = frames
    self.size = size
    demuxer = nil
    self.orientation = orientation
    mayJumpInTime = false
    info = MediaInfo(
      container: container, codec: codec,
      width: orientation.swapsSides ? stored.height : stored.width,
      height: orientation.swapsSides ? stored.width : stored.height, orientation: orientation,
      duration: nil, averageFrameRate: nil, timeBase: nil, estimatedFrames: estimatedFrames,
      isStillImage: true,
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
      orientation: demuxer.orientation?.0 ?? .upright, size: demuxer.source.size,
      remarks: demuxer.remarks)
  }
}

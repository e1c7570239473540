import CFFmpeg

/// Every frame of a video, in order of presentation, as far as it can be decoded.
final class VideoFrames: FullSequence {
  let demuxer: Demuxer
  private(set) var report = DecodingReport()

  private let decoder: VideoDecoder
  private let limits: MediaLimits
  private let packet = Packet()
  private var packetIsPending = false
  private var packetsSinceFrame = 0
  private var failedReads = 0
  /// Why the input stops before its end; thrown when the decoder has given all it has.
  private var failure: MediaError?
  /// The one that a seek led to.
  private var first: Frame?
  private var isDraining = false
  /// The decoder lacks what the next frame needs.
  private var lacksFeature = false
  /// Of the last frame; nil where it had none.
  private var lastTimestamp: Int64?
  /// Of the last packet.
  private var frameDuration: Int64?

  /// Reads in a row that may fail before a file is given up: each can be one damaged packet of many.
  private static let maxFailedReads = 100

  /// Pictures in a row that may come after a keyframe and are shown before it: no codec has more than 16.
  private static let maxLeadingFrames = 32

  /// Decodes the demuxer's stream.
  init(_ demuxer: Demuxer, limits: MediaLimits, log: FFmpegLog) throws(MediaError) {
    self.demuxer = demuxer
    self.limits = limits
    decoder = try VideoDecoder(
      demuxer.stream.pointee.codecpar, timeBase: demuxer.stream.pointee.time_base, limits: limits,
      log: log)
    demuxer.source.noteFrame()
  }

  func next() throws(MediaError) -> Frame? {
    if let first {
      self.first = nil
      return first
    }
    while true {
      switch decoder.receive() {
      case .frame(let frame):
        note(frame)
        return frame
      case .damaged(let text):
        noteDamage(text)
      case .needsPacket:
        if !packetIsPending { readPacket() }
        sendPacket()
      case .ended:
        if let failure { throw failure }
        if report.framesDecoded == 0 { throw noFrame() }
        return nil
      }
    }
  }

  private func note(_ frame: Frame) {
    report.framesDecoded += 1
    if lacksFeature { frame.markCorrupt() }
    lacksFeature = false
    if frame.isCorrupt { report.corruptFrames += 1 }
    // Where only packets have times, a frame has that of the packet that pushes it out. Nothing pushes out the last
    // ones: they follow at the pace of the packets.
    if isDraining, frame.timestamp == nil, let lastTimestamp, let frameDuration {
      let (next, isAbsurd) = lastTimestamp.addingReportingOverflow(frameDuration)
      if !isAbsurd { frame.timestamp = next }
    }
    lastTimestamp = frame.timestamp
    noteProgress()
  }

  private func noteProgress() {
    packetsSinceFrame = 0
    demuxer.source.noteFrame()
  }

  private func noteDamage(_ text: String) {
    report.decodeErrors += 1
    report.lastError = text
  }

  /// Fills the packet, or starts draining the decoder.
  private func readPacket() {
    while !isDraining {
      switch demuxer.read(into: packet) {
      case .packet:
        failedReads = 0
        frameDuration = packet.duration ?? demuxer.averageFrameDuration
        packetsSinceFrame += 1
        if packetsSinceFrame > limits.maxPacketsWithoutFrame {
          stop(MediaError(.data, "no frame in \(limits.maxPacketsWithoutFrame) packets"))
        } else {
          packetIsPending = true
          if packet.isCorrupt { noteDamage("the container calls a packet corrupt") }
          return
        }
      case .damaged(let text):
        noteDamage(text)
        failedReads += 1
        if failedReads == Self.maxFailedReads { stop(MediaError(.data, "reading: \(text)")) }
      case .failed(let failure):
        stop(failure)
      case .ended:
        stop(failedReads == 0 ? nil : report.lastError.map { MediaError(.data, "reading: \($0)") })
      }
    }
  }

  private func stop(_ failure: MediaError?) {
    self.failure = failure
    isDraining = true
  }

  private func sendPacket() {
    let sent = decoder.send(isDraining ? nil : packet)
    if let feature = decoder.missingFeature {
      lacksFeature = true
      noteDamage(feature)
    }
    switch sent {
    case .accepted: packetIsPending = false
    case .full: break
    case .damaged(let text):
      packetIsPending = false
      // One error is not counted twice.
      if packet.isCorrupt && !isDraining { report.lastError = text } else { noteDamage(text) }
    }
  }

  private func noFrame() -> MediaError {
    MediaError(.data, "no frame could be decoded" + (report.lastError.map { ": \($0)" } ?? ""))
  }
}

/// Decoding from a keyframe on.
extension VideoFrames: Shortcut {
  func seek(before time: Double) -> Bool {
    guard demuxer.seek(before: time) else { return false }
    // What is shown before the keyframe leans on pictures that were not decoded.
    for _ in 0...Self.maxLeadingFrames {
      // A failure to read or decode here may be one of the seek: the full decode will tell.
      guard let frame = try? next() else { return false }
      guard frame.isKeyframe else { continue }
      guard frame.isIntra, let timestamp = frame.timestamp, demuxer.time(timestamp) < time else {
        return false
      }
      first = frame
      return true
    }
    return false
  }

  func next() throws(MediaError) -> ShortcutStep {
    try next().map(ShortcutStep.frame) ?? .ended
  }
}

/// Pictures one after another, decoded or left out.
protocol FrameSequence: AnyObject {
  /// What decoding has come to so far.
  var report: DecodingReport { get }

  /// The next picture of the full decode; nil at the end.
  ///
  /// - Throws: after the last decodable picture, why the input stops early.
  func nextStep() throws(MediaError) -> SequenceStep?
}

extension FrameSequence {
  /// The first picture that is shown after a time, in ticks of the stream's clock; nil where there is none.
  ///
  /// - Throws: as `nextStep`.
  func nextStep(after last: Int64?) throws(MediaError) -> SequenceStep? {
    guard let last else { return try nextStep() }
    while let step = try nextStep() {
      guard let timestamp = step.timestamp, timestamp >= last else { continue }
      return timestamp > last ? step : try nextStep()
    }
    return nil
  }
}

/// What comes next in the order of presentation.
enum SequenceStep {
  case frame(Frame)
  /// A frame that is not wanted and was not decoded; ticks of the stream's clock.
  case passed(timestamp: Int64)

  /// Ticks of the stream's clock; nil for a frame without.
  var timestamp: Int64? {
    switch self {
    case .frame(let frame): frame.timestamp
    case .passed(let timestamp): timestamp
    }
  }
}

/// Pictures of which none is left out.
protocol FullSequence: FrameSequence {
  /// The next picture of the full decode; nil at the end.
  ///
  /// - Throws: after the last decodable picture, why the input stops early.
  func next() throws(MediaError) -> Frame?
}

extension FullSequence {
  func nextStep() throws(MediaError) -> SequenceStep? { try next().map { .frame($0) } }
}

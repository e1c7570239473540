import CFFmpeg

/// Every frame of a video, in order of presentation, as far as it can be decoded.
final class VideoFrames: FrameSequence {
  let demuxer: Demuxer
  private(set) var report = DecodingReport()

  private let decoder: VideoDecoder
  private let source: FileSource
  private let limits: MediaLimits
  private let onlyKeyframes: Bool
  private let packet = Packet()
  private var packetIsPending = false
  private var packetsSinceFrame = 0
  private var failedReads = 0
  /// Why the input stops before its end; thrown when the decoder has given all it has.
  private var failure: MediaError?
  /// Decoded in search of a starting point.
  private var first: Frame?
  private var isDraining = false

  /// Reads in a row that may fail before a file is given up: each can be one damaged packet of many.
  private static let maxFailedReads = 100

  /// Decodes the demuxer's stream; with `onlyKeyframes`, nothing but keyframes, without decoding the others.
  init(
    _ demuxer: Demuxer, source: FileSource, limits: MediaLimits, onlyKeyframes: Bool,
    log: FFmpegLog
  ) throws(MediaError) {
    self.demuxer = demuxer
    self.source = source
    self.limits = limits
    self.onlyKeyframes = onlyKeyframes
    decoder = try VideoDecoder(
      demuxer.stream.pointee.codecpar, timeBase: demuxer.stream.pointee.time_base, limits: limits,
      onlyKeyframes: onlyKeyframes, log: log)
    source.noteFrame()
  }

  /// Goes to a keyframe before `time`, in seconds; if it is false, this cannot be used any more.
  func seek(before time: Double) -> Bool {
    guard demuxer.seek(before: time) else { return false }
    // A failure to read or decode here may be one of the seek: the caller starts again without.
    guard let frame = try? next(), let timestamp = frame.timestamp, demuxer.time(timestamp) < time
    else { return false }
    first = frame
    return true
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
    if frame.isCorrupt { report.corruptFrames += 1 }
    noteProgress()
  }

  private func noteProgress() {
    packetsSinceFrame = 0
    source.noteFrame()
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
        // Not left to the demuxer (AVDISCARD_NONKEY): that changed timestamps of keyframes in MP4 with B-frames.
        if onlyKeyframes && !packet.isKey {
          noteProgress()
          continue
        }
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
    switch decoder.send(isDraining ? nil : packet) {
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

/// Decoded pictures one after another.
protocol FrameSequence: AnyObject {
  /// What decoding has come to so far.
  var report: DecodingReport { get }

  /// The next picture of the full decode; nil at the end.
  ///
  /// - Throws: after the last decodable picture, why the input stops early.
  func next() throws(MediaError) -> Frame?
}

import CFFmpeg

/// The keyframes of a video, each decoded alone, without what lies between them.
final class LoneKeyframes: Shortcut {
  private(set) var report = DecodingReport()

  private let demuxer: Demuxer
  private let inspector: PacketInspector
  private let decoder: VideoDecoder
  private let packet = Packet()
  private var first: Frame?

  /// Decodes the demuxer's stream from where it is; nil for a codec whose packets cannot be told apart.
  init?(_ demuxer: Demuxer, limits: MediaLimits, log: FFmpegLog) throws(MediaError) {
    guard let inspector = PacketInspector(demuxer.stream.pointee.codecpar) else { return nil }
    self.demuxer = demuxer
    self.inspector = inspector
    decoder = try VideoDecoder(
      demuxer.stream.pointee.codecpar, timeBase: demuxer.stream.pointee.time_base, limits: limits,
      log: log)
  }

  func seek(before time: Double) -> Bool {
    guard demuxer.seek(before: time) else { return false }
    // A failure here may be one of the seek: the full decode will tell.
    guard case .frame(let frame)? = try? next(), let timestamp = frame.timestamp,
      demuxer.time(timestamp) < time
    else { return false }
    first = frame
    return true
  }

  func next() throws(MediaError) -> ShortcutStep {
    if let first {
      self.first = nil
      return .frame(first)
    }
    while true {
      switch demuxer.read(into: packet) {
      case .packet: break
      case .ended: return .ended
      case .failed(let failure): throw failure
      case .damaged: return .doubt
      }
      switch inspector.kind(of: packet) {
      case .field: return .doubt
      case .other:
        demuxer.source.noteFrame()
        if packet.isKey { return .doubt }
      case .keyframe:
        if packet.isHidden { continue }
        guard let frame = decodeAlone() else { return .doubt }
        report.framesDecoded += 1
        demuxer.source.noteFrame()
        return .frame(frame)
      }
    }
  }

  /// The one picture of the packet; nil unless there is just one, whole, and a keyframe that needs no other.
  private func decodeAlone() -> Frame? {
    defer { decoder.flush() }
    guard !packet.isCorrupt, case .accepted = decoder.send(packet), decoder.missingFeature == nil,
      case .accepted = decoder.send(nil), case .frame(let frame) = decoder.receive(),
      case .ended = decoder.receive()
    else { return nil }
    return frame.isKeyframe && frame.isIntra && !frame.isCorrupt ? frame : nil
  }
}

import FrameDecoding
import Media

/// The sound of a video, cut as its pictures are cut: to whole packets.
final class ClipSound {
  /// How its packets are coded.
  var format: SoundFormat { source.format }

  /// Why its decoder came to its end; nil where it did not.
  var failure: MediaError? { source.failure }
  /// Seconds of the source where the sound ends for good; nil for its end.
  var end: Double?

  private let source: PlayableSound
  private var pending: SoundPacket?
  private var start = 0.0
  private var startTicks: Int64 = 0
  private var endsWithFrames = false
  private var framesEnd = 0.0

  /// Reads from the start.
  init(_ source: PlayableSound) { self.source = source }

  /// Begins a clip: packets before `seconds` are left out, and times count from there. With `endsWithFrames` it goes only
  /// as far as the frames that were noted.
  func begin(at seconds: Double, endsWithFrames: Bool) {
    start = endsWithFrames ? seconds : -.infinity
    // Bounded: a forged clock may say anything.
    startTicks = Int64(min(max((seconds / format.timeBase.value).rounded(), -0x1p62), 0x1p62))
    self.endsWithFrames = endsWithFrames
    framesEnd = seconds
  }

  /// Says where a frame of the clip ends, in ticks of a time base.
  func noteFrame(endingAt ticks: Int64, _ timeBase: Ratio?) {
    framesEnd = Double(ticks) * (timeBase?.value ?? 0)
  }

  /// The next packet of the clip; nil after its last so far.
  func next() -> SoundPacket? {
    while let packet = pending ?? source.next() {
      pending = nil
      let seconds = Double(packet.timestamp) * format.timeBase.value
      if let end, seconds >= end { return nil }
      if endsWithFrames && seconds >= framesEnd {
        pending = packet
        return nil
      }
      if seconds < start { continue }
      var shifted = packet
      shifted.timestamp = packet.timestamp.subtractingReportingOverflow(startTicks).partialValue
      return shifted
    }
    return nil
  }
}

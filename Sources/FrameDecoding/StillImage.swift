import CFFmpeg

/// The one picture of an image file, or a cover picture.
final class StillImage: FrameSequence {
  private(set) var report = DecodingReport()
  /// What was decoded.
  let decoded: Frame
  private var isTaken = false
  /// Why the picture is not whole.
  private let damage: MediaError?

  /// Decodes the picture.
  ///
  /// A decoder that mends what is missing does not always say so: one that refuses damage is asked first, and only if
  /// it fails a lenient one, whose picture is then known to be damaged.
  ///
  /// - Throws: a data failure if there is no picture in it.
  init(
    _ packet: Packet, _ parameters: UnsafePointer<AVCodecParameters>, limits: MediaLimits,
    log: FFmpegLog
  ) throws(MediaError) {
    func decode(isStrict: Bool) throws(MediaError) -> Frame {
      let decoder = try VideoDecoder(
        parameters, timeBase: AVRational(num: 0, den: 1), limits: limits, isStrict: isStrict,
        log: log)
      return try Self.firstPicture(of: packet, decoder)
    }
    do {
      decoded = try decode(isStrict: true)
      damage = nil
    } catch let damage {
      decoded = try decode(isStrict: false)
      decoded.pointer.pointee.flags |= AV_FRAME_FLAG_CORRUPT
      self.damage = damage
    }
  }

  func next() throws(MediaError) -> Frame? {
    if !isTaken {
      isTaken = true
      report.framesDecoded = 1
      report.corruptFrames = decoded.isCorrupt ? 1 : 0
      return decoded
    }
    if let damage { throw damage }
    return nil
  }

  private static func firstPicture(
    of packet: Packet, _ decoder: VideoDecoder
  ) throws(MediaError) -> Frame {
    var damage: String?
    for packet in [packet, nil] {
      if case .damaged(let text) = decoder.send(packet) { damage = damage ?? text }
      switch decoder.receive() {
      case .frame(let frame): return frame
      case .damaged(let text): damage = damage ?? text
      case .needsPacket, .ended: break
      }
    }
    throw MediaError(.data, "no picture" + (damage.map { ": \($0)" } ?? ""))
  }
}

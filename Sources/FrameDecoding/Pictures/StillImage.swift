import CFFmpeg

/// The one picture of an image file, or a cover picture.
final class StillImage: FullSequence {
  private(set) var report = DecodingReport()
  /// What was decoded.
  let decoded: Frame
  private var isTaken = false

  /// Decodes the picture.
  ///
  /// Image decoders mend what is missing (half of a JPEG becomes a picture that is gray below) and do not mark the
  /// frame, but they log an error: then the picture is marked corrupt, and the error is counted.
  ///
  /// - Throws: a data failure if there is no picture in it, or if the decoder lacks what it needs for it.
  convenience init(
    _ packet: Packet, _ parameters: UnsafePointer<AVCodecParameters>, limits: MediaLimits,
    log: FFmpegLog
  ) throws(MediaError) {
    let decoder = try VideoDecoder(
      parameters, timeBase: AVRational(num: 0, den: 1), limits: limits, checksSums: true,
      gate: limits.pictureGate, log: log)
    var errors: [String] = []
    guard let picture = try Self.firstPicture(of: packet, decoder, log, &errors) else {
      throw MediaError(.data, "no picture: \(errors.first ?? "the decoder gives none")")
    }
    self.init(picture, damage: errors.first)
  }

  /// Takes what was decoded, and what is wrong with it.
  init(_ decoded: Frame, damage: String?) {
    self.decoded = decoded
    guard let damage else { return }
    decoded.markCorrupt()
    report.decodeErrors = 1
    report.lastError = "damaged picture: \(damage)"
  }

  func next() -> Frame? {
    guard !isTaken else { return nil }
    isTaken = true
    report.framesDecoded = 1
    report.corruptFrames = decoded.isCorrupt ? 1 : 0
    return decoded
  }

  private static func firstPicture(
    of packet: Packet, _ decoder: VideoDecoder, _ log: FFmpegLog, _ errors: inout [String]
  ) throws(MediaError) -> Frame? {
    for packet in [packet, nil] {
      if case .damaged(let text) = decoder.send(packet) {
        errors.append(text)
      } else if let error = log.firstError {
        errors.append(error)
      }
      if let feature = log.missingFeature { throw MediaError(.data, "no picture: \(feature)") }
      switch decoder.receive() {
      case .frame(let frame):
        if let feature = log.missingFeature { throw MediaError(.data, "no picture: \(feature)") }
        if let error = log.firstError { errors.append(error) }
        return frame
      case .damaged(let text): errors.append(text)
      case .needsPacket, .ended: break
      }
    }
    return nil
  }
}

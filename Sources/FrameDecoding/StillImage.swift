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
  /// Image decoders mend what is missing (half of a JPEG becomes a picture that is gray below) and do not mark the
  /// frame, but they log an error: then the picture is known to be damaged.
  ///
  /// - Throws: a data failure if there is no picture in it.
  init(
    _ packet: Packet, _ parameters: UnsafePointer<AVCodecParameters>, limits: MediaLimits,
    log: FFmpegLog
  ) throws(MediaError) {
    let decoder = try VideoDecoder(
      parameters, timeBase: AVRational(num: 0, den: 1), limits: limits, checksSums: true,
      gate: limits.pictureGate, log: log)
    var errors: [String] = []
    guard let picture = Self.firstPicture(of: packet, decoder, log, &errors) else {
      throw MediaError(.data, "no picture: \(errors.first ?? "the decoder gives none")")
    }
    decoded = picture
    if errors.isEmpty {
      damage = nil
    } else {
      picture.pointer.pointee.flags |= AV_FRAME_FLAG_CORRUPT
      damage = MediaError(.data, "damaged picture: \(errors[0])")
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
    of packet: Packet, _ decoder: VideoDecoder, _ log: FFmpegLog, _ errors: inout [String]
  ) -> Frame? {
    for packet in [packet, nil] {
      if case .damaged(let text) = decoder.send(packet) {
        errors.append(text)
      } else if let error = log.firstError {
        errors.append(error)
      }
      switch decoder.receive() {
      case .frame(let frame):
        if let error = log.firstError { errors.append(error) }
        return frame
      case .damaged(let text): errors.append(text)
      case .needsPacket, .ended: break
      }
    }
    return nil
  }
}

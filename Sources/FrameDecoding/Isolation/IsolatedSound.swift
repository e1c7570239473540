import Media

/// Sound that a decoder process reads. Used by one thread at a time.
final class IsolatedSound: SoundSource {
  let format: SoundFormat

  private let session: DecoderSession
  /// A place for the largest packet, of which the child takes as much memory as it needs.
  private let slot: FrameSlot
  private var isAtEnd = false

  /// Opens a file's sound in a session's process; nil if it has none.
  ///
  /// - Throws: as `SoundReader.init`; a data failure if the decoder dies of it.
  init?(
    _ session: DecoderSession, _ file: OpenFile, fileExtension: String?
  ) throws(MediaError) {
    let answer = try session.translating("as it opened the sound") {
      () throws(DecoderProcess.Failure) in
      try session.send(.openSound(fileExtension: fileExtension), with: file.descriptor)
      return try session.answer()
    }
    switch answer {
    case .sound(nil): return nil
    case .sound(let format?): self.format = format
    case .failed(let error, _): throw error
    default: throw session.lie("something else than what the sound is")
    }
    guard let slot = session.process.arena.take(forPicture: MediaLimits.maxSoundBytes) else {
      preconditionFailure("an arena that is smaller than a packet of sound")
    }
    self.slot = slot
    self.session = session
  }

  deinit { session.process.arena.giveBack(slot) }

  func nextPacket() throws(MediaError) -> SoundPacket? {
    try next(.nextPacket(slot)) { reply, bytes in
      guard case .packet(let facts) = reply else { return nil }
      return SoundPacket(
        bytes: Array(bytes[..<facts.bytes]), timestamp: facts.timestamp, duration: facts.duration)
    }
  }

  func nextSamples() throws(MediaError) -> SoundSamples? {
    try next(.nextSamples(slot)) { reply, bytes in
      guard case .samples(let facts) = reply else { return nil }
      let all = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[..<facts.bytes])
      let samples = [Float](all.bindMemory(to: Float.self))
      return SoundSamples(
        timestamp: facts.timestamp, sampleRate: facts.sampleRate,
        channels: (0..<facts.channels).map {
          Array(samples[$0 * facts.count..<($0 + 1) * facts.count])
        })
    }
  }

  /// Asks for something; `take` finds it in the slot, and is nil for another reply.
  private func next<Value>(
    _ request: DecoderRequest, _ take: (DecoderReply, UnsafeBufferPointer<UInt8>) -> Value?
  ) throws(MediaError) -> Value? {
    if isAtEnd { return nil }
    let answer = try session.translating("in the sound") { () throws(DecoderProcess.Failure) in
      try session.send(request)
      return try session.answer()
    }
    switch answer {
    case .ended:
      isAtEnd = true
      return nil
    case .failed(let error, _): throw error
    case let reply:
      let bytes = session.process.arena.bytes(of: slot, count: MediaLimits.maxSoundBytes)
      guard let value = take(reply, bytes) else { throw session.lie("something else than sound") }
      return value
    }
  }
}

import FrameDecoding
import FrameEncoding
import Media

/// A video's sound as an MP4 can hold it: its packets as they are, or else encoded anew as AAC.
final class PlayableSound {
  /// How the packets are coded.
  let format: SoundFormat
  /// The sound was of a kind that players of MP4 do not know.
  let isEncodedAnew: Bool

  /// Why its decoder came to its end; nil where it did not.
  private(set) var failure: MediaError?

  private let source: any SoundSource
  private let encoder: AACEncoder?
  private var ready: ArraySlice<SoundPacket> = []
  private var first: SoundSamples?
  private var isAtEnd = false

  /// Takes a source at its start; nil where there is no sound in it.
  ///
  /// - Throws: `MediaError` or `EncodingError` where it cannot be decoded, or AAC cannot hold it.
  init?(_ source: any SoundSource) throws {
    self.source = source
    isEncodedAnew = !VideoWriter.canHold(source.format)
    guard isEncodedAnew else {
      format = source.format
      encoder = nil
      return
    }
    guard let first = try source.nextSamples() else { return nil }
    self.first = first
    let seconds = Double(first.timestamp ?? 0) * source.format.timeBase.value
    // Bounded: a forged time may be anything.
    let start = Int64(min(max(seconds * Double(first.sampleRate), -0x1p50), 0x1p50))
    let encoder = try AACEncoder(
      sampleRate: first.sampleRate, channels: first.channels.count, startingAt: start)
    format = encoder.format
    self.encoder = encoder
  }

  /// The next packet; nil at the end, or where encoding or the decoder fails.
  func next() -> SoundPacket? {
    do throws(MediaError) {
      guard failure == nil else { return nil }
      guard let encoder else { return try source.nextPacket() }
      return try nextPacket(of: encoder)
    } catch {
      failure = error
      return nil
    }
  }

  private func nextPacket(of encoder: AACEncoder) throws(MediaError) -> SoundPacket? {
    while ready.isEmpty && !isAtEnd {
      let samples = if let first { first } else { try source.nextSamples() }
      // What changes in the middle cannot go on in one track.
      let fits = samples.map {
        $0.channels.count == format.channels && $0.sampleRate == format.sampleRate
      }
      isAtEnd = fits != true
      first = nil
      // The sound ends where it fails; the pictures go on.
      ready = ((try? encoder.encode(isAtEnd ? nil : samples?.channels)) ?? [])[...]
    }
    return ready.popFirst()
  }
}

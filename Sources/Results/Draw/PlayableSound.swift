import FrameDecoding
import FrameEncoding
import Media

/// A video's sound as an MP4 can hold it: its packets as they are, or else encoded anew as AAC.
final class PlayableSound {
  /// How the packets are coded.
  let format: SoundFormat
  /// The sound was of a kind that players of MP4 do not know.
  let isEncodedAnew: Bool

  private let reader: SoundReader
  private let anew: (decoder: SoundDecoder, encoder: AACEncoder)?
  private var ready: ArraySlice<SoundPacket> = []
  private var first: SoundSamples?
  private var isAtEnd = false

  /// Takes a reader at its start; nil where there is no sound in it.
  ///
  /// - Throws: `MediaError` or `EncodingError` where it cannot be decoded, or AAC cannot hold it.
  init?(_ reader: SoundReader) throws {
    self.reader = reader
    isEncodedAnew = !VideoWriter.canHold(reader.format)
    guard isEncodedAnew else {
      format = reader.format
      anew = nil
      return
    }
    let decoder = try SoundDecoder(reader)
    guard let first = decoder.next() else { return nil }
    self.first = first
    let seconds = Double(first.timestamp ?? 0) * reader.format.timeBase.value
    // Bounded: a forged time may be anything.
    let start = Int64(min(max(seconds * Double(first.sampleRate), -0x1p50), 0x1p50))
    let encoder = try AACEncoder(
      sampleRate: first.sampleRate, channels: first.channels.count, startingAt: start)
    format = encoder.format
    anew = (decoder, encoder)
  }

  /// The next packet; nil at the end, or where encoding fails.
  func next() -> SoundPacket? {
    guard let anew else { return reader.nextPacket() }
    while ready.isEmpty && !isAtEnd {
      let samples = first ?? anew.decoder.next()
      // What changes in the middle cannot go on in one track.
      let fits = samples.map {
        $0.channels.count == format.channels && $0.sampleRate == format.sampleRate
      }
      isAtEnd = fits != true
      first = nil
      // The sound ends where it fails; the pictures go on.
      ready = ((try? anew.encoder.encode(isAtEnd ? nil : samples?.channels)) ?? [])[...]
    }
    return ready.popFirst()
  }
}

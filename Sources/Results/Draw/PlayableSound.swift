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
  /// Samples of silence so far, and seconds at most: more than an hour a file does not lose, it is forged.
  private var silentSamples: Int64 = 0
  private static let mostSilence: Int64 = 3600

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
    let encoder = try AACEncoder(
      sampleRate: first.sampleRate, channels: first.channels.count,
      startingAt: Self.place(of: first, in: source) ?? 0)
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
      guard !isAtEnd, let samples else {
        ready = packets(of: nil, encoder)[...]
        continue
      }
      ready = (silence(before: samples, encoder) + packets(of: samples.channels, encoder))[...]
    }
    return ready.popFirst()
  }

  private func packets(of samples: [[Float]]?, _ encoder: AACEncoder) -> [SoundPacket] {
    // An end that cannot be encoded is lost; the pictures go on.
    (try? encoder.encode(samples)) ?? []
  }

  /// As much silence as was lost before some samples, so that what follows comes at its time; none where the clock was set.
  private func silence(before samples: SoundSamples, _ encoder: AACEncoder) -> [SoundPacket] {
    guard let place = Self.place(of: samples, in: source) else { return [] }
    let lost = place - encoder.end
    let rate = Int64(samples.sampleRate)
    guard lost > rate / 20, lost <= min(60 * rate, Self.mostSilence * rate - silentSamples) else {
      return []
    }
    silentSamples += lost
    let nothing = [Float](repeating: 0, count: Int(lost))
    return packets(of: samples.channels.map { _ in nothing }, encoder)
  }

  /// Where samples lie, counted in samples from 0 of the clock.
  private static func place(of samples: SoundSamples, in source: any SoundSource) -> Int64? {
    samples.timestamp.map {
      // Bounded: a forged time may be anything.
      let place = Double($0) * source.format.timeBase.value * Double(samples.sampleRate)
      return Int64(min(max(place, -0x1p50), 0x1p50))
    }
  }
}

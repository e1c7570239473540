import Media

/// The open sound of an input. Used by one thread at a time; who asks for samples asks for no packets.
public protocol SoundSource {
  /// How its packets are coded.
  var format: SoundFormat { get }
  /// The next packet, as it lies in the file; nil at the end, and where nothing more can be read.
  ///
  /// - Throws: where the decoder's process died, or nobody wants it to go on.
  func nextPacket() throws(MediaError) -> SoundPacket?
  /// The next packets' samples; nil at the end.
  ///
  /// - Throws: a data failure, at the first call, where FFmpeg has no decoder for it; else as `nextPacket()`.
  func nextSamples() throws(MediaError) -> SoundSamples?
}

/// Sound that this process reads.
final class OpenSound: SoundSource {
  private let reader: SoundReader
  private var decoder: SoundDecoder?

  /// Takes over a reader at its start.
  init(_ reader: SoundReader) { self.reader = reader }

  var format: SoundFormat { reader.format }

  func nextPacket() -> SoundPacket? { reader.nextPacket() }

  func nextSamples() throws(MediaError) -> SoundSamples? {
    let decoder: SoundDecoder
    if let begun = self.decoder { decoder = begun } else { decoder = try SoundDecoder(reader) }
    self.decoder = decoder
    return decoder.next()
  }
}

import FrameDecoding
import Media
import Testing

@testable import Results

/// Sound of a kind that MP4 does not know, encoded anew.
@Suite struct PlayableSoundTests {
  /// Blocks of samples, each at its time.
  private final class Blocks: SoundSource {
    let format = SoundFormat(
      codec: "mp2", timeBase: Ratio(1, 48_000), sampleRate: 48_000, channels: 1, channelMask: 4,
      header: [], profile: -99, bitRate: 0, frameSamples: 1152, blockBytes: 0, primingSamples: 0)
    private var blocks: ArraySlice<(timestamp: Int64?, value: Float)>

    init(_ blocks: [(timestamp: Int64?, value: Float)]) { self.blocks = blocks[...] }

    func nextPacket() -> SoundPacket? { nil }

    func nextSamples() -> SoundSamples? {
      blocks.popFirst().map {
        SoundSamples(
          timestamp: $0.timestamp, sampleRate: 48_000,
          channels: [[Float](repeating: $0.value, count: 1152)])
      }
    }
  }

  /// Where the track ends, in samples.
  private func end(_ blocks: [(timestamp: Int64?, value: Float)]) throws -> Int64 {
    let sound = try #require(try PlayableSound(Blocks(blocks)))
    var end: Int64 = 0
    while let packet = sound.next() { end = packet.timestamp + packet.duration }
    #expect(sound.failure == nil)
    return end
  }

  private static func run(_ count: Int, from start: Int64 = 0) -> [(Int64?, Float)] {
    (0..<count).map { (start + Int64($0) * 1152, 0.1) }
  }

  @Test func whatIsLostIsSilence() throws {
    let whole = try end(Self.run(200))
    // Half a second is missing in the middle: what follows comes when it came.
    let lossy = try end(Self.run(80) + Self.run(99, from: 101 * 1152))
    #expect(abs(whole - lossy) <= 1024)
    // Of times that say nothing, and of a clock that was set, nothing is made.
    let untimed = try end(Self.run(200).map { (nil, $0.1) })
    #expect(untimed == whole)
    let set = try end(Self.run(100) + Self.run(100, from: 1 << 40))
    #expect(set == whole)
    let back = try end(Self.run(100, from: 1 << 20) + Self.run(100))
    #expect(back - (1 << 20) == whole)
  }

  /// The encoder refuses what is no number: that block is lost, and the others are not.
  @Test func samplesThatAreNoNumbersAreLeftOut() throws {
    let whole = try end(Self.run(200))
    var blocks = Self.run(200)
    blocks[100].1 = .nan
    let found = try end(blocks)
    #expect(found <= whole && found > whole - 4 * 1024, "\(found) of \(whole)")
  }
}

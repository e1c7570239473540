import FrameDecoding
import Media
import SystemPackage
import TestSupport
import Testing

/// Frames as they are encoded again, beside the same frames in red, green and blue.
@Suite struct SourceFrameTests {
  @Test(
    arguments: (1...8).map { "orientation/\($0).png" } + (1...8).map { "orientation/\($0).jpg" } + [
      "phone.mov", "bt601.mkv", "bt709.mkv", "bt709-full.mkv", "bt2020.mkv", "subsampling.avi",
      "images/gray.png", "images/palette.png", "images/rgb.bmp", "animation.gif",
    ])
  func lumaIsThatOfTheColours(_ name: String) throws {
    let readers = try (0..<2).map { _ in try MediaReader(path: MediaFixture.path(name)) }
    var count = 0
    while let colours = try readers[0].nextFrame() {
      let source = try #require(try readers[1].nextSourceFrame())
      let (picture, planes) = (colours.picture, source.picture)
      #expect(source.index == colours.index && source.time == colours.time)
      #expect(planes.width == picture.width && planes.height == picture.height)
      let (red, blue) = planes.colour.lumaShares
      var (worst, sum) = (0.0, 0.0)
      for pixel in 0..<picture.width * picture.height {
        let rgb = (0..<3).map { Double(picture.pixels[pixel * 3 + $0]) }
        let luma = red * rgb[0] + (1 - red - blue) * rgb[1] + blue * rgb[2]
        let expected = planes.colour.isFullRange ? luma : 16 + luma * 219 / 255
        let error = abs(expected - Double(planes.bytes[pixel]))
        (worst, sum) = (max(worst, error), sum + error)
      }
      // What red, green and blue cannot show is cut off there; turned wrongly it would be dozens.
      #expect(
        sum / Double(picture.width * picture.height) < 2, "\(name) frame \(count): \(worst)")
      count += 1
    }
    #expect(try readers[1].nextSourceFrame() == nil)
    #expect(count > 0)
  }

  @Test func timestampsAreTicksFromTheStart() throws {
    for name in [
      "constant-rate.mp4", "variable-rate.mkv", "edit-list.mp4", "damaged.ts", "phone.mov",
    ] {
      let reader = try MediaReader(path: MediaFixture.path(name))
      let base = try #require(reader.info.timeBase).value
      var last: SourceFrame?
      while let frame = try reader.nextSourceFrame() {
        let (time, timestamp) = (try #require(frame.time), try #require(frame.timestamp))
        // The container's start is known in microseconds only, or is that of the sound.
        #expect(abs(Double(timestamp) * base - time) <= base / 2 + 1e-6, "\(name)")
        last = frame
      }
      #expect((last?.timestamp ?? 0) > 0)
    }
  }

  @Test func wantedFramesAreTheOthersConvertedNot() throws {
    let reader = try MediaReader(path: MediaFixture.path("constant-rate.mp4"))
    let all = try Reading("constant-rate.mp4").frames
    var asked: [Int] = []
    var frames: [DecodedFrame] = []
    while let frame = try reader.nextFrame(where: { index, _ in
      asked.append(index)
      return index % 7 == 3
    }) { frames.append(frame) }
    #expect(asked == Array(0..<50))
    #expect(frames.map(\.index) == [3, 10, 17, 24, 31, 38, 45])
    #expect(frames.allSatisfy { $0.picture.pixels == all[$0.index ?? 0].picture.pixels })
  }
}

@Suite struct SoundReaderTests {
  @Test func packetsAndSamplesOfAFilm() throws {
    let reader = try #require(try SoundReader(path: MediaFixture.path("phone.mov")))
    #expect(reader.format.codec == "aac" && reader.format.sampleRate == 8000)
    #expect(reader.format.channels == 1 && !reader.format.header.isEmpty)
    var packets: [SoundPacket] = []
    while let packet = reader.nextPacket() { packets.append(packet) }
    #expect(packets.count >= 8 && packets.allSatisfy { !$0.bytes.isEmpty })
    #expect(zip(packets, packets.dropFirst()).allSatisfy { $0.timestamp < $1.timestamp })

    let decoder = try SoundDecoder(
      try #require(try SoundReader(path: MediaFixture.path("phone.mov"))))
    var samples: [Float] = []
    while let more = decoder.next() { samples += more.channels[0] }
    // A second of 440 Hz: 880 changes of sign, and some of the noise that few bits leave before it begins.
    let changes = zip(samples, samples.dropFirst()).count { ($0 < 0) != ($1 < 0) }
    #expect((860...1100).contains(changes), "\(changes)")
  }

  @Test func aSilentFilmHasNone() throws {
    #expect(try SoundReader(path: MediaFixture.path("constant-rate.mp4")) == nil)
    #expect(throws: MediaError.self) { try SoundReader(path: MediaFixture.path("ffprobe.json")) }
  }
}

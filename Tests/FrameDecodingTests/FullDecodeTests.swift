import Foundation
import FrameDecoding
import SystemPackage
import TestSupport
import Testing

/// Frame counts, timestamps, keyframes and sizes as ffprobe counts them.
struct FullDecodeTests {
  @Test(arguments: MediaFixture.probed.keys.sorted())
  func equalsProbe(name: String) throws {
    let probe = try #require(MediaFixture.probed[name])
    let reading = try Reading(name)
    #expect(reading.frames.count == probe.frameTimes.count)
    #expect(reading.indices == Array(0..<probe.frameTimes.count))
    #expect(reading.frames.map(\.isKeyframe) == probe.frameKeys)
    let swapsSides = reading.info.orientation.swapsSides
    #expect(
      reading.frames.map {
        swapsSides
          ? "\($0.picture.height)x\($0.picture.width)" : $0.picture.size
      } == probe.frameSizes)
    for (time, expected) in zip(reading.times, probe.frameTimes) {
      if let expected {
        // ffprobe prints six decimals, of the timestamp and of the start.
        #expect(abs((time ?? .nan) - expected) < 1.1e-6)
      } else {
        #expect(time == nil)
      }
    }
  }

  @Test func fixturesAreAwkward() throws {
    func times(_ name: String) throws -> [Double?] {
      try #require(MediaFixture.probed[name]).frameTimes
    }
    #expect(Set(MediaFixture.probed.keys).count >= 18)
    let jumping = try times("time-jump.ts").compactMap { $0 }
    #expect(zip(jumping, jumping.dropFirst()).contains { $1 < $0 })
    #expect(zip(jumping, jumping.dropFirst()).contains { $1 > $0 + 100 })
    let variable = try times("variable-rate.mkv").compactMap { $0 }
    #expect(
      Set(zip(variable, variable.dropFirst()).map { Int((($1 - $0) * 1e3).rounded()) }).count > 3)
    #expect(try times("sizes.h264").allSatisfy { $0 == nil })
    // The edit list hides packets: their number is not that of the frames.
    #expect(try Reading("edit-list.mp4").info.estimatedFrames != times("edit-list.mp4").count)
  }

  @Test func damageIsCountedAndToldApart() throws {
    let reading = try Reading("damaged.ts")
    #expect(reading.frames.count == 47)
    #expect(reading.report.framesDecoded == 47)
    #expect(reading.report.decodeErrors == 1)
    #expect(reading.report.lastError == "the container calls a packet corrupt")
    #expect(reading.failure == nil)
    #expect(try Reading("no-first-keyframe.ts").frames.first?.isKeyframe == true)
  }

  @Test func truncatedVideoGivesItsFramesAndThenFails() throws {
    let whole = try Reading("constant-rate.mp4")
    let reader = try MediaReader(path: MediaFixture.path("truncated.mp4"))
    for expected in whole.frames.prefix(30) {
      let frame = try #require(try reader.nextFrame())
      #expect(frame.picture.pixels == expected.picture.pixels)
    }
    let failure = MediaError(.data, "truncated: 30 of 50 packets are in the file")
    #expect(throws: failure) { try reader.nextFrame() }
    #expect(throws: failure) { try reader.nextFrame() }
    #expect(
      reader.report.lastError
        == "Invalid data found when processing input (h264: Invalid NAL unit size (955 > 296).)")
  }

  @Test func subsamplingChangeKeepsColours() throws {
    let frames = try Reading("subsampling.avi").frames
    // The same scene three times, coded with a third, half and all of the chroma.
    for index in 0..<5 {
      let first = frames[index].picture.pixels
      for other in [frames[index + 5], frames[index + 10]] {
        let difference = zip(first, other.picture.pixels).map { abs(Int($0) - Int($1)) }.reduce(
          0, +)
        #expect(Double(difference) / Double(first.count) < 12)
      }
    }
  }

  @Test func stillImagesHaveOneFrameWithoutTime() throws {
    for name in ["images/rgb.png", "images/photo.jpg", "single.gif", "audio-cover.m4a"] {
      let reading = try Reading(name, FrameSampling(selection: .rate(2), start: 5, end: 6))
      #expect(reading.info.isStillImage)
      #expect(reading.indices == [0])
      #expect(reading.times == [nil])
      #expect(reading.failure == nil)
    }
    #expect(try Reading("audio-cover.m4a").info.remarks == ["no video: the cover picture is read"])
    #expect(throws: MediaError(.data, "no video stream")) { try Reading("audio.m4a") }
  }

  /// A stream of JPEGs looks like one JPEG: the extension tells.
  @Test func motionJPEGIsAVideo() throws {
    let folder = try TemporaryFolder()
    let photo = try MediaFixture.bytes("images/photo.jpg")
    for (name, count) in [("a.mjpeg", 5), ("a.MJPG", 5), ("a.jpg", 1)] {
      let path = folder.path.appending(name)
      try Data([photo, photo, photo, photo, photo].flatMap { $0 })
        .write(to: URL(filePath: path.string))
      #expect(try Reading(path).frames.count == count)
    }
    let video = folder.path.appending("b.mjpeg")
    try Data(MediaFixture.bytes("constant-rate.mp4")).write(to: URL(filePath: video.string))
    #expect(try Reading(video).frames.count == 50)
  }

  @Test func infoTellsWhatIsKnown() throws {
    let video = try Reading("phone.mov").info
    #expect(video.container == "mov,mp4,m4a,3gp,3g2,mj2")
    #expect(video.codec == "h264")
    #expect(video.size == "64x96")
    #expect(video.orientation == .turnedRight)
    #expect(video.duration == 1)
    #expect(video.averageFrameRate == 30)
    #expect(video.estimatedFrames == 30)
    let image = try Reading("orientation/6.jpg").info
    #expect(image.size == "46x30")
    #expect(image.duration == nil && image.estimatedFrames == 1)
    #expect(try Reading("no-durations.mkv").info.duration == nil)
  }

  /// Several decoders on several threads neither change each other's pixels nor mix up their errors.
  @Test func threadsDoNotMix() async throws {
    let names = ["truncated.mp4", "damaged.ts", "subsampling.avi", "constant-rate.mp4"]
    let alone = try names.map { try Reading($0) }
    let together = await withTaskGroup(of: (Int, [String], String?).self) { group in
      for round in 0..<12 {
        group.addTask {
          let index = round % names.count
          // A failure to open makes the comparison below fail.
          guard let reading = try? Reading(names[index]) else { return (index, [], "not opened") }
          return (index, reading.fingerprints, reading.report.lastError)
        }
      }
      return await group.reduce(into: []) { $0.append($1) }
    }
    #expect(together.count == 12)
    for (index, fingerprints, lastError) in together {
      #expect(fingerprints == alone[index].fingerprints)
      #expect(lastError == alone[index].report.lastError)
    }
  }

  @Test(.enabled(if: TestData.path("videos/bottle-detection.mp4") != nil))
  func realVideoDecodesWhole() throws {
    let path = try #require(TestData.path("videos/bottle-detection.mp4"))
    // Frame 1188 of 1189 at 29.83 frames a second.
    let reading = try Reading(FilePath(path), FrameSampling(selection: .every(594)))
    #expect(reading.indices == [0, 594, 1188])
    #expect(reading.report.framesDecoded == 1189)
  }
}

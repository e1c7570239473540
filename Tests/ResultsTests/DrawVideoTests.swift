import Foundation
import FrameDecoding
import FrameEncoding
import Media
import SystemPackage
import TestSupport
import Testing

@testable import Results

@Suite struct DrawVideoTests {
  /// Constant and variable rate, edit lists, a turned film with sound, clocks that start late, frames without durations, 10
  /// bits, other subsampling and palettes.
  @Test(arguments: [
    "constant-rate.mp4", "variable-rate.mkv", "edit-list.mp4", "fragmented.mp4", "phone.mov",
    "no-durations.mkv", "damaged.ts", "bt2020.mkv", "bt709.mkv", "bt709-full.mkv", "animation.gif",
    "cases/videos/b-frames.avi", "cases/videos/rounding.ts", "cases/videos/open-gop.ts",
  ])
  func aDrawnVideoHasTheFramesTimesAndSizeOfItsSource(_ name: String) throws {
    let fixture = try DrawFixture()
    let source = try fixture.copy(name, as: "in/" + (FilePath(name).lastComponent?.string ?? name))
    let sourceFrames: [SourceFrame]
    do { sourceFrames = try fixture.frames(source) } catch { throw error }
    let (width, height) = (sourceFrames[0].picture.width, sourceFrames[0].picture.height)
    let file = "in/" + (source.lastComponent?.string ?? "")
    try fixture.write([
      DrawFixture.line(file, 0, [[8, 8, 20, 20]], size: (width, height))
    ])
    let summary = try fixture.draw()
    #expect(summary.outputs == 1 && summary.failures == 0 && summary.detections == 1)
    let drawn = fixture.output.pushing(FilePath(fixture.drawn[0]))
    let reader = try MediaReader(path: drawn)
    #expect(reader.info.orientation == .upright && reader.info.codec == "h264")
    let frames = try fixture.frames(drawn)
    #expect(frames.count == sourceFrames.count)
    #expect(frames.allSatisfy { $0.picture.width == width && $0.picture.height == height })
    #expect(frames.allSatisfy { $0.picture.colour.matrix == sourceFrames[0].picture.colour.matrix })
    #expect(
      frames.allSatisfy {
        $0.picture.colour.isFullRange == sourceFrames[0].picture.colour.isFullRange
      })
    // As ffprobe has them, both counted from the start of the file.
    guard let drawnTimes = try FFmpegTool.times(drawn), let times = try FFmpegTool.times(source)
    else { return }
    // Of the last frames of an AVI ffprobe knows no time, as nobody has written one.
    #expect(drawnTimes.count == times.count + (name.hasSuffix("b-frames.avi") ? 2 : 0))
    for (drawn, source) in zip(drawnTimes, times) {
      #expect(abs(drawn - source) < 2e-6 + abs(times[0] - drawnTimes[0]), "\(drawnTimes) \(times)")
    }
    // A file whose sound begins before its pictures keeps that; nothing is moved by more than a packet of sound.
    #expect(abs(times[0] - drawnTimes[0]) < 0.13)
    // Everything outside the frame is as it was, as far as encoding lets it.
    let sampleCount = width * height
    for (frame, original) in zip(frames, sourceFrames).dropFirst() {
      let errors = (0..<sampleCount).map {
        abs(Int(frame.picture.bytes[$0]) - Int(original.picture.bytes[$0]))
      }
      let mean = Double(errors.reduce(0, +)) / Double(sampleCount)
      #expect(mean < 3, "\(name) frame \(frame.index): \(mean)")
    }
  }

  /// Films of a phone, stored on their side, upside down and upright.
  @Test(arguments: ["0", "90", "180", "270"])
  func realFilmsStandUpright(_ angle: String) throws {
    guard let source = TestData.path("videos/video_\(angle).mov") else { return }
    let fixture = try DrawFixture()
    let frames = try fixture.frames(FilePath(source))
    let size = (frames[0].picture.width, frames[0].picture.height)
    try FileManager.default.createSymbolicLink(
      atPath: fixture.path.appending("film.mov").string, withDestinationPath: source)
    try fixture.write([DrawFixture.line("film.mov", 0, [[10, 20, 30, 40]], size: size)])
    try fixture.draw()
    let path = fixture.output.appending("film.mov.mp4")
    let drawn = try fixture.frames(path)
    #expect(drawn.map(\.time) == frames.map(\.time) && !drawn.isEmpty)
    #expect(drawn.allSatisfy { ($0.picture.width, $0.picture.height) == size })
    #expect(try MediaReader(path: path).info.orientation == .upright)
    for (after, before) in zip(drawn, frames).dropFirst() {
      let errors = zip(after.picture.bytes, before.picture.bytes).map { abs(Int($0) - Int($1)) }
      #expect(Double(errors.reduce(0, +)) / Double(errors.count) < 3)
    }
  }

  @Test func soundIsCopied() throws {
    let fixture = try DrawFixture()
    let source = try fixture.copy("phone.mov")
    try fixture.write([DrawFixture.line("phone.mov", 0, [], size: (64, 96))])
    try fixture.draw()
    let drawn = fixture.output.appending("phone.mov.mp4")
    let sounds = try [source, drawn].map { path in
      let reader = try #require(try SoundReader(path: path))
      var packets: [SoundPacket] = []
      while let packet = reader.nextPacket() { packets.append(packet) }
      return (reader.format, packets)
    }
    #expect(sounds[0].1.count > 5)
    #expect(sounds[0].1.map(\.bytes) == sounds[1].1.map(\.bytes))
    #expect(sounds[0].0.codec == "aac" && sounds[0].0.sampleRate == sounds[1].0.sampleRate)
    let starts = sounds.map { $0.1.map { Double($0.timestamp) / 8000 } }
    for (before, after) in zip(starts[0], starts[1]) {
      // On the pictures' clock, whatever the container's start.
      #expect(abs((before - starts[0][0]) - (after - starts[1][0])) < 1e-4)
    }
  }

  /// Cameras' sound, which is no sound of an MP4, becomes AAC and is heard when it was.
  @Test(arguments: ["pcm_s16le", "pcm_u8", "pcm_f32le", "pcm_mulaw"])
  func soundOfOtherKindsBecomesAAC(_ codec: String) throws {
    let fixture = try DrawFixture()
    let source = fixture.path.appending("camera.avi")
    let tone = "aevalsrc='if(gt(t,0.5),0.5*sin(2764*t),0)|0':sample_rate=16000:duration=1.2"
    guard
      try FFmpegTool.run(
        "ffmpeg",
        [
          "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=96x64:rate=10:duration=1.2", "-f",
          "lavfi", "-i", tone, "-c:v", "mjpeg", "-c:a", codec, source.string,
        ]) != nil
    else { return }
    try fixture.write([DrawFixture.line("camera.avi", 0, [])])
    try fixture.draw()
    #expect(fixture.texts == ["its sound (\(codec)) is no sound of an MP4: it becomes AAC"])
    let drawn = fixture.output.appending("camera.avi.mp4")
    let sounds = try [source, drawn].map { path in
      let reader = try #require(try SoundReader(path: path))
      let decoder = try SoundDecoder(reader)
      var (samples, start): ([[Float]], Double?) = ([[], []], nil)
      while let more = decoder.next() {
        start = start ?? Double(more.timestamp ?? 0) * reader.format.timeBase.value
        for channel in 0..<2 { samples[channel] += more.channels[channel] }
      }
      return (samples, start ?? 0)
    }
    for (samples, start) in sounds {
      let onset = try #require(samples[0].firstIndex { abs($0) > 0.2 })
      #expect(abs(start + Double(onset) / 16000 - 0.5) < 0.02, "\(codec)")
      #expect(samples[1].allSatisfy { abs($0) < 0.02 })
      let tone = samples[0][(onset + 1000)..<(onset + 9000)]
      let power = tone.reduce(0) { $0 + Double($1 * $1) } / 8000
      #expect(abs(power - 0.125) < 0.01, "\(codec)")
    }
    #expect(try #require(try SoundReader(path: drawn)).format.codec == "aac")
  }

  @Test func oddSidesGetOnePixelMore() throws {
    let fixture = try DrawFixture()
    guard
      try FFmpegTool.run(
        "ffmpeg",
        [
          "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=194x130:rate=10:duration=1", "-vf",
          "scale=97:65,setsar=4/3,format=yuv444p10le", "-c:v", "ffv1",
          fixture.path.appending("odd.mkv").string,
        ]) != nil
    else { return }
    try fixture.write([DrawFixture.line("odd.mkv", 3, [[80, 50, 17, 15]], size: (97, 65))])
    try fixture.draw()
    #expect(fixture.texts.isEmpty && fixture.drawn == ["odd.mkv.mp4"], "\(fixture.texts)")
    let frames = try fixture.frames(fixture.output.appending("odd.mkv.mp4"))
    #expect(frames.count == 10)
    #expect(frames.allSatisfy { $0.picture.width == 98 && $0.picture.height == 66 })
    #expect(frames.allSatisfy { $0.pixelShape == Ratio(4, 3) })
  }

  /// The phone's film is stored on its side: the box lies where its record says, in the upright picture.
  @Test func boxesLieInTheUprightPicture() throws {
    let fixture = try DrawFixture()
    let source = try fixture.copy("phone.mov")
    try fixture.write(
      (0..<30).map { DrawFixture.line("phone.mov", $0, [[20, 50, 24, 30]], size: (64, 96)) })
    try fixture.draw(style: .pixelate)
    let before = try fixture.frames(source)
    let after = try fixture.frames(fixture.output.appending("phone.mov.mp4"))
    var (inside, outside) = (0.0, 0.0)
    for (from, to) in zip(before, after) {
      for y in 0..<96 {
        for x in 0..<64 {
          let change = abs(
            Double(from.picture.bytes[y * 64 + x]) - Double(to.picture.bytes[y * 64 + x]))
          if (20..<44).contains(x) && (50..<80).contains(y) {
            inside += change
          } else {
            outside += change
          }
        }
      }
    }
    #expect(inside / (24 * 30 * 30) > 10 * outside / ((64 * 96 - 24 * 30) * 30))
  }

  /// A video of black and white noise, in which a box moves evenly; every third frame was looked at. In no frame keeps a
  /// pixel of the box, where it then is, its value.
  @Test(arguments: [DrawConfiguration.Style.blur, .pixelate])
  func noPixelOfABoxKeepsItsValueInAnyFrame(_ style: DrawConfiguration.Style) throws {
    let fixture = try DrawFixture()
    let (width, height, count) = (128, 96, 25)
    try fixture.writeNoise("noise.mp4", width, height, frames: count)
    func box(_ frame: Int) -> [Double] {
      [10 + Double(frame) * 2.5, 20.25 + Double(frame), 24.5, 30]
    }
    try fixture.write(
      stride(from: 0, to: count, by: 3).map {
        DrawFixture.line("noise.mp4", $0, [box($0)], time: Double($0) / 25, size: (width, height))
      })
    try fixture.draw(style: style, rateFactor: 2)
    let before = try fixture.frames(fixture.path.appending("noise.mp4"))
    let after = try fixture.frames(fixture.output.appending("noise.mp4"))
    #expect(before.count == count && after.count == count)
    var unchanged = 0
    for (frame, (from, to)) in zip(before, after).enumerated() {
      let box = box(frame)
      var kept = 0
      for y in Int(box[1])..<Int((box[1] + box[3]).rounded(.up)) {
        for x in Int(box[0])..<Int((box[0] + box[2]).rounded(.up)) {
          let difference = abs(
            Int(from.picture.bytes[y * width + x]) - Int(to.picture.bytes[y * width + x]))
          // Averages of noise are grey, and encoding moves values by a few.
          if difference < 25 { kept += 1 }
        }
      }
      #expect(kept == 0, "frame \(frame)")
      unchanged += (0..<width * 10).count {
        abs(Int(from.picture.bytes[$0]) - Int(to.picture.bytes[$0])) < 25
      }
    }
    // Above the box all is as it was.
    #expect(unchanged > width * 10 * count * 9 / 10)
  }

  @Test func whatNobodyLookedAtIsCoveredWhole() throws {
    let fixture = try DrawFixture()
    try fixture.writeNoise("noise.mp4", 64, 48, frames: 20)
    // Looked at from 4 to 8, and the rest could not be.
    try fixture.write(
      [4, 6, 8].map { DrawFixture.line("noise.mp4", $0, [], size: (64, 48)) } + [
        #"{"source":"noise.mp4","frame":null,"time":null,"width":null,"height":null,"detections":null,"failure":"lost"}"#
      ])
    try fixture.draw(style: .pixelate, rateFactor: 2)
    let before = try fixture.frames(fixture.path.appending("noise.mp4"))
    let after = try fixture.frames(fixture.output.appending("noise.mp4"))
    let kept = zip(before, after).map { from, to in
      (0..<64 * 48).count { abs(Int(from.picture.bytes[$0]) - Int(to.picture.bytes[$0])) < 25 }
    }
    for (frame, kept) in kept.enumerated() {
      // Within the widest step before the first one the first one holds.
      if (2...8).contains(frame) {
        #expect(kept > 2900, "frame \(frame)")
      } else {
        #expect(kept == 0, "frame \(frame)")
      }
    }
    #expect(fixture.texts.contains { $0.contains("covered whole") })
  }

  @Test func clipsLieAroundWhatWasFound() throws {
    let fixture = try DrawFixture()
    try fixture.copy("constant-rate.mp4")
    // 25 frames a second, 50 frames; found in 10, 12 and 40.
    try fixture.write(
      (0..<50).map {
        DrawFixture.line(
          "constant-rate.mp4", $0, [10, 12, 40].contains($0) ? [[1, 1, 9, 9]] : [],
          time: Double($0) / 25)
      })
    let summary = try fixture.draw(content: .detections(padding: 0.2))
    #expect(summary.outputs == 2 && summary.detections == 3)
    #expect(
      fixture.drawn == [
        "constant-rate.mp4.00h00m00.200s.mp4", "constant-rate.mp4.00h00m01.400s.mp4",
      ])
    let clips = try fixture.drawn.map { try fixture.frames(fixture.output.appending($0)) }
    // 5 to 17, and 35 to 45.
    #expect(clips.map(\.count) == [13, 11])
    #expect(clips.allSatisfy { $0[0].time == 0 })
  }

  @Test func clipsHaveTheirPartOfTheSound() throws {
    let fixture = try DrawFixture()
    try fixture.copy("phone.mov")
    try fixture.write([
      DrawFixture.line("phone.mov", 15, [[1, 1, 9, 9]], time: 0.5, size: (64, 96))
    ])
    try fixture.draw(content: .detections(padding: 0.2))
    let clip = fixture.output.appending(fixture.drawn[0])
    let reader = try #require(try SoundReader(path: clip))
    var (samples, last) = (0, 0.0)
    while let packet = reader.nextPacket() {
      samples += 1024
      last = Double(packet.timestamp) * reader.format.timeBase.value
    }
    // 0.43 seconds of pictures; packets of sound last 0.128.
    #expect((0.2...0.55).contains(Double(samples) / 8000), "\(samples)")
    #expect(last < 0.45)
  }

  @Test func boxesAreDrawnInFramesThatWereLookedAt() throws {
    let fixture = try DrawFixture()
    try fixture.copy("constant-rate.mp4")
    try fixture.write(
      [0, 10, 20].map {
        DrawFixture.line("constant-rate.mp4", $0, $0 == 10 ? [[20, 20, 40, 30]] : [])
      })
    func drawnFrames(hold: Bool) throws -> [Int] {
      try fixture.draw(hold: hold, existing: .always, rateFactor: 1)
      let before = try fixture.frames(fixture.path.appending("constant-rate.mp4"))
      let after = try fixture.frames(fixture.output.appending("constant-rate.mp4"))
      return zip(before, after).enumerated().filter { _, frames in
        // The upper edge of the frame, outside its box.
        (20..<60).count {
          abs(Int(frames.0.picture.bytes[18 * 96 + $0]) - Int(frames.1.picture.bytes[18 * 96 + $0]))
            > 20
        } > 15
      }.map(\.offset)
    }
    #expect(try drawnFrames(hold: false) == [10])
    #expect(try drawnFrames(hold: true) == Array(10..<20))
  }

  /// A stream without times, whose pictures change their size: an MP4 has one.
  @Test func changingSizesBecomeTheFirst() throws {
    let fixture = try DrawFixture()
    let source = try fixture.copy("sizes.h264")
    let sizes = try fixture.frames(source).map { ($0.picture.width, $0.picture.height) }
    try fixture.write(
      sizes.enumerated().map { DrawFixture.line("sizes.h264", $0, [[5, 5, 30, 20]], size: $1) })
    try fixture.draw()
    let drawn = try fixture.frames(fixture.output.appending("sizes.h264.mp4"))
    #expect(drawn.count == sizes.count && Set(sizes.map(\.0)).count > 1)
    #expect(drawn.allSatisfy { ($0.picture.width, $0.picture.height) == sizes[0] })
    #expect(fixture.texts.count == 1 && fixture.texts[0].contains("scaled to the first"))
  }

  /// The clock of a broadcast goes on, jumps ahead and starts again: frames are all there, and time only goes forward.
  @Test func clocksThatGoBackAreMovedOn() throws {
    let fixture = try DrawFixture()
    let source = try fixture.copy("time-jump.ts")
    try fixture.write([DrawFixture.line("time-jump.ts", 0, [])])
    try fixture.draw()
    let before = try fixture.frames(source)
    let after = try fixture.frames(fixture.output.appending("time-jump.ts.mp4"))
    #expect(after.count == before.count)
    let times = after.compactMap(\.timestamp)
    #expect(zip(times, times.dropFirst()).allSatisfy { $0 < $1 })
    #expect(fixture.texts.contains { $0.contains("clock goes back") })
  }
}

extension DrawFixture {
  /// Writes a video whose pixels are near black or near white at random, almost without loss.
  func writeNoise(_ name: String, _ width: Int, _ height: Int, frames: Int) throws {
    var random = SeededGenerator(seed: 20)
    let writer = try VideoWriter(
      path: path.appending(name),
      format: VideoFormat(
        width: width, height: height, colour: .bt709, timeBase: Ratio(1, 25), averageFrameRate: 25),
      quality: VideoQuality(rateFactor: 1, preset: .ultrafast, threads: 1))
    for frame in 0..<frames {
      var bytes = [UInt8](repeating: 128, count: YUVPicture.byteCount(width: width, height: height))
      for sample in 0..<width * height { bytes[sample] = random.below(2) == 0 ? 20 : 230 }
      try writer.append(
        YUVPicture(width: width, height: height, bytes: bytes, colour: .bt709), at: Int64(frame))
    }
    try writer.finish()
  }
}

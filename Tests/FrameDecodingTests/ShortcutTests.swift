import FrameDecoding
import SystemPackage
import TestSupport
import Testing

/// Short cuts to keyframes and starting points give what the full decode gives.
struct ShortcutTests {
  static let probed: [String: MediaFixture.Probe] = {
    do {
      return try MediaFixture.json(
        "cases/videos/ffprobe.json", as: [String: MediaFixture.Probe].self)
    } catch { fatalError("cases/videos/ffprobe.json: \(error)") }
  }()

  static let videos = probed.keys.sorted()

  /// What tells frames apart, except their numbers.
  func fingerprints(_ reading: Reading) -> [String] {
    var reading = reading
    reading.frames = reading.frames.map {
      DecodedFrame(
        index: nil, time: $0.time, isCorrupt: $0.isCorrupt, isKeyframe: $0.isKeyframe,
        picture: $0.picture)
    }
    return reading.fingerprints
  }

  @Test(arguments: videos)
  func fullDecodeEqualsProbe(name: String) throws {
    let probe = try #require(Self.probed[name])
    let reading = try Reading("cases/videos/\(name)")
    #expect(reading.frames.map(\.isKeyframe) == probe.frameKeys)
    #expect(reading.failure == nil)
    let isPaced = ["b-frames.avi", "mpeg2.mpg", "mpeg2.m2v", "mpeg4.avi"].contains(name)
    var expected = probe.frameTimes
    if isPaced {
      // ffprobe knows no time of the last frames, which no packet pushes out.
      let last = expected.lastIndex { $0 != nil } ?? 0
      #expect(last < expected.count - 1)
      for index in last + 1..<expected.count {
        expected[index] = expected[index - 1].map { $0 + 0.04 }
      }
    }
    #expect(reading.frames.count == expected.count)
    for (time, expected) in zip(reading.times, expected) {
      #expect((time == nil) == (expected == nil))
      if let time, let expected { #expect(abs(time - expected) < 2e-6) }
    }
  }

  @Test(arguments: videos)
  func keyframesWithoutNumbersAreThoseOfTheFullDecode(name: String) throws {
    let whole = try Reading("cases/videos/\(name)", .init(selection: .keyframes))
    #expect(whole.frames.count >= (name == "refresh.mp4" ? 1 : 3))
    let lone = try Reading(
      "cases/videos/\(name)", .init(selection: .keyframes, needsFrameNumbers: false))
    #expect(fingerprints(lone) == fingerprints(whole))
    #expect(lone.failure == whole.failure)
  }

  @Test(arguments: videos, [0.36, 0.5, 0.9])
  func startingLaterGivesTheSameFrames(name: String, start: Double) throws {
    for selection: FrameSampling.Selection in [.all, .rate(7), .keyframes] {
      var sampling = FrameSampling(selection: selection, start: start, end: 1.2)
      let whole = try Reading("cases/videos/\(name)", sampling)
      #expect(!whole.frames.isEmpty || selection != .all || name == "open-gop.mpg")
      sampling.needsFrameNumbers = false
      let sought = try Reading("cases/videos/\(name)", sampling)
      #expect(fingerprints(sought) == fingerprints(whole))
    }
  }

  /// Where times are certain, the short cut is one.
  @Test(arguments: ["open-gop.mp4", "open-gop.ts", "open-gop.mkv", "rounding.ts"])
  func keyframesAreDecodedAlone(name: String) throws {
    let lone = try Reading(
      "cases/videos/\(name)", .init(selection: .keyframes, needsFrameNumbers: false))
    #expect(lone.frames.count >= 4)
    #expect(lone.report.framesDecoded == lone.frames.count)
  }

  /// Thirty frames a second in a time base of 1/90000, counted from a start in microseconds.
  @Test func rangesCompareWhatRecordsSay() throws {
    let whole = try Reading("cases/videos/rounding.ts")
    #expect(whole.times.prefix(3) == [0, 0.033333, 0.066666])
    #expect(whole.times[30] == 1)
    #expect(try Reading("cases/videos/rounding.ts", .init(start: 1)).indices.first == 30)
    #expect(try Reading("cases/videos/rounding.ts", .init(end: 1)).indices.last == 29)
    #expect(
      try Reading("cases/videos/rounding.ts", .init(start: 1, needsFrameNumbers: false)).times.first
        == 1)
  }

  @Test func emptySampleIsNoTruncation() throws {
    let reading = try Reading("cases/videos/empty-sample.mp4")
    #expect(reading.frames.count == 24)
    #expect(reading.failure == nil)
    #expect(reading.report.decodeErrors == 0)
  }

  /// A stream whose packets mostly have no times: what is left out for it is counted.
  @Test func untimedFramesAreCounted() throws {
    let whole = try Reading("cases/videos/open-gop.mpg")
    let untimed = whole.times.count { $0 == nil }
    #expect((1..<whole.frames.count).contains(untimed))
    #expect(whole.report.untimedFrames == 0)
    for sampling in [FrameSampling(start: 0), .init(end: 100), .init(selection: .rate(7))] {
      #expect(try Reading("cases/videos/open-gop.mpg", sampling).report.untimedFrames == untimed)
    }
  }

  /// The files that these faults were found with.
  @Test func sharedCasesAreRight() throws {
    func read(_ name: String, _ sampling: FrameSampling) throws -> Reading? {
      try TestData.path("cases/\(name)").map { try Reading(FilePath($0), sampling) }
    }
    let keyframes = FrameSampling(selection: .keyframes, needsFrameNumbers: false)
    guard let openGOP = try read("open-gop.mp4", keyframes) else { return }
    #expect(openGOP.times == [0, 1, 2, 3, 4, 5])
    #expect(try read("bframes-h264.avi", keyframes)?.times == [0.08, 1.08, 1.84])
    let whole = try read("bframes-h264.avi", .init())
    #expect(whole?.times.count == 50)
    #expect(whole?.times.suffix(2) == [2, 2.04])
    #expect(try read("bframes-h264.avi", .init(start: 1.9))?.indices == [46, 47, 48, 49])
    #expect(try read("bframes-h264.avi", .init(selection: .rate(25)))?.frames.count == 50)
    let hole = try read("empty-sample.mp4", .init())
    #expect(hole?.frames.count == 49 && hole?.failure == nil)
    #expect(try read("start-rounding.ts", .init(start: 1))?.indices.first == 30)
    #expect(try read("start-rounding.ts", .init(end: 1))?.indices.last == 29)
  }
}

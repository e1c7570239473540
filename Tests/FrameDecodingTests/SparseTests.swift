import Foundation
import SystemPackage
import TestSupport
import Testing

@testable import FrameDecoding

/// Sampling without decoding what nobody needs gives what sampling of the full decode gives.
struct SparseTests {
  static let fixtures =
    ShortcutTests.videos.map { "cases/videos/\($0)" } + [
      "constant-rate.mp4", "variable-rate.mkv", "edit-list.mp4", "fragmented.mp4", "phone.mov",
      "parts/h264.mkv", "parts/open-gop.mkv", "parts/other-sets.mp4", "no-durations.mkv",
      "truncated.mp4", "damaged.ts",
      "time-jump.ts", "no-first-keyframe.ts",
      "slanted.mov", "bt709.mkv",
    ]

  static let selections: [FrameSampling.Selection] = [
    .rate(0.3), .rate(0.4), .rate(1), .rate(3), .rate(7.3), .rate(24), .every(2), .every(5),
    .every(12),
  ]

  /// All frames of a file, and what of them a sampling takes, by the rules alone.
  private func compare(_ path: FilePath, _ selection: FrameSampling.Selection) throws {
    let whole = try Reading(path)
    for (bounds, maxFrames) in [((nil, nil), nil), ((nil, 1.1), nil), ((0.3, nil), 3)]
      as [((Double?, Double?), Int?)]
    {
      for isCounted in [true, false] {
        let sampling = FrameSampling(
          selection: selection, start: bounds.0, end: bounds.1, maxFrames: maxFrames,
          needsFrameNumbers: isCounted)
        var sampler = FrameSampler(sampling, mayJumpInTime: path.extension == "ts")
        var (expected, held): ([DecodedFrame], DecodedFrame?) = ([], nil)
        for (ordinal, frame) in whole.frames.enumerated() where !sampler.isFinished {
          let decision = sampler.decide(
            .init(ordinal: ordinal, time: frame.time, isKeyframe: frame.isKeyframe))
          if let held, decision.heldFrame == .sampled { expected.append(held) }
          if decision.frame == .sampled { expected.append(frame) }
          if decision.heldFrame != .held { held = decision.frame == .held ? frame : nil }
        }
        let reading = try Reading(path, sampling)
        let what: Comment = "\(path.lastComponent?.string ?? "") \(sampling)"
        #expect(reading.indices == expected.map { isCounted ? $0.index : nil }, what)
        #expect(reading.times == expected.map(\.time), what)
        #expect(reading.frames.map(\.isCorrupt) == expected.map(\.isCorrupt), what)
        #expect(reading.frames.map(\.isKeyframe) == expected.map(\.isKeyframe), what)
        #expect(
          zip(reading.frames, expected).allSatisfy { $0.picture.pixels == $1.picture.pixels }, what)
        if !sampler.isFinished && bounds.1 == nil {
          #expect(reading.failure == whole.failure || reading.frames.isEmpty, what)
        }
      }
    }
  }

  @Test(arguments: fixtures) func framesAreThoseOfTheFullDecode(name: String) throws {
    for selection in Self.selections { try compare(MediaFixture.path(name), selection) }
  }

  @Test(
    .enabled(if: TestData.folder != nil),
    arguments: [
      "videos/bottle-detection.mp4", "videos/video_90.mov", "cases/bframes-h264.avi",
      "cases/open-gop.mp4", "cases/start-rounding.ts", "cases/empty-sample.mp4",
    ])
  func framesOfRealVideosAreThoseOfTheFullDecode(name: String) throws {
    let path = FilePath(try #require(TestData.path(name)))
    for selection: FrameSampling.Selection in [.rate(1), .every(10)] {
      try compare(path, selection)
    }
  }

  /// How many frames are left out.
  private func passed(_ name: String, _ sampling: FrameSampling) throws -> Int {
    let reader = try MediaReader(path: MediaFixture.path(name), sampling: sampling)
    while try reader.nextFrame() != nil {}
    return reader.passedFrames
  }

  /// Of open-gop.mp4, whose keyframes come every 12 frames of 25 a second, with B-frames.
  @Test func whatNobodyNeedsIsLeftOut() throws {
    let count = try Reading("cases/videos/open-gop.mp4").frames.count
    let few = try passed(
      "cases/videos/open-gop.mp4", .init(selection: .rate(1), needsFrameNumbers: false))
    #expect(few * 2 > count, "\(few) of \(count)")
    let counted = try passed("cases/videos/open-gop.mp4", .init(selection: .rate(1)))
    #expect(counted > 0)
    // In Matroska, the first packets of a video with B-frames have no time of decoding.
    for name in ["cases/videos/open-gop.mkv", "parts/h264.mkv", "parts/open-gop.mkv"] {
      let count = try Reading(name).frames.count
      let few = try passed(name, .init(selection: .rate(0.5), needsFrameNumbers: false))
      #expect(few * 4 > count, "\(few) of \(count) frames of \(name)")
    }
    // Matroska counts no frames, and an edit list hides some.
    for name in ["cases/videos/open-gop.mkv", "edit-list.mp4"] {
      #expect(try passed(name, .init(selection: .rate(1))) == 0)
    }
  }
}

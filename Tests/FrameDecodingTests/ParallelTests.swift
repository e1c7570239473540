import Foundation
import SystemPackage
import TestSupport
import Testing

@testable import FrameDecoding

/// Several decoders on one video give what one decoder gives.
struct ParallelTests {
  private let scratch: TemporaryFolder

  init() throws { scratch = try TemporaryFolder() }

  static let shared = ["h264.mp4", "h264.mkv", "h265.mp4", "slides.mp4"].map { "parts/\($0)" }

  static let samplings: [FrameSampling] = [
    .init(), .init(sameness: .equalPixels), .init(sameness: .still(3)),
    .init(selection: .every(7), sameness: .equalPixels), .init(selection: .every(25)),
    .init(selection: .rate(3)), .init(selection: .rate(0.4), needsFrameNumbers: false),
    .init(selection: .rate(3), needsFrameNumbers: false, sameness: .equalPixels),
    .init(selection: .rate(17), needsFrameNumbers: false),
    .init(selection: .rate(24), start: 0.9, end: 3.3, maxFrames: 40),
    .init(start: 1.3, needsFrameNumbers: false), .init(maxFrames: 70),
    .init(selection: .keyframes), .init(segment: .init(index: 1, count: 3)),
  ]

  private static func limits(_ decoders: Int, ahead: Int = 1 << 20) -> MediaLimits {
    var limits = MediaLimits()
    limits.decoders = decoders
    limits.bytesAhead = ahead
    return limits
  }

  private static func same(_ frames: [DecodedFrame]) -> [EarlierFrame?] { frames.map(\.same) }

  private func compare(
    _ path: FilePath, _ sampling: FrameSampling, skipping: Int = 0, remark: String = ""
  ) throws {
    let one = try Reading(path, sampling, skipping: skipping)
    for limits in [Self.limits(2, ahead: 0), Self.limits(5, ahead: 1 << 30)] {
      let several = try Reading(path, sampling, limits: limits, skipping: skipping)
      let what: Comment =
        "\(path.lastComponent?.string ?? "") \(sampling) \(limits.decoders), \(skipping), \(remark)"
      #expect(several.fingerprints == one.fingerprints, what)
      #expect(Self.same(several.frames) == Self.same(one.frames), what)
      #expect(several.failure == one.failure, what)
      // How far a decoder has come when the last frame is out is its own affair.
      if sampling.maxFrames == nil && sampling.end == nil {
        #expect(several.report == one.report, what)
      }
    }
  }

  @Test(arguments: shared + ["parts/open-gop.mkv", "parts/other-sets.mp4"])
  func framesAreThoseOfOneDecoder(name: String) throws {
    for sampling in Self.samplings {
      for skipping in [0, 61] {
        try compare(MediaFixture.path(name), sampling, skipping: skipping)
      }
    }
  }

  @Test(arguments: SparseTests.fixtures) func shortAndOddOnesToo(name: String) throws {
    for sampling in [
      FrameSampling(), .init(selection: .every(5)), .init(selection: .rate(3)),
      .init(selection: .rate(3), needsFrameNumbers: false),
    ] {
      try compare(MediaFixture.path(name), sampling)
    }
  }

  @Test(
    .enabled(if: TestData.folder != nil),
    arguments: [
      "videos/bottle-detection.mp4", "videos/video_90.mov", "cases/open-gop.mp4",
      "cases/empty-sample.mp4",
    ])
  func framesOfRealVideosAreThoseOfOneDecoder(name: String) throws {
    let path = FilePath(try #require(TestData.path(name)))
    for sampling in [FrameSampling(), .init(selection: .every(10), sameness: .equalPixels)] {
      try compare(path, sampling)
    }
  }

  /// Bytes of packets overwritten, one place after the other.
  @Test(arguments: shared) func damageIsMetAsByOneDecoder(name: String) throws {
    for seed in [.random(in: 0..<1_000_000)] + (Self.badDamage[name] ?? []) {
      try damageIsMetAsByOneDecoder(name, seed: seed)
    }
    let whole = try MediaFixture.bytes(name)
    for length in [whole.count / 3, whole.count * 4 / 5] {
      let path = scratch.path.appending("cut.\(name.hasSuffix("v") ? "mkv" : "mp4")")
      try Data(whole[..<length]).write(to: URL(filePath: path.string))
      guard (try? MediaReader(path: path)) != nil else { continue }
      try compare(path, .init())
    }
  }

  /// Seeds of damage of which FFmpeg says nothing, or no more than a line, and shows what was in its memory before.
  static let badDamage: [String: [UInt64]] = [
    "parts/h264.mp4": [264_761], "parts/h265.mp4": [182_567, 791_647],
  ]

  private func damageIsMetAsByOneDecoder(_ name: String, seed: UInt64) throws {
    print("\(name): seed \(seed)")
    let whole = try MediaFixture.bytes(name)
    var random = SeededGenerator(seed: seed)
    let path = scratch.path.appending("damaged.\(name.hasSuffix("v") ? "mkv" : "mp4")")
    for _ in 0..<8 {
      var damaged = whole
      let start = whole.count / 4 + random.below(whole.count / 2)
      for place in start..<start + 1 + random.below(40) { damaged[place] ^= 0x5a }
      try Data(damaged).write(to: URL(filePath: path.string))
      // What is beside the packets may have been met.
      guard (try? MediaReader(path: path)) != nil else { continue }
      for sampling in [
        FrameSampling(), .init(selection: .every(7), sameness: .equalPixels),
        .init(selection: .rate(3), needsFrameNumbers: false),
      ] {
        try compare(path, sampling, remark: "seed \(seed)")
      }
    }
  }

  /// How a video was read to its end.
  private func way(_ name: String, _ sampling: FrameSampling = .init()) throws -> String {
    let reader = try MediaReader(
      path: MediaFixture.path(name), sampling: sampling, limits: Self.limits(3))
    while try reader.nextFrame() != nil {}
    guard let parallel = reader.media.frames as? ParallelFrames else { return "one decoder" }
    return parallel.single == nil ? "several decoders" : "several, then one"
  }

  @Test func whatCanBeSharedOutIs() throws {
    for name in Self.shared {
      #expect(try way(name) == "several decoders", "\(name)")
      #expect(try way(name, .init(selection: .every(25))) == "several decoders", "\(name)")
      for isCounted in [true, false] {
        let sampling = FrameSampling(selection: .rate(1), needsFrameNumbers: isCounted)
        #expect(try way(name, sampling) == "several decoders", "\(name)")
      }
    }
    // Pictures lean on others across keyframes, or there is no keyframe but the first.
    #expect(try way("parts/open-gop.mkv") == "one decoder")
    #expect(try way("cases/videos/refresh.mp4") == "one decoder")
    #expect(try way("constant-rate.mp4", .init(selection: .keyframes)) == "one decoder")
    #expect(try way("parts/other-sets.mp4") == "several, then one")
  }

  /// Frames are decoded ahead as far as somebody waits for them.
  @Test func nothingIsDecodedAheadForNobody() throws {
    let reader = try MediaReader(
      path: MediaFixture.path("parts/slides.mp4"), limits: Self.limits(4, ahead: 1 << 30))
    let parallel = try #require(reader.media.frames as? ParallelFrames)
    var most = 0
    while let frame = try reader.nextFrame() {
      // Many times what it takes to decode one.
      Thread.sleep(forTimeInterval: 0.005)
      most = max(most, parallel.team.bytesAhead / (frame.picture.width * frame.picture.height))
    }
    #expect(most < 20, "of 200 frames")
  }

  /// One that is left in mid-video lets its threads go.
  @Test func itCanBeLeft() throws {
    for ahead in [0, 1 << 30] {
      for frames in [1, 33, 95] {
        let reader = try MediaReader(
          path: MediaFixture.path("parts/h264.mp4"), limits: Self.limits(4, ahead: ahead))
        for _ in 0..<frames { _ = try reader.nextFrame() }
      }
    }
  }
}

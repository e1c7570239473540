import FrameDecoding
import SystemPackage
import TestSupport
import Testing

/// Sampling of files: whatever is sampled, frames are those of the full decode.
struct SamplingTests {
  static let videos = [
    "constant-rate.mp4", "variable-rate.mkv", "edit-list.mp4", "time-jump.ts", "subsampling.avi",
    "animation.gif", "no-durations.mkv", "damaged.ts",
  ]

  static let samplings: [FrameSampling] = [
    .init(selection: .every(4)), .init(selection: .rate(7)), .init(selection: .keyframes),
    .init(start: 0.2, end: 0.5), .init(selection: .rate(10), start: 0.1, end: 1, maxFrames: 5),
    .init(selection: .every(3), maxFrames: 4),
  ]

  @Test(arguments: videos)
  func sampledFramesAreThoseOfTheFullDecode(name: String) throws {
    let whole = try Reading(name)
    for sampling in Self.samplings {
      let sampled = try Reading(name, sampling)
      let expected = sampled.indices.compactMap { $0 }.map { whole.fingerprints[$0] }
      #expect(sampled.fingerprints == expected)
      #expect(sampled.indices.compactMap { $0 } == sampled.indices.compactMap { $0 }.sorted())
    }
    let every = try Reading(name, .init(selection: .every(4)))
    #expect(every.indices == stride(from: 0, to: whole.frames.count, by: 4).map { $0 })
    let keyframes = try Reading(name, .init(selection: .keyframes))
    #expect(keyframes.indices == whole.frames.filter(\.isKeyframe).map(\.index))
    #expect(
      try Reading(name, .init(start: 0.2, end: 0.5)).indices
        == whole.frames.filter { (0.2..<0.5).contains($0.time ?? -1) }.map(\.index))
  }

  /// A resumed reading goes on where the first left off, for every place to leave off.
  @Test(arguments: ["variable-rate.mkv", "truncated.mp4"])
  func skippingContinues(name: String) throws {
    for sampling in [FrameSampling(), FrameSampling(selection: .rate(6))] {
      let whole = try Reading(name, sampling)
      for done in 0...whole.frames.count {
        let rest = try Reading(name, sampling, skipping: done)
        #expect(rest.fingerprints == Array(whole.fingerprints.dropFirst(done)))
        #expect(rest.failure == whole.failure)
        #expect(rest.report == whole.report)
      }
    }
  }

  /// The segments of a file, put together, are the file.
  @Test(arguments: videos + ["sizes.h264", "images/rgb.png"], [1, 2, 3, 7])
  func segmentsPartition(name: String, count: Int) throws {
    let samplings = [FrameSampling()] + (name.hasSuffix("h264") ? [] : Self.samplings)
    for sampling in samplings {
      let whole = try Reading(name, sampling)
      var together: [String] = []
      for index in 0..<count {
        var part = sampling
        part.segment = .init(index: index, count: count)
        let reading = try Reading(name, part)
        if let first = reading.frames.first, index > 0, sampling == FrameSampling() {
          #expect(first.isKeyframe)
        }
        together += reading.fingerprints
      }
      #expect(together == whole.fingerprints)
    }
  }

  @Test func segmentsShareTheWork() throws {
    let counts = try (0..<5).map {
      try Reading("constant-rate.mp4", .init(segment: .init(index: $0, count: 5))).frames.count
    }
    #expect(counts == [10, 10, 10, 10, 10])
    // No timestamps: the cut is by bytes.
    let sizes = try (0..<3).map {
      try Reading("sizes.h264", .init(segment: .init(index: $0, count: 3))).frames.count
    }
    #expect(sizes.filter { $0 > 0 }.count >= 2)
  }

  @Test(arguments: ["constant-rate.mp4", "variable-rate.mkv", "no-durations.mkv", "damaged.ts"])
  func withoutNumbersTimesStay(name: String) throws {
    let whole = try Reading(name)
    let keyframes = try Reading(name, .init(selection: .keyframes, needsFrameNumbers: false))
    #expect(keyframes.indices.allSatisfy { $0 == nil })
    #expect(keyframes.times == whole.frames.filter(\.isKeyframe).map(\.time))
    #expect(keyframes.report.framesDecoded == keyframes.frames.count)
    #expect(keyframes.failure == nil)

    for sampling in [FrameSampling(start: 0.6, end: 0.9), .init(selection: .rate(8), start: 0.6)] {
      var seeking = sampling
      seeking.needsFrameNumbers = false
      let sought = try Reading(name, seeking)
      #expect(sought.times == (try Reading(name, sampling).times))
      #expect(!sought.times.isEmpty)
      #expect(sought.failure == nil)
    }
  }

  @Test func seekingSavesDecoding() throws {
    let sampling = FrameSampling(start: 1.7, needsFrameNumbers: false)
    #expect(try Reading("constant-rate.mp4", sampling).report.framesDecoded <= 10)
    #expect(try Reading("constant-rate.mp4", .init(start: 1.7)).report.framesDecoded == 50)
  }

  @Test func endStopsDecoding() throws {
    #expect(try Reading("constant-rate.mp4", .init(end: 0.4)).report.framesDecoded == 11)
    #expect(try Reading("constant-rate.mp4", .init(maxFrames: 3)).report.framesDecoded == 3)
    // The clock of a broadcast may start again: frame 15 lies 1000 seconds past the end.
    #expect(try Reading("time-jump.ts", .init(end: 0.4)).report.framesDecoded == 16)
  }

  @Test func timesAreNeededToSampleByTime() throws {
    let failure = MediaError(
      .data, "no frame has a timestamp, so none can be sampled by time: sample every Nth instead")
    for sampling in [
      FrameSampling(selection: .rate(2)), .init(start: 1), .init(end: 1),
    ] {
      let reading = try Reading("sizes.h264", sampling)
      #expect(reading.frames.isEmpty)
      #expect(reading.failure == failure)
    }
    #expect(try Reading("sizes.h264", .init(selection: .every(10))).indices == [0, 10, 20])
  }
}

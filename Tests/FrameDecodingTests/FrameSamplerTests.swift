import TestSupport
import Testing

@testable import FrameDecoding

/// The streaming sampler against the definition applied to the whole list of frames.
struct FrameSamplerTests {
  /// Frames as the tests make them: times in milliseconds, so that the definition can be told in whole numbers.
  struct Frame {
    var milliseconds: Int?
    var isKeyframe = false
  }

  /// Ordinals that the sampler takes.
  func sampled(
    _ frames: [Frame], _ sampling: FrameSampling, mayJumpInTime: Bool = false
  ) -> [Int] {
    var sampler = FrameSampler(sampling, mayJumpInTime: mayJumpInTime)
    var taken: [Int] = []
    var held: Int?
    for (ordinal, frame) in frames.enumerated() where !sampler.isFinished {
      let decision = sampler.decide(
        .init(
          ordinal: ordinal, time: frame.milliseconds.map { Double($0) / 1000 },
          isKeyframe: frame.isKeyframe))
      if decision.heldFrame == .sampled, let held { taken.append(held) }
      if decision.frame == .sampled { taken.append(ordinal) }
      if decision.heldFrame != .held { held = decision.frame == .held ? ordinal : nil }
    }
    return taken
  }

  /// For every tick of every run of rising times, the nearest frame by exact arithmetic; the rate is
  /// `numerator / denominator`.
  func nearestToTicks(_ frames: [Frame], numerator: Int, denominator: Int) -> [Int] {
    var runs: [[(ordinal: Int, time: Int)]] = []
    for (ordinal, frame) in frames.enumerated() {
      guard let time = frame.milliseconds else { continue }
      if let last = runs.last?.last, time >= last.time {
        runs[runs.count - 1].append((ordinal, time))
      } else {
        runs.append([(ordinal, time)])
      }
    }
    var taken = Set<Int>()
    for (number, run) in runs.enumerated() {
      // Tick k lies at k * denominator / numerator seconds: times numerator, all is whole.
      var tick = 0
      while tick * denominator * 1000 <= run[run.count - 1].time * numerator {
        let place = tick * denominator * 1000
        if number == 0 || place >= run[0].time * numerator {
          let nearest = run.min {
            abs($0.time * numerator - place) < abs($1.time * numerator - place)
          }
          if let nearest { taken.insert(nearest.ordinal) }
        }
        tick += 1
      }
    }
    return taken.sorted()
  }

  @Test func rateEqualsTheDefinition() {
    let seed: UInt64 = 20_261_125
    print("seed \(seed)")
    var generator = SeededGenerator(seed: seed)
    var cases = 0
    var sampledFrames = 0
    for _ in 0..<3000 {
      let rate = [(1, 1), (2, 1), (5, 1), (25, 2), (30000, 1001), (1, 3), (1000, 7)][
        generator.below(7)]
      // Coarse steps make ties and duplicates frequent.
      let step = [1, 10, 20, 40, 250][generator.below(5)]
      var time = generator.below(3) * step
      let frames = (0..<(1 + generator.below(30))).map { _ in
        defer {
          time += generator.below(6) * step
          if generator.below(25) == 0 { time = max(0, time - generator.below(2000)) }
          if generator.below(25) == 0 { time += 3000 }
        }
        return Frame(milliseconds: generator.below(12) == 0 ? nil : time)
      }
      let expected = nearestToTicks(frames, numerator: rate.0, denominator: rate.1)
      let actual = sampled(frames, .init(selection: .rate(Double(rate.0) / Double(rate.1))))
      #expect(actual == expected, "\(frames.map(\.milliseconds)) at \(rate)")
      cases += 1
      sampledFrames += expected.count
    }
    #expect(cases == 3000 && sampledFrames > 10_000)
  }

  @Test func rateTakesTheEarlierOfTies() {
    let frames = [0, 300, 700, 1000].map { Frame(milliseconds: $0) }
    // 0.5 lies in the middle of 0.3 and 0.7, which no double says exactly.
    #expect(sampled(frames, .init(selection: .rate(2))) == [0, 1, 3])
  }

  @Test func rateIsNoFrameStep() {
    // 30 frames a second, then 10: a step of int(30 / 5) would take every second of the slow ones.
    let frames =
      (0..<30).map { Frame(milliseconds: $0 * 1000 / 30) }
      + (0..<20).map { Frame(milliseconds: 1000 + $0 * 100) }
    #expect(sampled(frames, .init(selection: .rate(5))).count == 15)
  }

  @Test func everyCountsFromTheFirstFrame() {
    let frames = (0..<10).map { Frame(milliseconds: $0 * 40) }
    #expect(sampled(frames, .init(selection: .every(3))) == [0, 3, 6, 9])
    #expect(sampled(frames, .init(selection: .every(3), start: 0.1)) == [3, 6, 9])
  }

  @Test func rangeIsHalfOpen() {
    let frames = (0..<10).map { Frame(milliseconds: $0 * 100) } + [Frame(milliseconds: nil)]
    #expect(sampled(frames, .init(start: 0.2, end: 0.5)) == [2, 3, 4])
    #expect(sampled(frames, .init(start: 0.8)) == [8, 9])
    #expect(sampled(frames, .init()) == Array(0..<11))
  }

  @Test func narrowingGivesAPart() {
    let seed: UInt64 = 7
    print("seed \(seed)")
    var generator = SeededGenerator(seed: seed)
    for _ in 0..<300 {
      var time = 0
      let frames = (0..<40).map { _ in
        defer { time += generator.below(120) }
        return Frame(milliseconds: time, isKeyframe: generator.below(5) == 0)
      }
      let selection: FrameSampling.Selection =
        [.all, .every(3), .rate(7), .keyframes][generator.below(4)]
      let whole = sampled(frames, .init(selection: selection))
      let inRange = whole.filter { (300..<900).contains(frames[$0].milliseconds ?? -1) }
      #expect(sampled(frames, .init(selection: selection, start: 0.3, end: 0.9)) == inRange)
      let limited = FrameSampling(selection: selection, start: 0.3, end: 0.9, maxFrames: 4)
      #expect(sampled(frames, limited) == Array(inRange.prefix(4)))
    }
  }

  @Test func readingStopsAtTheEnd() {
    var sampler = FrameSampler(.init(end: 1), mayJumpInTime: false)
    #expect(sampler.decide(.init(ordinal: 0, time: 0.9, isKeyframe: true)).frame == .sampled)
    #expect(!sampler.isFinished)
    #expect(sampler.decide(.init(ordinal: 1, time: 1, isKeyframe: true)).frame == .rejected)
    #expect(sampler.isFinished)

    // Timestamps that may jump back get ten seconds to do so.
    sampler = FrameSampler(.init(end: 1), mayJumpInTime: true)
    for (ordinal, time) in [0.5, 1, 10.9, 0.2].enumerated() {
      let decision = sampler.decide(.init(ordinal: ordinal, time: time, isKeyframe: true))
      #expect(decision.frame == (time < 1 ? .sampled : .rejected))
      #expect(!sampler.isFinished)
    }
    _ = sampler.decide(.init(ordinal: 4, time: 11, isKeyframe: true))
    #expect(sampler.isFinished)
  }

  @Test(.timeLimit(.minutes(1))) func forgedTimesEnd() {
    for rate in [1e-300, 1e-3, 1e6, 1e300] {
      var sampler = FrameSampler(.init(selection: .rate(rate)), mayJumpInTime: false)
      for (ordinal, time) in [-1e19, 0, 1e19, 2e19, -3, 5e18].enumerated() {
        _ = sampler.decide(.init(ordinal: ordinal, time: time, isKeyframe: true))
      }
    }
  }
}

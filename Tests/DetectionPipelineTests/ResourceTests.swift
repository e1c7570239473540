import Testing

@testable import DetectionPipeline

@Suite struct MemoryPlanTests {
  static let gibibyte = 1 << 30

  @Test func `where all fits, all workers run`() {
    let plan = MemoryPlan(
      limit: 16 * Self.gibibyte, wanted: 4, decoders: 2, inProcesses: true,
      perWorker: Self.gibibyte, shared: 1 << 28)
    #expect(plan.workers == 4)
    #expect(plan.frameBytes == MemoryPlan.mostFrameBytes)
    #expect(plan.remark == nil)
  }

  @Test func `fewer workers run where memory holds no more`() {
    let plan = MemoryPlan(
      limit: 4 * Self.gibibyte, wanted: 8, decoders: 1, inProcesses: false,
      perWorker: Self.gibibyte, shared: 1 << 28)
    #expect(plan.workers == 3)
    #expect(plan.frameBytes >= MemoryPlan.leastFrameBytes)
    #expect(
      plan.remark == "3 of 8 workers: each needs 1024 MiB, and 4096 MiB of memory hold no more")
  }

  /// What they keep is the run's, too.
  @Test func `decoders in processes of their own count`() {
    let plans = [false, true].map {
      MemoryPlan(
        limit: Self.gibibyte, wanted: 1, decoders: 4, inProcesses: $0, perWorker: 1 << 20,
        shared: 0)
    }
    let without = plans[0].frameBytes - MemoryPlan.leastFrameBytes
    let with = plans[1].frameBytes - MemoryPlan.leastFrameBytes
    #expect(without - with == 2 * MemoryPlan.processAllowance)
  }

  @Test func `decoders help where memory is left when workers have theirs`() {
    func plan(_ gibibytes: Int, decoders: Int, spare: Int) -> MemoryPlan {
      MemoryPlan(
        limit: gibibytes * Self.gibibyte, wanted: 2, decoders: decoders, spare: spare,
        inProcesses: false, perWorker: Self.gibibyte, shared: 0)
    }
    let large = plan(16, decoders: 2, spare: 5)
    #expect(large.workers == 2)
    #expect(large.share == DecoderShare(decoders: 3, bytesAhead: MemoryPlan.mostFrameBytes / 4))
    #expect(large.frameBytes == MemoryPlan.mostFrameBytes / 2)
    // 3072 MiB - 2048 for the workers, 96 for the decoder and 64 for frames: half of the rest holds 4.
    let small = plan(3, decoders: 1, spare: 7)
    #expect(small.share.decoders == 5)
    #expect(small.frameBytes + small.share.bytesAhead <= (3072 - 2048 - 96 - 4 * 96) << 20)
    let none = plan(2, decoders: 1, spare: 7)
    #expect(none.workers == 1)
    #expect(none.share.decoders == 5)
    #expect(plan(1, decoders: 1, spare: 7).share == DecoderShare())
  }

  @Test func `one worker runs whatever there is, and says so`() {
    let plan = MemoryPlan(
      limit: Self.gibibyte, wanted: 2, decoders: 1, inProcesses: false,
      perWorker: Self.gibibyte, shared: 0)
    #expect(plan.workers == 1)
    #expect(plan.frameBytes == MemoryPlan.leastFrameBytes)
    #expect(
      plan.remark
        == "one worker needs 1184 MiB of memory, more than the 1024 MiB there are: running "
        + "one all the same")
  }
}

@Suite struct ProgressMeterTests {
  private static func summary(_ seconds: Double, _ frames: Int) -> RunSummary {
    var summary = RunSummary()
    summary.seconds = seconds
    summary.frames = frames
    return summary
  }

  @Test func `the rate is that of the last seconds, the estimate that of the last minute`() {
    var meter = ProgressMeter()
    var progress: RunProgress?
    // Ten frames a second for 200 s, a hundredth of the work in each ten; then none.
    for second in 0...200 {
      progress = meter.progress(
        Self.summary(Double(second), second * 10), doneShare: Double(second) / 1000, inputs: 1,
        source: nil)
    }
    #expect(progress?.framesPerSecond == 10)
    #expect(abs((progress?.remainingSeconds ?? 0) - 800) < 1e-6)
    for second in 201...215 {
      progress = meter.progress(
        Self.summary(Double(second), 2000), doneShare: 0.2, inputs: 1, source: nil)
    }
    #expect(progress?.framesPerSecond == 0)
    // 45 of the last 60 seconds gained 4.5 %.
    #expect(abs((progress?.remainingSeconds ?? 0) - 0.8 / 0.045 * 60) < 1e-6)
  }

  @Test func `nothing is promised before there is anything to judge by`() {
    var meter = ProgressMeter()
    let progress = meter.progress(Self.summary(1, 0), doneShare: 0, inputs: 1, source: nil)
    #expect(progress.remainingSeconds == nil)
  }
}

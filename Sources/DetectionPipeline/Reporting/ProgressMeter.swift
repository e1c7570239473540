/// Turns what was counted into a rate and an estimate of the time that remains, both from the last stretch of the
/// run, so that they follow a change of inputs and are not misled by what an earlier run had done.
struct ProgressMeter {
  private static let rateSeconds = 10.0
  private static let estimateSeconds = 60.0

  private struct Sample {
    var seconds: Double
    var frames: Int
    var doneShare: Double
  }

  private var samples: [Sample] = []

  /// Takes note of how far the run is: `doneShare` of the work, 0...1, by the sizes of its `inputs`, and the
  /// `source` opened last.
  mutating func progress(
    _ summary: RunSummary, doneShare: Double, inputs: Int, source: String?
  ) -> RunProgress {
    let now = Sample(seconds: summary.seconds, frames: summary.frames, doneShare: doneShare)
    samples.append(now)
    samples.removeAll { now.seconds - $0.seconds > Self.estimateSeconds }
    let oldest = samples[0]
    let recent = samples.first { now.seconds - $0.seconds <= Self.rateSeconds } ?? now
    let elapsed = now.seconds - recent.seconds
    let gain = doneShare - oldest.doneShare
    return RunProgress(
      summary: summary, inputs: inputs, source: source,
      framesPerSecond: elapsed > 0
        ? Double(now.frames - recent.frames) / elapsed : summary.framesPerSecond,
      remainingSeconds: gain > 0 ? (1 - doneShare) * (now.seconds - oldest.seconds) / gain : nil)
  }
}

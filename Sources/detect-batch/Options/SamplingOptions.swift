import ArgumentParser
import DetectionPipeline

/// Which frames of a video to look at.
struct SamplingOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp("Every N-th frame, from the first. (default: every frame)", valueName: "n"),
    transform: OptionValue.positiveCount)
  var every: Int?

  @Option(
    help: ArgumentHelp(
      "So many frames a second: those nearest to each tick, by their timestamps. (default: every frame)",
      valueName: "rate"),
    transform: OptionValue.rate)
  var fps: Double?

  @Flag(help: "Keyframes only.")
  var keyframes = false

  @Option(
    help: ArgumentHelp(
      "From this time on: seconds or HH:MM:SS. (default: the beginning)", valueName: "time"),
    transform: OptionValue.timePosition)
  var start: Double?

  @Option(
    help: ArgumentHelp(
      "Before this time: seconds or HH:MM:SS. (default: the end)", valueName: "time"),
    transform: OptionValue.timePosition)
  var end: Double?

  @Option(
    help: ArgumentHelp("At most so many frames of each input. (default: all)", valueName: "n"),
    transform: OptionValue.positiveCount)
  var maxFrames: Int?

  @Flag(
    help:
      "Write null for the number of a frame where counting it would mean decoding all before it.")
  var noFrameNumbers = false

  @Option(
    help: ArgumentHelp(
      "Take a frame for the last one looked at while no 16x16 block of luma differs by more than this on average, in levels of 0 to 255; its record is marked \"same\". (default: only where all pixels are equal)",
      valueName: "levels"),
    transform: OptionValue.levels)
  var still: Double?

  func validate() throws {
    try Self.requireOne(every, fps, keyframes)
    try requireOrder()
  }

  mutating func fill(from file: PipelineFile) throws {
    var (fileEvery, fileFps, fileKeyframes) = (Int?.none, Double?.none, false)
    try file.fill(&fileEvery, "every", OptionValue.positiveCount)
    try file.fill(&fileFps, "fps", OptionValue.rate)
    try file.fill(&fileKeyframes, "keyframes")
    try Self.requireOne(fileEvery, fileFps, fileKeyframes, file: file.name)
    // A choice on the command line replaces the file's choice of another kind.
    if every == nil && fps == nil && !keyframes {
      (every, fps, keyframes) = (fileEvery, fileFps, fileKeyframes)
    }
    try file.fill(&start, "start", OptionValue.timePosition)
    try file.fill(&end, "end", OptionValue.timePosition)
    try requireOrder()
    try file.fill(&maxFrames, "max-frames", OptionValue.positiveCount)
    try file.fill(&noFrameNumbers, "no-frame-numbers")
    try file.fill(&still, "still", OptionValue.levels)
  }

  private static func requireOne(
    _ every: Int?, _ fps: Double?, _ keyframes: Bool, file: String? = nil
  ) throws {
    let given = [every.map { _ in "every" }, fps.map { _ in "fps" }, keyframes ? "keyframes" : nil]
    let names = given.compactMap { $0 }.map { file == nil ? "--\($0)" : $0 }
    if names.count > 1 {
      throw ValidationError(
        (file.map { "\($0): " } ?? "")
          + "\(names.joined(separator: " and ")) cannot go together: give one")
    }
  }

  private func requireOrder() throws {
    if let start, let end, end <= start {
      throw ValidationError("--end (\(end) s) has to come after --start (\(start) s)")
    }
  }
}

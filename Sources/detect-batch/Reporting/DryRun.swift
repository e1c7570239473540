import DetectionPipeline
import FrameDecoding
import JSONText
import Logging

/// What a run would do, said and not done: on standard output a line for each input, on standard error how much it is
/// in all.
struct DryRun {
  private let plan: [PlannedInput]
  private let sampling: FrameSampling
  private let decoders: MediaDecoders

  /// - Parameters:
  ///   - plan: what would be done.
  ///   - sampling: which frames would be looked at.
  ///   - decoders: what opens the inputs.
  init(_ plan: [PlannedInput], sampling: FrameSampling, decoders: MediaDecoders) {
    self.plan = plan
    self.sampling = sampling
    self.decoders = decoders
  }

  /// Tells it. Lines for people have tabs between action, source, reason and, where something would be done, the number
  /// of frames (`?` where the container does not tell); lines for machines are objects of the same.
  ///
  /// - Returns: what the process exits with.
  func tell(_ format: LogFormat) -> ExitStatus {
    var (lines, totals): ([String], Totals) = ([], Totals())
    for input in plan {
      // Only what would be looked at is opened.
      let estimate = input.path.flatMap {
        FrameEstimate(of: $0, sampling: sampling, with: decoders)
      }
      if input.path != nil { totals.add(estimate) }
      switch format {
      case .text:
        let fields = [input.action.rawValue, input.source, input.reason]
        let frames = input.path.map { _ in estimate?.frames.map(String.init) ?? "?" }
        lines.append((fields + (frames.map { [$0] } ?? [])).joined(separator: "\t"))
      case .json:
        lines.append(
          JSONValue.object([
            ("action", .string(input.action.rawValue)), ("source", .string(input.source)),
            ("reason", .string(input.reason)),
            ("frames", estimate?.frames.map(JSONValue.int) ?? .null),
          ]).compact)
      }
    }
    let status = lines.isEmpty ? .done : ProgramOutput.write(lines.joined(separator: "\n"))
    Log.logger.info("\(totals.text)", metadata: totals.metadata)
    return status
  }
}

/// What there is to look at in all.
private struct Totals {
  private var inputs = 0
  private var frames = 0
  private var unknown = 0
  private var seconds = 0.0

  mutating func add(_ estimate: FrameEstimate?) {
    inputs += 1
    seconds += estimate?.duration ?? 0
    if let count = estimate?.frames { frames += count } else { unknown += 1 }
  }

  var text: String {
    var parts = ["\(RunText.counted(inputs, "input")) to do"]
    if inputs > unknown { parts.append("about \(RunText.counted(frames, "frame")) to look at") }
    if unknown > 0 {
      parts.append("of \(RunText.counted(unknown, "input")) the number of frames is not known")
    }
    if seconds > 0 { parts.append("\(RunText.span(seconds)) of video in all") }
    return parts.joined(separator: ", ")
  }

  var metadata: Logger.Metadata {
    [
      "inputs": .stringConvertible(inputs), "frames": .stringConvertible(frames),
      "inputsOfUnknownLength": .stringConvertible(unknown),
      "videoSeconds": .stringConvertible(seconds),
    ]
  }
}

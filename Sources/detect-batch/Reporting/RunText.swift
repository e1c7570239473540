import DetectionPipeline
import Glibc

/// The words in which a run is told to people.
enum RunText {
  /// The line at the bottom of a terminal.
  static func progress(_ progress: RunProgress) -> String {
    let done = progress.summary.inputs.done + progress.summary.inputs.failed
    var parts = [
      "\(done)/\(progress.inputs) inputs",
      "\(progress.summary.frames) frames",
      "\(decimal(progress.framesPerSecond)) frames/s",
    ]
    if let seconds = progress.remainingSeconds { parts.append("\(span(seconds)) left") }
    if let source = progress.source { parts.append(source) }
    return parts.joined(separator: ", ")
  }

  /// What lies before a run, as one line.
  static func plan(_ plan: PlanCounts) -> String {
    var parts = ["\(counted(plan.inputs, "input")) to do"]
    if plan.resumable > 0 { parts.append("\(plan.resumable) of them begun earlier") }
    if plan.skipped > 0 { parts.append("\(plan.skipped) complete") }
    if plan.failedEarlier > 0 { parts.append("\(plan.failedEarlier) failed earlier") }
    if plan.unsettled > 0 { parts.append("\(plan.unsettled) still being written") }
    return parts.joined(separator: ", ")
  }

  /// One finished input.
  static func finished(_ result: InputResult) -> String {
    let rate = result.seconds > 0 ? Double(result.frames) / result.seconds : 0
    return "\(result.source): \(counted(result.frames, "frame")), "
      + "\(counted(result.detections, "detection")), \(decimal(rate)) frames/s"
  }

  /// What the decoder complained about in an input that it went on with.
  static func decodeErrors(_ result: InputResult) -> String {
    "\(result.source): \(counted(result.decodeErrors, "decoding error"))"
      + (result.lastDecodeError.map { ", the last: \($0)" } ?? "")
  }

  /// The end of a run, line by line.
  static func summary(_ summary: RunSummary) -> [String] {
    let inputs = summary.inputs
    var counts = ["\(counted(inputs.done, "input")) done"]
    if inputs.failed > 0 { counts.append("\(inputs.failed) failed") }
    if inputs.skipped > 0 { counts.append("\(inputs.skipped) complete from earlier") }
    if inputs.failedEarlier > 0 {
      counts.append("\(inputs.failedEarlier) failed earlier (--retry-failed tries them again)")
    }
    if inputs.left > 0 { counts.append("\(inputs.left) left for the next run") }
    var lines = [counts.joined(separator: ", ")]
    if let root = summary.commonRoot { lines.append("names count from \(root)") }
    if summary.goneOutputs > 0 {
      let outputs = "\(counted(summary.goneOutputs, "output")) whose inputs are gone"
      lines.append(summary.isPruned ? "removed \(outputs)" : "\(outputs) (--prune removes them)")
    }
    if !summary.leftOut.files.isEmpty {
      lines.append(
        "left out \(summary.leftOut.words): no known videos or images (--all-files tries them)")
    }
    guard summary.frames > 0 else { return lines }

    var frames =
      "\(counted(summary.frames, "frame")), \(counted(summary.detections, "detection")) "
      + "in \(span(summary.seconds)): \(decimal(summary.framesPerSecond)) frames/s, "
      + "\(grouped(whole(summary.imagesPerDay))) images per day"
    if summary.sameFrames > 0 {
      frames += ", \(grouped(summary.sameFrames)) the same as earlier ones"
    }
    if summary.failedFrames > 0 {
      frames += ", \(counted(summary.failedFrames, "frame")) failed"
    }
    if summary.decodeErrors > 0 {
      frames += ", \(counted(summary.decodeErrors, "decoding error"))"
    }
    lines.append(frames)

    if let line = found(summary.classes) { lines.append(line) }
    if let line = richest(summary) { lines.append(line) }

    let stages = summary.stages
    lines.append(
      "time: decoding \(span(stages.decoding)) in \(counted(summary.decoders, "thread")) "
        + "(waited \(span(stages.decodersWaiting))), "
        + "detecting \(span(stages.detecting)) in \(counted(summary.workers, "thread")) "
        + "(network \(span(stages.network)), waited \(span(stages.workersWaiting))), writing \(span(stages.writing))"
    )
    return lines
  }

  /// What was found, by class; nil where nothing was.
  private static func found(_ classes: [RunSummary.ClassCount]) -> String? {
    guard !classes.isEmpty else { return nil }
    let named = classes.prefix(RunSummary.mostListed).map {
      "\(grouped($0.detections)) \($0.label) in \(counted($0.frames, "frame"))"
    }
    let rest = classes.dropFirst(RunSummary.mostListed)
    let detections = rest.reduce(0) { $0 + $1.detections }
    return "found "
      + (named + (rest.isEmpty ? [] : ["\(grouped(detections)) of \(rest.count) other classes"]))
      .joined(separator: ", ")
  }

  /// Where it was found; nil where there is but one place.
  private static func richest(_ summary: RunSummary) -> String? {
    let finished = summary.inputs.done + summary.inputs.failed
    guard finished > 1, summary.inputsWithDetections > 0 else { return nil }
    let rest = summary.inputsWithDetections - summary.richestInputs.count
    return
      "\(grouped(summary.inputsWithDetections)) of \(counted(finished, "input")) with detections: "
      + summary.richestInputs.map { "\($0.source) \(grouped($0.detections))" }.joined(
        separator: ", ")
      + (rest > 0 ? ", \(grouped(rest)) more" : "")
  }

  /// A number and its noun.
  static func counted(_ count: Int, _ noun: String, plural: String? = nil) -> String {
    "\(grouped(count)) \(count == 1 ? noun : plural ?? noun + "s")"
  }

  /// A number with one decimal below 100, without from there on.
  static func decimal(_ number: Double) -> String {
    guard number.isFinite else { return "?" }
    if number >= 99.95 { return grouped(whole(number)) }
    let tenths = whole(number * 10)
    return "\(tenths / 10).\(tenths % 10)"
  }

  /// A span of time in the two units that matter.
  static func span(_ seconds: Double) -> String {
    guard seconds.isFinite else { return "?" }
    if seconds < 9.95 { return "\(decimal(max(0, seconds))) s" }
    let whole = whole(seconds)
    switch whole {
    case ..<60: return "\(whole) s"
    case ..<3600: return "\(whole / 60) min \(whole % 60) s"
    case ..<86_400: return "\(whole / 3600) h \(whole % 3600 / 60) min"
    default: return "\(whole / 86_400) d \(whole % 86_400 / 3600) h"
    }
  }

  /// A number rounded, cut to what can be shown.
  private static func whole(_ number: Double) -> Int {
    // Bounded: cut to 1e15; no number is 0.
    number.isNaN ? 0 : Int(min(max(number, -1e15), 1e15).rounded())
  }

  /// Digits in groups of three from 10 000 on.
  static func grouped(_ number: Int) -> String {
    let digits = String(number)
    guard number >= 10_000 else { return digits }
    return digits.enumerated().map { index, digit in
      index > 0 && (digits.count - index) % 3 == 0 ? " \(digit)" : "\(digit)"
    }.joined()
  }
}

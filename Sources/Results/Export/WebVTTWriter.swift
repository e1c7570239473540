import DetectionRecords
import Files

/// Subtitles (W3C WebVTT), a file `<source>.vtt` for each video: a cue for each stretch of frames that follow each other
/// and all have a label, with the most of that label that one of them has and its best score.
///
/// A cue begins at its first frame and ends at the next one without the label; after the last frame it lasts as long as
/// the two last frames lie apart, or one second. Cues are in the order of their beginnings: so that none waits for ever
/// behind one that goes on, that one is cut in two when ten thousand do. Frames without a time, and pictures, have no
/// place in them.
struct WebVTTWriter: ExportWriter {
  private struct Span {
    var label: Int
    var start: Double
    var end: Double = 0
    var most: Int
    var score: Double
  }

  private let tree: ExportTree
  private var file: OpenFile?
  private var text: [UInt8] = []
  /// Spans that go on, and those that have ended but begin after one that goes on.
  private var open: [Span] = []
  private var ended: [Span] = []
  /// When the first of those begins.
  private var firstEnded = Double.infinity
  private var time: Double?
  private var interval = 1.0
  private var failures = 0

  /// Cues that wait for one that began before them.
  private static let mostWaiting = 10_000

  init(_ tree: ExportTree) { self.tree = tree }

  var untold: Int { failures }

  mutating func append(
    _ frame: ExportFrame, _ input: ExportInput, _ classes: ExportClasses, to bytes: inout [UInt8]
  ) throws {
    guard input.isVideo, frame.detections == nil || frame.record.time != nil else {
      failures += 1
      return
    }
    if file == nil {
      file = try tree.create(input.source, suffix: ".vtt", for: input.source)
      ExportText.append("WEBVTT\n", to: &text)
      (time, interval) = (nil, 1)
    }
    guard let found = frame.detections, let now = frame.record.time else {
      // Comments say what has no time; an arrow would end one.
      let reason = (frame.failure ?? "").split(whereSeparator: \.isNewline).joined(separator: " ")
        .replacing("-->", with: "->")
      text.append(contentsOf: "\nNOTE not looked at: \(reason)\n".utf8)
      if let time { closeAll(at: time + interval, classes) }
      return
    }
    if let time {
      if now < time {
        // The clock was set back.
        closeAll(at: time + interval, classes)
      } else if now > time {
        interval = now - time
      }
    }
    time = now
    if ended.count >= Self.mostWaiting,
      let oldest = open.indices.min(by: { open[$0].start < open[$1].start })
    {
      close(oldest, at: now)
    }
    var tallies: [Int: (count: Int, score: Double)] = [:]
    for detection in found {
      let tally = tallies[detection.classIndex] ?? (0, 0)
      tallies[detection.classIndex] = (tally.count + 1, max(tally.score, detection.score))
    }
    for index in open.indices.reversed() {
      if let tally = tallies.removeValue(forKey: open[index].label) {
        open[index].most = max(open[index].most, tally.count)
        open[index].score = max(open[index].score, tally.score)
      } else {
        close(index, at: now)
      }
    }
    for (label, tally) in tallies.sorted(by: { $0.key < $1.key }) {
      open.append(Span(label: label, start: now, most: tally.count, score: tally.score))
    }
    writeEnded(classes)
    if text.count >= 1 << 18 { try flush() }
  }

  private mutating func close(_ index: Int, at time: Double) {
    var span = open.remove(at: index)
    span.end = time
    ended.append(span)
    firstEnded = min(firstEnded, span.start)
  }

  private mutating func closeAll(at time: Double, _ classes: ExportClasses) {
    for index in open.indices.reversed() { close(index, at: time) }
    writeEnded(classes)
  }

  /// Writes the cues that no span which goes on comes before.
  private mutating func writeEnded(_ classes: ExportClasses) {
    let first = open.map(\.start).min() ?? .infinity
    if ended.isEmpty || firstEnded > first { return }
    let ready = ended.filter { $0.start <= first }
      .sorted { ($0.start, $0.label) < ($1.start, $1.label) }
    ended.removeAll { $0.start <= first }
    firstEnded = ended.map(\.start).min() ?? .infinity
    for span in ready {
      let start = max(0, Int((span.start * 1000).rounded()))
      // A cue must end after it begins.
      let end = max(start + 1, Int((span.end * 1000).rounded()))
      let name = Self.escaped(classes.names[span.label])
      let count = span.most > 1 ? " ×\(span.most)" : ""
      let percent = Int((span.score * 100).rounded())
      text.append(
        contentsOf: "\n\(Self.clock(start)) --> \(Self.clock(end))\n\(name)\(count) \(percent)%\n"
          .utf8)
    }
  }

  private static func clock(_ milliseconds: Int) -> String {
    func digits(_ number: Int, _ count: Int) -> String {
      let text = String(number)
      return String(repeating: "0", count: max(0, count - text.count)) + text
    }
    let seconds = milliseconds / 1000
    return
      "\(digits(seconds / 3600, 2)):\(digits(seconds / 60 % 60, 2)):\(digits(seconds % 60, 2))."
      + digits(milliseconds % 1000, 3)
  }

  /// The text of a cue: no markup, no end of a line.
  private static func escaped(_ label: String) -> String {
    let name = label.split(whereSeparator: \.isNewline).joined(separator: " ")
    return (name.isEmpty ? "?" : name).replacing("&", with: "&amp;").replacing("<", with: "&lt;")
      .replacing(">", with: "&gt;")
  }

  private mutating func flush() throws {
    try file?.write(text)
    text.removeAll(keepingCapacity: true)
  }

  mutating func end(_ input: ExportInput, _ classes: ExportClasses, to bytes: inout [UInt8]) throws
  {
    guard file != nil else { return }
    if let time { closeAll(at: time + interval, classes) }
    try flush()
    file = nil
  }
}

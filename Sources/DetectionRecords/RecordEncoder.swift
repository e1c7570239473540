import Files
import FoundationEssentials
import JSONText

/// Writes the records of one input as lines, as `FrameRecord` describes them.
///
/// What does not change from frame to frame is escaped once. A line of 100 detections takes 24 us, 300 MB/s
/// (`detect-batch-dev records`, one core of an EPYC of 2025).
public struct RecordEncoder: Sendable {
  /// What every line of this input begins with, up to the value of `frame`.
  let linePrefix: [UInt8]
  /// What the line that ends a failed input begins with.
  let failurePrefix: [UInt8]
  private let labels: LabelTable

  /// An encoder for the records of `source`, whose detections name classes of `labels`.
  public init(source: SourceName, labels: LabelTable) {
    var prefix = Array("{\"source\":".utf8)
    JSON.append(source, to: &prefix)
    prefix.append(contentsOf: ",\"frame\":".utf8)
    linePrefix = prefix
    failurePrefix =
      prefix + Array("null,\"time\":null,\"width\":null,\"height\":null".utf8) + Self.failureStart
    self.labels = labels
  }

  /// Appends the line of one frame.
  ///
  /// - Returns: where in `lines` that begins which says what came of looking at it.
  @discardableResult
  public func append(_ record: FrameRecord, to lines: inout [UInt8]) -> Int {
    appendFacts(of: record, to: &lines)
    let outcome = lines.count
    switch record.outcome {
    case .failure(let reason):
      lines.append(contentsOf: Self.failureStart)
      endFailure(reason, &lines)
    case .detections(let detections):
      lines.append(contentsOf: ",\"detections\":[".utf8)
      for (ordinal, detection) in detections.enumerated() {
        if ordinal > 0 { lines.append(UInt8(ascii: ",")) }
        append(detection, to: &lines)
      }
      lines.append(contentsOf: "]}\n".utf8)
    }
    return outcome
  }

  /// Appends the line of a frame of which another line of this encoder says what came of it, from `outcome` on.
  public func append(
    _ record: FrameRecord, withOutcomeOf line: ArraySlice<UInt8>, to lines: inout [UInt8]
  ) {
    appendFacts(of: record, to: &lines)
    lines.append(contentsOf: line)
  }

  /// All but what came of looking at it.
  private func appendFacts(of record: FrameRecord, to lines: inout [UInt8]) {
    lines.append(contentsOf: linePrefix)
    JSON.append(record.frame, to: &lines)
    lines.append(contentsOf: ",\"time\":".utf8)
    // A clock that says more is forged, or the decoder lies.
    if let time = record.time, time.magnitude < RecordParser.timeLimit {
      JSON.append(time, decimals: 6, to: &lines)
    } else {
      lines.append(contentsOf: "null".utf8)
    }
    lines.append(contentsOf: ",\"width\":".utf8)
    JSON.append(record.width, to: &lines)
    lines.append(contentsOf: ",\"height\":".utf8)
    JSON.append(record.height, to: &lines)
    if record.isCorrupt { lines.append(contentsOf: ",\"corrupt\":true".utf8) }
    if let same = record.same {
      lines.append(contentsOf: ",\"same\":".utf8)
      switch same {
      case .frame(let frame): JSON.append(frame, to: &lines)
      case .uncounted: lines.append(contentsOf: "null".utf8)
      }
    }
  }

  /// Appends the line that ends an input which failed or stopped early.
  public func appendFailure(_ reason: String, to lines: inout [UInt8]) {
    lines.append(contentsOf: failurePrefix)
    endFailure(reason, &lines)
  }

  /// What stands where nobody looked. No string of a line can hold these bytes, for its quotes are escaped.
  static let failureStart = Array(",\"detections\":null,\"failure\":".utf8)

  private func endFailure(_ reason: String, _ lines: inout [UInt8]) {
    JSON.append(reason, to: &lines)
    lines.append(contentsOf: "}\n".utf8)
  }

  private func append(_ detection: RecordedDetection, to lines: inout [UInt8]) {
    lines.append(contentsOf: labels.openings[detection.classIndex])
    JSON.append(detection.score, decimals: 4, to: &lines)
    lines.append(contentsOf: ",\"box\":[".utf8)
    JSON.append(detection.x, decimals: 2, to: &lines)
    lines.append(UInt8(ascii: ","))
    JSON.append(detection.y, decimals: 2, to: &lines)
    lines.append(UInt8(ascii: ","))
    JSON.append(detection.width, decimals: 2, to: &lines)
    lines.append(UInt8(ascii: ","))
    JSON.append(detection.height, decimals: 2, to: &lines)
    lines.append(contentsOf: "]}".utf8)
  }
}

/// Class names, escaped once for a whole run.
public struct LabelTable: Sendable {
  /// `{"label":"…","score":` by class index.
  let openings: [[UInt8]]

  /// The names of classes 0, 1, ….
  public init(_ labels: [String]) {
    openings = labels.map { label in
      var opening = LabelTable.detectionStart
      JSON.append(label, to: &opening)
      opening.append(contentsOf: ",\"score\":".utf8)
      return opening
    }
  }

  /// What every detection begins with. No string of a line can hold these bytes, for its quotes are escaped.
  static let detectionStart = Array("{\"label\":".utf8)
}

extension JSON {
  /// Appends the value of `source` and, where it cannot say it all, the key and value of `sourceBytes`.
  static func append(_ source: SourceName, to bytes: inout [UInt8]) {
    append(source.text, to: &bytes)
    guard !source.isText else { return }
    bytes.append(contentsOf: ",\"sourceBytes\":\"".utf8)
    bytes.append(contentsOf: Data(source.bytes).base64EncodedString().utf8)
    bytes.append(UInt8(ascii: "\""))
  }
}

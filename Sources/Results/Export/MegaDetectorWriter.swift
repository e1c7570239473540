import DetectionRecords
import JSONText

/// MegaDetector's batch results, format 1.6 (docs of agentmorris/MegaDetector, "MegaDetector batch output format"): an
/// entry for each input, in the order of the records.
///
/// Boxes are [left, top, width, height] as shares of the picture's sides, 6 decimals. A video has `frame_rate`,
/// `frames_processed` and, with each detection, `frame_number`. Its rate is that of its first and last numbered frames'
/// times; where frames have no numbers they are numbered by milliseconds, at 1000 frames a second. An input of which
/// nothing was seen has `failure` and `"detections":null`; where only the rest failed the entry keeps what was found,
/// and says `incomplete`, which is no word of the format's.
struct MegaDetectorWriter: ExportWriter {
  private let summaryReport: String?
  private var isFirst = true
  /// Of the input at hand.
  private var frames: [Int] = []
  private var hasDetection = false
  private var failure: String?
  private var timed: (first: (frame: Int, time: Double), last: (frame: Int, time: Double))?
  private var isNumbered = true

  init(summaryReport: String?) { self.summaryReport = summaryReport }

  mutating func begin(pass: Int, _ classes: ExportClasses, to bytes: inout [UInt8]) {
    ExportText.append("{\"images\":[", to: &bytes)
  }

  mutating func begin(_ input: ExportInput, to bytes: inout [UInt8]) {
    ExportText.append(isFirst ? "\n{\"file\":" : ",\n{\"file\":", to: &bytes)
    JSON.append(input.name, to: &bytes)
    isFirst = false
    frames.removeAll(keepingCapacity: true)
    (hasDetection, failure, timed, isNumbered) = (false, nil, nil, true)
  }

  mutating func append(
    _ frame: ExportFrame, _ input: ExportInput, _ classes: ExportClasses, to bytes: inout [UInt8]
  ) {
    guard let found = frame.detections, let size = frame.size else {
      failure = failure ?? frame.failure
      return
    }
    // Bounded: the reader takes times below 10^12 seconds.
    let number = frame.record.frame ?? Int(((frame.record.time ?? 0) * 1000).rounded())
    if frame.record.frame == nil { isNumbered = false }
    if let time = frame.record.time {
      timed = (timed?.first ?? (number, time), (number, time))
    }
    if frames.isEmpty { ExportText.append(",\"detections\":[", to: &bytes) }
    frames.append(number)
    for detection in found {
      ExportText.append(
        hasDetection ? ",\n{\"category\":\"" : "\n{\"category\":\"", to: &bytes)
      hasDetection = true
      JSON.append(detection.classIndex + 1, to: &bytes)
      ExportText.append("\",\"conf\":", to: &bytes)
      JSON.append(detection.score, decimals: 4, to: &bytes)
      ExportText.append(",\"bbox\":[", to: &bytes)
      ExportText.appendShare(detection.x, of: size.width, to: &bytes)
      bytes.append(UInt8(ascii: ","))
      ExportText.appendShare(detection.y, of: size.height, to: &bytes)
      bytes.append(UInt8(ascii: ","))
      ExportText.appendShare(detection.width, of: size.width, to: &bytes)
      bytes.append(UInt8(ascii: ","))
      ExportText.appendShare(detection.height, of: size.height, to: &bytes)
      bytes.append(UInt8(ascii: "]"))
      if input.isVideo {
        ExportText.append(",\"frame_number\":", to: &bytes)
        JSON.append(number, to: &bytes)
      }
      bytes.append(UInt8(ascii: "}"))
    }
  }

  mutating func end(_ input: ExportInput, _ classes: ExportClasses, to bytes: inout [UInt8]) {
    if frames.isEmpty {
      ExportText.append(",\"detections\":null,\"failure\":", to: &bytes)
      JSON.append(failure ?? "nothing was looked at", to: &bytes)
    } else {
      bytes.append(UInt8(ascii: "]"))
      if let failure {
        ExportText.append(",\"incomplete\":", to: &bytes)
        JSON.append(failure, to: &bytes)
      }
    }
    if input.isVideo {
      ExportText.append(",\"frame_rate\":", to: &bytes)
      if frames.isEmpty {
        ExportText.append("-1", to: &bytes)
      } else {
        JSON.append(frameRate, decimals: 3, to: &bytes)
      }
      ExportText.append(",\"frames_processed\":[", to: &bytes)
      for (ordinal, frame) in frames.enumerated() {
        if ordinal > 0 { bytes.append(UInt8(ascii: ",")) }
        JSON.append(frame, to: &bytes)
      }
      bytes.append(UInt8(ascii: "]"))
    }
    bytes.append(UInt8(ascii: "}"))
  }

  /// Frames a second; 1 where nothing tells.
  private var frameRate: Double {
    guard isNumbered else { return 1000 }
    guard let timed else { return 1 }
    let (first, last) = timed
    if last.time > first.time, last.frame > first.frame {
      return min(Double(last.frame - first.frame) / (last.time - first.time), 1e6)
    }
    return last.time > 0 && last.frame > 0 ? min(Double(last.frame) / last.time, 1e6) : 1
  }

  mutating func end(pass: Int, _ classes: ExportClasses, to bytes: inout [UInt8]) {
    ExportText.append("\n],\n\"detection_categories\":{", to: &bytes)
    for (number, name) in classes.names.enumerated() {
      ExportText.append(number == 0 ? "\"" : ",\"", to: &bytes)
      JSON.append(number + 1, to: &bytes)
      ExportText.append("\":", to: &bytes)
      // A blank name is not allowed.
      JSON.append(name.allSatisfy(\.isWhitespace) ? "unnamed" : name, to: &bytes)
    }
    ExportText.append(
      "},\n\"info\":{\"format_version\":\"1.6\",\"detector\":\"detect-batch\"", to: &bytes)
    if let summaryReport {
      ExportText.append(",\"summary_report\":", to: &bytes)
      JSON.append(summaryReport, to: &bytes)
    }
    ExportText.append("}}\n", to: &bytes)
  }
}

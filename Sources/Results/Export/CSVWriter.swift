import DetectionRecords
import JSONText

/// A table (RFC 4180, UTF-8, LF): one row a detection; one with an empty label for a frame in which nothing was found;
/// one with `failure` for a frame, or the rest of an input, that was not looked at.
///
/// Rows are in the order of the records. `x`, `y`, `box_width` and `box_height` are pixels of the upright picture.
/// Numbers have the records' decimals: time 6, score 4, box 2. Empty is null.
struct CSVWriter: ExportWriter {
  private var source: [UInt8] = []
  private var labels: [[UInt8]] = []
  private var row: [UInt8] = []

  mutating func begin(pass: Int, _ classes: ExportClasses, to bytes: inout [UInt8]) {
    ExportText.append(
      "source,frame,time,width,height,label,score,x,y,box_width,box_height,corrupt,failure\n",
      to: &bytes)
  }

  mutating func begin(_ input: ExportInput, to bytes: inout [UInt8]) {
    source = ExportText.csvField(input.name)
  }

  mutating func append(
    _ frame: ExportFrame, _ input: ExportInput, _ classes: ExportClasses, to bytes: inout [UInt8]
  ) {
    let record = frame.record
    row.removeAll(keepingCapacity: true)
    row.append(contentsOf: source)
    row.append(comma)
    if let number = record.frame { JSON.append(number, to: &row) }
    row.append(comma)
    if let time = record.time { JSON.append(time, decimals: 6, to: &row) }
    row.append(comma)
    if let width = record.width { JSON.append(width, to: &row) }
    row.append(comma)
    if let height = record.height { JSON.append(height, to: &row) }
    row.append(comma)
    guard let found = frame.detections, !found.isEmpty else {
      bytes.append(contentsOf: row)
      ExportText.append(",,,,,", to: &bytes)
      end(record, frame.failure, &bytes)
      return
    }
    while labels.count < classes.names.count {
      labels.append(ExportText.csvField(classes.names[labels.count]))
    }
    for detection in found {
      bytes.append(contentsOf: row)
      bytes.append(contentsOf: labels[detection.classIndex])
      bytes.append(comma)
      JSON.append(detection.score, decimals: 4, to: &bytes)
      bytes.append(comma)
      JSON.append(detection.x, decimals: 2, to: &bytes)
      bytes.append(comma)
      JSON.append(detection.y, decimals: 2, to: &bytes)
      bytes.append(comma)
      JSON.append(detection.width, decimals: 2, to: &bytes)
      bytes.append(comma)
      JSON.append(detection.height, decimals: 2, to: &bytes)
      end(record, nil, &bytes)
    }
  }

  private let comma = UInt8(ascii: ",")

  private func end(_ record: FrameRecord, _ failure: String?, _ bytes: inout [UInt8]) {
    if record.isCorrupt {
      ExportText.append(",true,", to: &bytes)
    } else {
      ExportText.append(",,", to: &bytes)
    }
    if let failure { bytes.append(contentsOf: ExportText.csvField(failure)) }
    bytes.append(0x0a)
  }
}

import DetectionRecords
import JSONText

/// The records of all inputs as pages load them: in blocks of some hundred kilobytes, of one long input or of many short
/// ones, so that neither a file is large nor are there many.
///
/// A block is an object of lists of records by the input's number. A record is a list as `Page/player.js` describes it.
/// Detections below the floor are left out; frames without any in a row are one record.
struct RecordBlocks {
  /// Where an input's records begin, or go on.
  struct Part {
    var block: Int
    var time: Double?
    var frame: Int?
  }

  /// A block ends after so many bytes.
  static let blockSize = 256 << 10

  private let floor: Double
  private let write: (_ name: String, _ json: [UInt8]) throws -> Void
  private var block = 0
  private var bytes: [UInt8] = []
  /// The input at hand, if it has a list in this block.
  private var input: Int?
  /// Frames without detections that are still to be written as one record.
  private var empty: (first: FrameRecord, count: Int)?
  /// Where the input at hand has records.
  private(set) var parts: [Part] = []

  /// Blocks for detections from a score on; `write` takes each block that is full.
  init(
    floor: Double, write: @escaping (_ name: String, _ json: [UInt8]) throws -> Void
  ) {
    self.floor = floor
    self.write = write
  }

  /// Begins another input.
  mutating func begin() { parts = [] }

  /// Adds a record of the input at hand.
  ///
  /// - Parameters:
  ///   - record: the record; the line that ends a failed input too.
  ///   - input: the input's number.
  ///   - size: of the input's first frame; another one is written.
  /// - Throws: what writing a block throws.
  mutating func add(
    _ record: FrameRecord, input: Int, size: (width: Int, height: Int)
  ) throws {
    let isOfSize =
      record.isInputFailure || (record.width == size.width && record.height == size.height)
    if case .detections(let found) = record.outcome, isOfSize,
      !found.contains(where: { $0.score >= floor })
    {
      if empty != nil { empty?.count += 1 } else { empty = (record, 1) }
      return
    }
    try flushEmpty(input)
    try open(record, input)
    appendStart(record)
    switch record.outcome {
    case .failure(let reason): JSON.append(reason, to: &bytes)
    case .detections(let found): append(found)
    }
    if !isOfSize {
      bytes.append(contentsOf: ",[\(record.width ?? 0),\(record.height ?? 0)]".utf8)
    }
    bytes.append(UInt8(ascii: "]"))
  }

  /// Ends the input at hand.
  mutating func end(input: Int) throws {
    try flushEmpty(input)
    if self.input != nil { bytes.append(UInt8(ascii: "]")) }
    self.input = nil
  }

  /// Writes the last block.
  mutating func finish() throws { try endBlock() }

  private mutating func flushEmpty(_ input: Int) throws {
    guard let (record, count) = empty else { return }
    empty = nil
    try open(record, input)
    appendStart(record)
    JSON.append(count, to: &bytes)
    bytes.append(UInt8(ascii: "]"))
  }

  /// Makes place for a record.
  private mutating func open(_ record: FrameRecord, _ input: Int) throws {
    if bytes.count >= Self.blockSize { try endBlock() }
    if self.input == input {
      bytes.append(UInt8(ascii: ","))
      return
    }
    bytes.append(UInt8(ascii: bytes.isEmpty ? "{" : ","))
    bytes.append(contentsOf: "\"\(input)\":[".utf8)
    self.input = input
    parts.append(Part(block: block, time: record.time, frame: record.frame))
  }

  private mutating func endBlock() throws {
    guard !bytes.isEmpty else { return }
    bytes.append(contentsOf: (input == nil ? "}" : "]}").utf8)
    try write("records-\(block)", bytes)
    bytes.removeAll(keepingCapacity: true)
    block += 1
    input = nil
  }

  private mutating func appendStart(_ record: FrameRecord) {
    bytes.append(UInt8(ascii: "["))
    JSON.append(record.frame, to: &bytes)
    bytes.append(UInt8(ascii: ","))
    if let time = record.time {
      JSON.append(time, decimals: 4, to: &bytes)
    } else {
      bytes.append(contentsOf: "null".utf8)
    }
    bytes.append(UInt8(ascii: ","))
  }

  private mutating func append(_ detections: [RecordedDetection]) {
    bytes.append(UInt8(ascii: "["))
    var isFirst = true
    for detection in detections where detection.score >= floor {
      if !isFirst { bytes.append(UInt8(ascii: ",")) }
      isFirst = false
      JSON.append(ReportClasses.place(of: detection.classIndex), to: &bytes)
      bytes.append(UInt8(ascii: ","))
      JSON.append(detection.score, decimals: 4, to: &bytes)
      for number in [detection.x, detection.y, detection.width, detection.height] {
        bytes.append(UInt8(ascii: ","))
        JSON.append(number, decimals: 1, to: &bytes)
      }
    }
    bytes.append(UInt8(ascii: "]"))
  }
}

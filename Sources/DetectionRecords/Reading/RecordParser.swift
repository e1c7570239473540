import FoundationEssentials

/// Makes records of lines: the other side of `RecordEncoder`.
///
/// Keys may come in any order and with any white space; unknown ones are passed over, for fields are only ever added. Of
/// two equal keys the last counts.
struct RecordParser {
  /// The labels so far.
  private(set) var labels = LabelIndex()
  /// The value of `source` in the last line, between its quotes, and what it names: mostly the next has the same.
  private var lastSource: (bytes: [UInt8], name: SourceName)?

  /// Reads a line.
  ///
  /// - Parameter line: The bytes of the line; its LF may be among them.
  /// - Returns: The input's name, and what is said of the frame.
  /// - Throws: What is wrong with the line.
  mutating func record(
    _ line: UnsafeRawBufferPointer
  ) throws(JSONFault) -> (source: SourceName, record: FrameRecord) {
    var cursor = JSONCursor(line)
    var source: SourceName?
    var sourceBytes: SourceName?
    var record = FrameRecord(frame: nil, time: nil, outcome: .detections([]))
    var detections: [RecordedDetection]?
    var hasDetections = false
    var failure: String?
    try cursor.members { (cursor, key) throws(JSONFault) in
      // In the order in which they come.
      if key.equals("source") {
        source = try self.source(&cursor)
      } else if key.equals("frame") {
        record.frame = try Self.integer(&cursor, "frame", 0...Self.frameLimit)
      } else if key.equals("time") {
        record.time = try Self.time(&cursor)
      } else if key.equals("width") {
        record.width = try Self.integer(&cursor, "width", 1...Self.sideLimit)
      } else if key.equals("height") {
        record.height = try Self.integer(&cursor, "height", 1...Self.sideLimit)
      } else if key.equals("detections") {
        hasDetections = true
        detections = try self.detections(&cursor)
      } else if key.equals("corrupt") {
        record.isCorrupt = try cursor.bool()
      } else if key.equals("same") {
        record.same = try Self.integer(&cursor, "same", 0...Self.frameLimit)
      } else if key.equals("failure") {
        failure = try Self.text(&cursor, "failure")
      } else if key.equals("sourceBytes") {
        sourceBytes = try Self.sourceBytes(&cursor)
      } else {
        try cursor.skipValue()
      }
    }
    guard cursor.isAtEnd() else { throw cursor.fault("there is more after the record") }
    guard let source = sourceBytes ?? source else {
      throw cursor.fault("there is no \"source\": this is no record")
    }
    guard hasDetections else {
      throw cursor.fault("there are no \"detections\": this is no record")
    }
    record.outcome =
      detections.map(FrameRecord.Outcome.detections) ?? .failure(failure ?? "no reason is given")
    return (source, record)
  }

  /// Frames that a number may count: what a double holds exactly, for half of the readers of JSON have only those.
  private static let frameLimit = 1 << 53
  /// Pixels that a side may have.
  private static let sideLimit = Int(Int32.max)
  /// Where a box may reach, in pixels.
  private static let boxLimit = 1e10
  /// Seconds that a time may be.
  private static let timeLimit = 1e12

  private mutating func source(_ cursor: inout JSONCursor) throws(JSONFault) -> SourceName {
    let text = try cursor.string()
    if let lastSource, lastSource.bytes.count == text.bytes.count,
      text.bytes.hasPrefix(lastSource.bytes)
    {
      return lastSource.name
    }
    guard let decoded = text.decoded else { throw cursor.fault("\"source\" is not UTF-8 text") }
    let name = try Self.name(Array(decoded.utf8), cursor)
    lastSource = (Array(text.bytes), name)
    return name
  }

  private static func sourceBytes(_ cursor: inout JSONCursor) throws(JSONFault) -> SourceName {
    guard let bytes = try Data(base64Encoded: text(&cursor, "sourceBytes")) else {
      throw cursor.fault("\"sourceBytes\" is not base64")
    }
    return try name(Array(bytes), cursor)
  }

  private static func name(
    _ bytes: [UInt8], _ cursor: borrowing JSONCursor
  ) throws(JSONFault) -> SourceName {
    do throws(RecordsError) {
      return try SourceName(bytes: bytes)
    } catch {
      throw cursor.fault("\"source\": \(error)")
    }
  }

  private static func text(_ cursor: inout JSONCursor, _ key: String) throws(JSONFault) -> String {
    guard let text = try cursor.string().decoded else {
      throw cursor.fault("\"\(key)\" is not UTF-8 text")
    }
    return text
  }

  @inline(__always)
  private static func integer(
    _ cursor: inout JSONCursor, _ key: StaticString, _ range: ClosedRange<Int>
  ) throws(JSONFault) -> Int? {
    if cursor.takeNull() { return nil }
    let value = try cursor.integer()
    guard range.contains(value) else {
      throw cursor.fault(
        "\"\(key)\" is \(value), and not \(range.lowerBound) to \(range.upperBound)")
    }
    return value
  }

  @inline(__always)
  private static func time(_ cursor: inout JSONCursor) throws(JSONFault) -> Double? {
    if cursor.takeNull() { return nil }
    let value = try cursor.double()
    guard value.magnitude < timeLimit else { throw cursor.fault("\"time\" is \(value) seconds") }
    return value
  }

  @inline(__always)
  private mutating func detections(
    _ cursor: inout JSONCursor
  ) throws(JSONFault) -> [RecordedDetection]? {
    if cursor.takeNull() { return nil }
    var found: [RecordedDetection] = []
    try cursor.elements { (cursor) throws(JSONFault) in
      found.append(try self.detection(&cursor))
    }
    return found
  }

  @inline(__always)
  private mutating func detection(
    _ cursor: inout JSONCursor
  ) throws(JSONFault) -> RecordedDetection {
    var label: Int?
    var score: Double?
    var box: (Double, Double, Double, Double)?
    try cursor.members { (cursor, key) throws(JSONFault) in
      if key.equals("label") {
        label = try labels.number(of: cursor.string(), cursor)
      } else if key.equals("score") {
        let value = try cursor.double()
        guard value >= 0, value <= 1 else { throw cursor.fault("\"score\" is not 0 to 1") }
        score = value
      } else if key.equals("box") {
        box = try Self.box(&cursor)
      } else {
        try cursor.skipValue()
      }
    }
    guard let label, let score, let box else {
      throw cursor.fault("a detection must have \"label\", \"score\" and \"box\"")
    }
    return RecordedDetection(
      classIndex: label, score: score, x: box.0, y: box.1, width: box.2, height: box.3)
  }

  /// Takes [x, y, width, height].
  @inline(__always)
  private static func box(
    _ cursor: inout JSONCursor
  ) throws(JSONFault) -> (Double, Double, Double, Double) {
    try cursor.require("[")
    let x = try cursor.double()
    try cursor.require(",")
    let y = try cursor.double()
    try cursor.require(",")
    let width = try cursor.double()
    try cursor.require(",")
    let height = try cursor.double()
    try cursor.require("]")
    guard x.magnitude <= boxLimit, y.magnitude <= boxLimit, (0...boxLimit).contains(width),
      (0...boxLimit).contains(height)
    else { throw cursor.fault("\"box\" is not [x, y, width, height] in pixels") }
    return (x, y, width, height)
  }
}

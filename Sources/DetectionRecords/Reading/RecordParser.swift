import Files
import FoundationEssentials
import JSONText

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
  ) throws(JSONError) -> (source: SourceName, record: FrameRecord) {
    if let lastSource, var encoded = EncodedLine(line),
      let record = encoded.record(source: lastSource.bytes, labels)
    {
      return (lastSource.name, record)
    }
    var cursor = JSONScanner(line)
    var source: SourceName?
    var sourceBytes: SourceName?
    var record = FrameRecord(frame: nil, time: nil, outcome: .detections([]))
    var detections: [RecordedDetection]?
    var hasDetections = false
    var failure: String?
    try cursor.beginObject()
    while let key = try cursor.nextKey() {
      // In the order in which they come.
      if key == "source" {
        source = try self.source(&cursor)
      } else if key == "frame" {
        record.frame = try Self.integer(&cursor, "frame", 0...Self.frameLimit)
      } else if key == "time" {
        record.time = try Self.time(&cursor)
      } else if key == "width" {
        record.width = try Self.integer(&cursor, "width", 1...Self.sideLimit)
      } else if key == "height" {
        record.height = try Self.integer(&cursor, "height", 1...Self.sideLimit)
      } else if key == "detections" {
        hasDetections = true
        detections = try self.detections(&cursor)
      } else if key == "corrupt" {
        record.isCorrupt = try cursor.readBool()
      } else if key == "same" {
        record.same =
          try Self.integer(&cursor, "same", 0...Self.frameLimit).map { .frame($0) } ?? .uncounted
      } else if key == "failure" {
        failure = try Self.text(&cursor)
      } else if key == "sourceBytes" {
        sourceBytes = try Self.sourceBytes(&cursor)
      } else {
        try cursor.skipValue()
      }
    }
    try cursor.readEnd()
    guard let source = sourceBytes ?? source else {
      throw cursor.error("there is no \"source\": this is no record")
    }
    guard hasDetections else {
      throw cursor.error("there are no \"detections\": this is no record")
    }
    record.outcome =
      detections.map(FrameRecord.Outcome.detections) ?? .failure(failure ?? "no reason is given")
    return (source, record)
  }

  /// Frames that a number may count: what a double holds exactly, for half of the readers of JSON have only those.
  private static let frameLimit = 1 << 53
  /// Pixels that a side may have.
  static let sideLimit = Int(Int32.max)
  /// Where a box may reach, in pixels.
  static let boxLimit = 1e10
  /// Seconds that a time may be.
  static let timeLimit = 1e12

  private mutating func source(_ cursor: inout JSONScanner) throws(JSONError) -> SourceName {
    let text = try cursor.readString()
    if let lastSource, lastSource.bytes.count == text.bytes.count,
      text.bytes.hasPrefix(lastSource.bytes)
    {
      return lastSource.name
    }
    let name = try Self.name(Array(text.text.utf8), cursor)
    lastSource = (Array(text.bytes), name)
    return name
  }

  private static func sourceBytes(_ cursor: inout JSONScanner) throws(JSONError) -> SourceName {
    guard let bytes = try Data(base64Encoded: text(&cursor)) else {
      throw cursor.error("\"sourceBytes\" is not base64")
    }
    return try name(Array(bytes), cursor)
  }

  private static func name(
    _ bytes: [UInt8], _ cursor: borrowing JSONScanner
  ) throws(JSONError) -> SourceName {
    do throws(SourceNameError) {
      return try SourceName(bytes: bytes)
    } catch {
      throw cursor.error("\"source\": \(error)")
    }
  }

  private static func text(_ cursor: inout JSONScanner) throws(JSONError) -> String {
    try cursor.readString().text
  }

  @inline(__always)
  private static func integer(
    _ cursor: inout JSONScanner, _ key: StaticString, _ range: ClosedRange<Int>
  ) throws(JSONError) -> Int? {
    if try cursor.takeNull() { return nil }
    let value = try cursor.readInteger()
    guard range.contains(value) else {
      throw cursor.error(
        "\"\(key)\" is \(value), and not \(range.lowerBound) to \(range.upperBound)")
    }
    return value
  }

  @inline(__always)
  private static func time(_ cursor: inout JSONScanner) throws(JSONError) -> Double? {
    if try cursor.takeNull() { return nil }
    let value = try cursor.readNumber().double
    guard value.magnitude < timeLimit else { throw cursor.error("\"time\" is \(value) seconds") }
    return value
  }

  @inline(__always)
  private mutating func detections(
    _ cursor: inout JSONScanner
  ) throws(JSONError) -> [RecordedDetection]? {
    if try cursor.takeNull() { return nil }
    var found: [RecordedDetection] = []
    try cursor.beginArray()
    while try cursor.nextElement() { found.append(try detection(&cursor)) }
    return found
  }

  @inline(__always)
  private mutating func detection(
    _ cursor: inout JSONScanner
  ) throws(JSONError) -> RecordedDetection {
    var label: Int?
    var score: Double?
    var box: (Double, Double, Double, Double)?
    try cursor.beginObject()
    while let key = try cursor.nextKey() {
      if key == "label" {
        label = try labels.number(of: cursor.readString(), cursor)
      } else if key == "score" {
        let value = try cursor.readNumber().double
        guard value >= 0, value <= 1 else { throw cursor.error("\"score\" is not 0 to 1") }
        score = value
      } else if key == "box" {
        box = try Self.box(&cursor)
      } else {
        try cursor.skipValue()
      }
    }
    guard let label, let score, let box else {
      throw cursor.error("a detection must have \"label\", \"score\" and \"box\"")
    }
    return RecordedDetection(
      classIndex: label, score: score, x: box.0, y: box.1, width: box.2, height: box.3)
  }

  /// Takes [x, y, width, height].
  @inline(__always)
  private static func box(
    _ cursor: inout JSONScanner
  ) throws(JSONError) -> (Double, Double, Double, Double) {
    func next() throws(JSONError) -> Double {
      guard try cursor.nextElement() else { throw cursor.error("\"box\" has too few numbers") }
      return try cursor.readNumber().double
    }
    try cursor.beginArray()
    let (x, y, width, height) = (try next(), try next(), try next(), try next())
    if try cursor.nextElement() { throw cursor.error("\"box\" has too many numbers") }
    guard x.magnitude <= boxLimit, y.magnitude <= boxLimit, (0...boxLimit).contains(width),
      (0...boxLimit).contains(height)
    else { throw cursor.error("\"box\" is not [x, y, width, height] in pixels") }
    return (x, y, width, height)
  }
}

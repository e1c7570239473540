import Foundation
import Testing

/// One line of records, read by a reader that takes the documented form and nothing else: keys in their order,
/// numbers with their decimals, no blank, no further key.
struct StrictRecord: Equatable {
  struct Found: Equatable {
    var label: String
    var score: Double
    var box: [Double]
  }

  var source: [UInt8]
  var frame: Int?
  var time: Double?
  var width: Int?
  var height: Int?
  var isCorrupt = false
  var same: Int?
  /// nil where nobody looked; then `failure` says why.
  var detections: [Found]?
  var failure: String?

  /// All lines of a file of records.
  static func all(_ bytes: [UInt8]) throws -> [StrictRecord] {
    guard !bytes.isEmpty else { return [] }
    guard bytes.last == UInt8(ascii: "\n") else {
      throw NoRecord("the last line has no end", bytes)
    }
    return try bytes.dropLast().split(
      separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false
    )
    .map { try StrictRecord(line: Array($0)) }
  }

  init(line: [UInt8]) throws {
    var reader = LineReader(line)
    try reader.expect("{\"source\":")
    let name = try reader.string()
    source = Array(name.utf8)
    if reader.take(",\"sourceBytes\":") {
      let text = try reader.string()
      guard let data = Data(base64Encoded: text) else {
        throw NoRecord("not base64: \(text)", line)
      }
      source = Array(data)
      guard String(validating: source, as: UTF8.self) == nil,
        String(decoding: source, as: UTF8.self) == name
      else { throw NoRecord("sourceBytes without need, or of another name", line) }
    }
    try reader.expect(",\"frame\":")
    frame = try reader.optional { try $0.whole() }
    try reader.expect(",\"time\":")
    time = try reader.optional { try $0.fixed(6) }
    try reader.expect(",\"width\":")
    width = try reader.optional { try $0.whole() }
    try reader.expect(",\"height\":")
    height = try reader.optional { try $0.whole() }
    isCorrupt = reader.take(",\"corrupt\":true")
    if reader.take(",\"same\":") { same = try reader.whole() }
    try reader.expect(",\"detections\":")
    detections = try reader.optional { try $0.detections() }
    if detections == nil {
      try reader.expect(",\"failure\":")
      failure = try reader.string()
    }
    try reader.expect("}")
    guard reader.isAtEnd else { throw NoRecord("more after the record", line) }
    for found in detections ?? [] {
      #expect(found.box[0] >= 0 && found.box[0] + found.box[2] <= Double(width ?? 0) + 0.01)
      #expect(found.box[1] >= 0 && found.box[1] + found.box[3] <= Double(height ?? 0) + 0.01)
      #expect((0...1).contains(found.score))
    }
    let scores = (detections ?? []).map(\.score)
    #expect(scores == scores.sorted(by: >))
  }
}

struct NoRecord: Error, CustomStringConvertible {
  let description: String

  init(_ problem: String, _ bytes: some Sequence<UInt8>) {
    description = "\(problem) in: \(String(decoding: Array(bytes.prefix(400)), as: UTF8.self))"
  }
}

private struct LineReader {
  private let line: [UInt8]
  private var place = 0

  init(_ line: [UInt8]) { self.line = line }

  var isAtEnd: Bool { place == line.count }

  mutating func take(_ text: String) -> Bool {
    guard line[place...].starts(with: text.utf8) else { return false }
    place += text.utf8.count
    return true
  }

  mutating func expect(_ text: String) throws {
    guard take(text) else { throw NoRecord("no \(text) at byte \(place)", line) }
  }

  mutating func optional<Value>(_ read: (inout LineReader) throws -> Value) throws -> Value? {
    take("null") ? nil : try read(&self)
  }

  mutating func string() throws -> String {
    let start = place
    try expect("\"")
    while place < line.count, line[place] != UInt8(ascii: "\"") {
      guard line[place] >= 0x20 else { throw NoRecord("a control character in a text", line) }
      place += line[place] == UInt8(ascii: "\\") ? 2 : 1
    }
    try expect("\"")
    // Escapes are left to Foundation.
    return try JSONDecoder().decode(String.self, from: Data(line[start..<place]))
  }

  mutating func whole() throws -> Int {
    let digits = self.digits()
    guard let number = Int(digits), "\(number)" == digits else {
      throw NoRecord("no whole number at byte \(place)", line)
    }
    return number
  }

  mutating func fixed(_ decimals: Int) throws -> Double {
    let sign = take("-") ? -1.0 : 1.0
    let whole = try self.whole()
    try expect(".")
    let part = digits()
    guard part.count == decimals, let number = Double("\(whole).\(part)") else {
      throw NoRecord("not \(decimals) decimals before byte \(place)", line)
    }
    return sign * number
  }

  mutating func detections() throws -> [StrictRecord.Found] {
    try list {
      try $0.expect("{\"label\":")
      let label = try $0.string()
      try $0.expect(",\"score\":")
      let score = try $0.fixed(4)
      try $0.expect(",\"box\":")
      let box = try $0.list { try $0.fixed(2) }
      guard box.count == 4 else { throw NoRecord("a box of \(box.count) numbers", $0.line) }
      try $0.expect("}")
      return StrictRecord.Found(label: label, score: score, box: box)
    }
  }

  private mutating func list<Element>(
    _ read: (inout LineReader) throws -> Element
  ) throws -> [Element] {
    try expect("[")
    if take("]") { return [] }
    var elements: [Element] = []
    repeat { elements.append(try read(&self)) } while take(",")
    try expect("]")
    return elements
  }

  private mutating func digits() -> String {
    let digits = line[place...].prefix { (0x30...0x39).contains($0) }
    place += digits.count
    return String(decoding: digits, as: UTF8.self)
  }
}

import Files
import SystemPackage

@testable import DetectionRecords
@testable import JSONText

enum FuzzRecords {
  /// What is passed over as a value can be read as one, and what is read can be written and read again.
  static func json(_ bytes: UnsafeRawBufferPointer) {
    var scanner = JSONScanner(bytes)
    let isValid = (try? scanner.skipValue()) != nil && (try? scanner.readEnd()) != nil
    var reader = JSONScanner(bytes)
    guard let value = try? value(&reader), (try? reader.readEnd()) != nil else {
      return precondition(!isValid, "read one way and not the other")
    }
    precondition(isValid, "read one way and not the other")
    let text = value.compact
    var copy = text
    copy.withUTF8 { written in
      var again = JSONScanner(UnsafeRawBufferPointer(written))
      guard let second = try? Self.value(&again), (try? again.readEnd()) != nil else {
        preconditionFailure("what was written cannot be read: \(text)")
      }
      precondition(second.compact == text, "\(text) came back as \(second.compact)")
    }
  }

  private static func value(_ scanner: inout JSONScanner) throws(JSONError) -> JSONValue {
    switch try scanner.readToken() {
    case .string(let string): return .string(string.text)
    case .number(.integer(let number)): return .int(Int(number))
    case .number(.double(let number)): return .double(number)
    case .bool(let truth): return .bool(truth)
    case .null: return .null
    case .object:
      var members: [(String, JSONValue)] = []
      try scanner.beginObject()
      while let key = try scanner.nextKey()?.text { members.append((key, try value(&scanner))) }
      return .object(members)
    case .array:
      var elements: [JSONValue] = []
      try scanner.beginArray()
      while try scanner.nextElement() { elements.append(try value(&scanner)) }
      return .array(elements)
    }
  }

  /// Lines of records: the short way of a line that is written as ours are gives what the long way gives.
  static func records(_ bytes: UnsafeRawBufferPointer) {
    var parser = RecordParser()
    var start = 0
    while start < bytes.count {
      let end = bytes[start...].firstIndex(of: 0x0a) ?? bytes.count
      let line = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
      start = end + 1
      var fresh = RecordParser()
      let one = try? parser.record(line)
      let other = try? fresh.record(line)
      precondition((one == nil) == (other == nil), "taken one way and not the other")
      guard let one, let other else { continue }
      precondition(one.source == other.source)
      precondition(
        named(one.record, parser.labels.labels) == named(other.record, fresh.labels.labels))
    }
  }

  /// A record with its labels in place of their numbers, as text; NaN cannot be in it.
  private static func named(_ record: FrameRecord, _ labels: [String]) -> String {
    guard case .detections(let detections) = record.outcome else { return "\(record)" }
    var rest = record
    rest.outcome = .detections([])
    return "\(rest)"
      + detections.map {
        "\(labels[$0.classIndex]) \($0.score) \($0.x) \($0.y) \($0.width) \($0.height)"
      }.joined(separator: ",")
  }

  /// Lines of a manifest: an entry that is read can be written, and is read as it was.
  static func manifest(_ bytes: UnsafeRawBufferPointer) {
    guard let entry = ManifestEntry(line: bytes) else { return }
    let written = entry.line
    guard let again = written.withUnsafeBytes({ ManifestEntry(line: $0) }) else {
      preconditionFailure("what was written cannot be read")
    }
    precondition(again.line == written, "an entry came back as another")
  }

  static func inHand(_ bytes: UnsafeRawBufferPointer) {
    FuzzFolder.makeFolder("output")
    FuzzFolder.makeFolder("output/.detect-batch")
    let output = OutputDirectory(FuzzFolder.path.appending("output"))
    _ = FuzzFolder.write(bytes, to: "output/.detect-batch/in-hand.log")
    guard let inHand = try? InputsInHand(output, RunPartition()) else { return }
    try? inHand.close()
  }
}

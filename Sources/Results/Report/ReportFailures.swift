import DetectionRecords
import JSONText

/// Where nobody looked, and why: a list in pages, and the reasons with how often they come.
struct ReportFailures {
  /// Rows of a page.
  static let pageSize = 200
  /// Rows of all pages: whoever has more has them in the records.
  static let limit = 100_000
  /// Reasons that are told apart.
  static let reasonLimit = 200
  /// Letters of a reason; damaged files make long ones.
  static let reasonLength = 400

  /// How many there were.
  private(set) var total = 0
  /// Pages begun.
  private(set) var pages = 0
  private var reasons: [String: Int] = [:]
  private var otherReasons = 0
  private var rows: [JSONValue] = []
  private let write: (_ name: String, _ value: JSONValue) throws -> Void

  init(write: @escaping (_ name: String, _ value: JSONValue) throws -> Void) { self.write = write }

  /// How many are on no page.
  var leftOut: Int { max(0, total - Self.limit) }

  /// Takes one.
  mutating func add(_ reason: String, _ record: FrameRecord, of input: InputTally) throws {
    total += 1
    let reason = reason.count > Self.reasonLength ? reason.prefix(Self.reasonLength) + "…" : reason
    if reasons[reason] != nil || reasons.count < Self.reasonLimit {
      reasons[reason, default: 0] += 1
    } else {
      otherReasons += 1
    }
    guard total <= Self.limit else { return }
    rows.append(
      .array([
        .int(input.number), .string(input.source.text),
        record.frame.map(JSONValue.int) ?? .null, record.time.map(JSONValue.double) ?? .null,
        .string(reason),
      ]))
    if rows.count == Self.pageSize { try finish() }
  }

  /// Writes the page at hand.
  mutating func finish() throws {
    guard !rows.isEmpty else { return }
    try write("failures-\(pages)", .array(rows))
    pages += 1
    rows = []
  }

  /// Reasons by falling count: lists of the reason and the count.
  var json: JSONValue {
    var counted = reasons.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map {
      ($0.key, $0.value)
    }
    if otherReasons > 0 { counted.append(("(all other reasons)", otherReasons)) }
    return .array(counted.map { .array([.string($0.0), .int($0.1)]) })
  }
}

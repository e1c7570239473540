/// A JSON value to be written; keys stay in the order in which they were given.
public indirect enum JSONValue: Sendable {
  case null
  case bool(Bool)
  case int(Int)
  /// Finite; printed with as many digits as tell it from its neighbours.
  case double(Double)
  case string(String)
  case array([JSONValue])
  case object([(key: String, value: JSONValue)])
  /// JSON already.
  case raw(String)

  /// The value without blanks or line breaks.
  public var compact: String {
    switch self {
    case .null: "null"
    case .bool(let value): value ? "true" : "false"
    case .int(let value): "\(value)"
    case .double(let value): value.isFinite ? "\(value)" : "null"
    case .string(let value): JSON.quoted(value)
    case .array(let values): "[" + values.map(\.compact).joined(separator: ",") + "]"
    case .object(let members):
      "{" + members.map { JSON.quoted($0) + ":" + $1.compact }.joined(separator: ",") + "}"
    case .raw(let text): text
    }
  }
}

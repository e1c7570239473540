/// JSON for log lines and for `inspect --json`: keys stay in the order in which they were given.
indirect enum JSONText {
  case null
  case bool(Bool)
  case int(Int)
  /// Finite; printed with as many digits as tell it from its neighbours.
  case double(Double)
  case string(String)
  case array([JSONText])
  case object([(key: String, value: JSONText)])
  /// JSON already.
  case raw(String)

  /// The value without blanks or line breaks.
  var compact: String {
    switch self {
    case .null: "null"
    case .bool(let value): value ? "true" : "false"
    case .int(let value): "\(value)"
    case .double(let value): value.isFinite ? "\(value)" : "null"
    case .string(let value): Self.quoted(value)
    case .array(let values): "[" + values.map(\.compact).joined(separator: ",") + "]"
    case .object(let members):
      "{" + members.map { Self.quoted($0) + ":" + $1.compact }.joined(separator: ",") + "}"
    case .raw(let text): text
    }
  }

  static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      case _ where scalar.value < 0x20:
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}

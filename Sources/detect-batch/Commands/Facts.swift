import JSONText

/// Named facts in their order, for people and for machines.
struct Facts {
  private var members: [(key: String, value: JSONValue)] = []
  private var rows: [(name: String, text: String)] = []

  /// Adds a fact.
  ///
  /// - Parameters:
  ///   - key: its name for machines.
  ///   - name: its name for people.
  ///   - value: its value.
  ///   - text: its value for people; nil: as for machines, without quotes.
  mutating func add(_ key: String, _ name: String, _ value: JSONValue, text: String? = nil) {
    addForMachines(key, value)
    addForPeople(name, text ?? value.plain)
  }

  mutating func addForMachines(_ key: String, _ value: JSONValue) { members.append((key, value)) }

  mutating func addForPeople(_ name: String, _ text: String) { rows.append((name, text)) }

  /// One JSON object.
  var json: String { JSONValue.object(members).compact }

  /// One line a fact, values below each other.
  var lines: String {
    let width = rows.map(\.name.count).max() ?? 0
    return rows.map { name, text in
      name + String(repeating: " ", count: width - name.count + 2) + text
    }.joined(separator: "\n")
  }
}

extension JSONValue {
  /// The value for people.
  fileprivate var plain: String {
    switch self {
    case .null: "unknown"
    case .bool(let value): value ? "yes" : "no"
    case .string(let text): Console.visible(text)
    case .array(let values): values.map(\.plain).joined(separator: ", ")
    case .int, .double, .object, .raw: compact
    }
  }
}

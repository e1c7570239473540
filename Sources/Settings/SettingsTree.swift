import Yams

/// The keys of one map in a file of settings. Whoever reads a file asks for each key it knows, then `finish`
/// refuses the keys that nobody asked for: here, and in all maps that were opened below.
///
/// The getters return nil where the key is absent, and throw where its value is of another kind.
public final class SettingsTree {
  let file: String
  let keyPath: String
  /// Line on which the map begins, from 1.
  let line: Int?
  private let entries: [(key: String, line: Int?, node: Node)]
  private let positions: [String: Int]
  /// The keys that were asked for, in order, and as a set.
  private var asked: (order: [String], set: Set<String>) = ([], [])
  private var opened: [SettingsTree] = []

  init(_ mapping: Node.Mapping, file: String, keyPath: String) throws(SettingsError) {
    self.file = file
    self.keyPath = keyPath
    line = mapping.mark?.line
    var entries: [(key: String, line: Int?, node: Node)] = []
    for (key, value) in mapping {
      guard case .scalar(let scalar) = key else {
        throw SettingsError(
          file: file, line: key.mark?.line, keyPath: keyPath,
          problem: .syntax("a key has to be a word"))
      }
      entries.append((scalar.string, key.mark?.line, value))
    }
    self.entries = entries
    positions = Dictionary(
      entries.enumerated().map { ($1.key, $0) }, uniquingKeysWith: { first, _ in first })
  }

  /// The keys that are there, in the file's order.
  public var keys: [String] { entries.map(\.key) }

  /// The value of a key, of any kind.
  public func value(_ key: String) -> SettingsValue? {
    if asked.set.insert(key).inserted { asked.order.append(key) }
    guard let entry = positions[key].map({ entries[$0] }) else { return nil }
    return SettingsValue(node: entry.node, keyPath: path(of: key), line: entry.line, tree: self)
  }

  /// A text.
  public func string(_ key: String) throws(SettingsError) -> String? {
    try value(key)?.string()
  }

  /// A whole number in `range`.
  public func int(
    _ key: String, in range: ClosedRange<Int> = Int.min...Int.max
  ) throws(SettingsError) -> Int? {
    try value(key)?.int(in: range)
  }

  /// A finite number in `range`.
  public func double(
    _ key: String,
    in range: ClosedRange<Double> = -.greatestFiniteMagnitude...(.greatestFiniteMagnitude)
  ) throws(SettingsError) -> Double? {
    try value(key)?.double(in: range)
  }

  /// A finite number in `range`, rounded once from its digits to a Float.
  public func float(
    _ key: String,
    in range: ClosedRange<Float> = -.greatestFiniteMagnitude...(.greatestFiniteMagnitude)
  ) throws(SettingsError) -> Float? {
    try value(key)?.float(in: range)
  }

  /// true or false (yes, no, on and off are YAML's too).
  public func bool(_ key: String) throws(SettingsError) -> Bool? {
    try value(key)?.bool()
  }

  /// One of the words of an enumeration.
  public func choice<Choice: RawRepresentable & CaseIterable>(
    _ key: String, of type: Choice.Type
  ) throws(SettingsError) -> Choice? where Choice.RawValue == String {
    try value(key)?.choice(of: type)
  }

  /// A list of values of any kind.
  public func list(_ key: String) throws(SettingsError) -> [SettingsValue]? {
    try value(key)?.list()
  }

  /// A map of keys. Its unknown keys are found by this tree's `finish`.
  public func map(_ key: String) throws(SettingsError) -> SettingsTree? {
    try value(key)?.map()
  }

  /// Refuses keys that nobody asked for.
  public func finish() throws(SettingsError) {
    for entry in entries where !asked.set.contains(entry.key) {
      throw SettingsError(
        file: file, line: entry.line, keyPath: path(of: entry.key),
        problem: .unknownKey(allowed: asked.order))
    }
    for tree in opened { try tree.finish() }
  }

  /// The error for a key that has to be there.
  ///
  /// - Parameters:
  ///   - key: the key.
  ///   - expected: what its value could be, as in "the class labels, a list of texts".
  /// - Returns: the error, with the place of this map.
  public func missing(_ key: String, expected: String) -> SettingsError {
    SettingsError(
      file: file, line: line, keyPath: path(of: key), problem: .missing(expected: expected))
  }

  func open(_ tree: SettingsTree) {
    opened.append(tree)
  }

  private func path(of key: String) -> String {
    keyPath.isEmpty ? key : "\(keyPath).\(key)"
  }
}

import Yams

/// A value in a file of settings, and its place.
public struct SettingsValue {
  let node: Node
  let keyPath: String
  let line: Int?
  let tree: SettingsTree

  /// Whether this is null, `~` or nothing.
  public var isNull: Bool {
    guard case .scalar(let scalar) = node, scalar.style == .plain else { return false }
    return ["", "~", "null", "Null", "NULL"].contains(scalar.string)
  }

  /// A text. Bare words that YAML takes for numbers or truth values are texts here, as they were written.
  public func string() throws(SettingsError) -> String {
    guard case .scalar(let scalar) = node, !isNull else { throw wrong("a text") }
    return scalar.string
  }

  /// A whole number in `range`.
  public func int(in range: ClosedRange<Int> = Int.min...Int.max) throws(SettingsError) -> Int {
    guard let number = plainText.flatMap({ Int($0) }), range.contains(number) else {
      throw wrong("a whole number\(Self.words(range, lowest: .min, highest: .max))")
    }
    return number
  }

  /// A finite number in `range`.
  public func double(
    in range: ClosedRange<Double> = -.greatestFiniteMagnitude...(.greatestFiniteMagnitude)
  ) throws(SettingsError) -> Double {
    try number(in: range)
  }

  /// A finite number in `range`, rounded once from its digits to a Float.
  public func float(
    in range: ClosedRange<Float> = -.greatestFiniteMagnitude...(.greatestFiniteMagnitude)
  ) throws(SettingsError) -> Float {
    try number(in: range)
  }

  /// true or false (yes, no, on and off are YAML's too).
  public func bool() throws(SettingsError) -> Bool {
    switch plainText?.lowercased() {
    case "true", "yes", "on": return true
    case "false", "no", "off": return false
    default: throw wrong("true or false")
    }
  }

  /// One of the words of an enumeration.
  public func choice<Choice: RawRepresentable & CaseIterable>(
    of type: Choice.Type
  ) throws(SettingsError) -> Choice where Choice.RawValue == String {
    if case .scalar(let scalar) = node, let choice = Choice(rawValue: scalar.string) {
      return choice
    }
    throw wrong("one of " + Choice.allCases.map(\.rawValue).joined(separator: ", "))
  }

  /// A list of values of any kind.
  public func list() throws(SettingsError) -> [SettingsValue] {
    guard case .sequence(let sequence) = node else { throw wrong("a list") }
    return sequence.enumerated().map { index, element in
      SettingsValue(
        node: element, keyPath: "\(keyPath)[\(index)]", line: element.mark?.line ?? line, tree: tree
      )
    }
  }

  /// A map of keys. Its unknown keys are found by `finish` of the map that this value was read from.
  public func map() throws(SettingsError) -> SettingsTree {
    guard case .mapping(let mapping) = node else { throw wrong("a map of keys and values") }
    let opened = try SettingsTree(mapping, file: tree.file, keyPath: keyPath)
    tree.open(opened)
    return opened
  }

  /// The error for a value that cannot be used.
  ///
  /// - Parameter expected: what could be, as in "a list of 5 sizes".
  /// - Returns: the error, with the place of this value.
  public func wrong(_ expected: String) -> SettingsError {
    SettingsError(
      file: tree.file, line: line, keyPath: keyPath,
      problem: .wrongValue(found: found, expected: expected))
  }

  private func number<Number: BinaryFloatingPoint & LosslessStringConvertible>(
    in range: ClosedRange<Number>
  ) throws(SettingsError) -> Number {
    // Digits only: Swift would read "nan", "infinity" and hexadecimal too.
    guard let text = plainText, text.allSatisfy({ "0123456789+-.eE".contains($0) }),
      let number = Number(text), number.isFinite, range.contains(number)
    else {
      let limit = Number.greatestFiniteMagnitude
      throw wrong("a number\(Self.words(range, lowest: -limit, highest: limit))")
    }
    return number
  }

  private static func words<Number: Comparable>(
    _ range: ClosedRange<Number>, lowest: Number, highest: Number
  ) -> String {
    switch (range.lowerBound > lowest, range.upperBound < highest) {
    case (false, false): ""
    case (true, false): " of at least \(range.lowerBound)"
    case (false, true): " of at most \(range.upperBound)"
    case (true, true): " from \(range.lowerBound) to \(range.upperBound)"
    }
  }

  /// The text of a value without quotes.
  private var plainText: String? {
    guard case .scalar(let scalar) = node, scalar.style == .plain else { return nil }
    return scalar.string
  }

  private var found: String {
    switch node {
    case .scalar(let scalar):
      if isNull { return "null" }
      return scalar.string.count <= 60 ? "'\(scalar.string)'" : "'\(scalar.string.prefix(60))…'"
    case .sequence(let sequence): return "a list of \(sequence.count)"
    case .mapping: return "a map"
    case .alias: return "an alias"
    }
  }
}

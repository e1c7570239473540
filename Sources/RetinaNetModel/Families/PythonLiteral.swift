/// A value written as Python writes data: what configurations of MMDetection are made of, where every name is defined by
/// such a value. Nothing is evaluated: anything else is no value.
indirect enum PythonLiteral: Equatable {
  case none
  case flag(Bool)
  case number(Double)
  case text(String)
  /// A list or a tuple.
  case list([PythonLiteral])
  /// A dictionary with texts for keys, `dict(a=1)` or `{'a': 1}`.
  case dictionary([String: PythonLiteral])

  /// Reads definitions, `name = value` one after another.
  ///
  /// - Parameter text: a configuration, of which a training's file has as many bytes as there are.
  /// - Returns: nil where it is something else.
  static func definitions(_ text: String) -> [String: PythonLiteral]? {
    var reader = PythonReader(text)
    return reader.definitions()
  }

  /// The value at the end of a path of keys.
  subscript(path: String...) -> PythonLiteral? {
    var value = self
    for key in path {
      guard case .dictionary(let entries) = value, let next = entries[key] else { return nil }
      value = next
    }
    return value
  }

  var flag: Bool? { if case .flag(let flag) = self { flag } else { nil } }
  var number: Double? { if case .number(let number) = self { number } else { nil } }
  var text: String? { if case .text(let text) = self { text } else { nil } }
  var list: [PythonLiteral]? { if case .list(let list) = self { list } else { nil } }
  /// A list of numbers and nothing else.
  var numbers: [Double]? {
    guard let list else { return nil }
    let numbers = list.compactMap(\.number)
    return numbers.count == list.count ? numbers : nil
  }
}

private struct PythonReader {
  /// The deepest nesting; configurations have ten.
  private static let maxDepth = 64

  private let bytes: [UInt8]
  private var index = 0
  private var depth = 0

  init(_ text: String) { bytes = Array(text.utf8) }

  mutating func definitions() -> [String: PythonLiteral]? {
    var result: [String: PythonLiteral] = [:]
    while peek() != nil {
      guard let name = word(), take("="), let value = value() else { return nil }
      result[name] = value
    }
    return result
  }

  private mutating func value() -> PythonLiteral? {
    guard depth < Self.maxDepth, let next = peek() else { return nil }
    depth += 1
    defer { depth -= 1 }
    switch next {
    case UInt8(ascii: "'"), UInt8(ascii: "\""): return text().map { .text($0) }
    case UInt8(ascii: "["): return list(from: "[", to: "]")
    case UInt8(ascii: "("): return parenthesis()
    case UInt8(ascii: "{"): return dictionary()
    case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "0")...UInt8(ascii: "9"):
      return number().map { .number($0) }
    default: return named()
    }
  }

  /// A constant, or dict(a=1).
  private mutating func named() -> PythonLiteral? {
    switch word() {
    case "None": return PythonLiteral.none
    case "True": return .flag(true)
    case "False": return .flag(false)
    case "dict":
      guard take("(") else { return nil }
      var entries: [String: PythonLiteral] = [:]
      while !take(")") {
        guard let name = word(), take("="), let value = value() else { return nil }
        entries[name] = value
        guard take(",") || peek() == UInt8(ascii: ")") else { return nil }
      }
      return .dictionary(entries)
    default: return nil
    }
  }

  private mutating func dictionary() -> PythonLiteral? {
    guard take("{") else { return nil }
    var entries: [String: PythonLiteral] = [:]
    while !take("}") {
      guard let key = value(), take(":"), let value = value() else { return nil }
      if case .text(let name) = key { entries[name] = value }
      guard take(",") || peek() == UInt8(ascii: "}") else { return nil }
    }
    return .dictionary(entries)
  }

  private mutating func list(from: Character, to end: Character) -> PythonLiteral? {
    elements(from: from, to: end).map { .list($0.elements) }
  }

  /// A tuple, or one value in parentheses.
  private mutating func parenthesis() -> PythonLiteral? {
    guard let (elements, hasComma) = elements(from: "(", to: ")") else { return nil }
    return elements.count == 1 && !hasComma ? elements[0] : .list(elements)
  }

  private mutating func elements(
    from begin: Character, to end: Character
  ) -> (elements: [PythonLiteral], hasComma: Bool)? {
    guard take(begin) else { return nil }
    var elements: [PythonLiteral] = []
    var hasComma = false
    while !take(end) {
      guard let value = value() else { return nil }
      elements.append(value)
      if take(",") {
        hasComma = true
      } else if peek() != end.asciiValue {
        return nil
      }
    }
    return (elements, hasComma)
  }

  /// A text, also in parts one after another; escapes stay as they stand but for the quotes.
  private mutating func text() -> String? {
    var result: [UInt8] = []
    while let quote = peek(), quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\"") {
      index += 1
      let isLong = bytes[index...].starts(with: [quote, quote])
      if isLong { index += 2 }
      while true {
        guard index < bytes.count else { return nil }
        let byte = bytes[index]
        if byte == quote, !isLong || bytes[index...].starts(with: [quote, quote, quote]) { break }
        if byte == UInt8(ascii: "\\"), index + 1 < bytes.count {
          index += 1
          if bytes[index] != quote { result.append(byte) }
        }
        result.append(bytes[index])
        index += 1
      }
      index += isLong ? 3 : 1
    }
    return String(decoding: result, as: UTF8.self)
  }

  private mutating func number() -> Double? {
    let start = index
    while index < bytes.count, "+-.0123456789eE_".utf8.contains(bytes[index]) { index += 1 }
    let digits = String(decoding: bytes[start..<index], as: UTF8.self)
    return Double(digits).flatMap { $0.isFinite ? $0 : nil }
  }

  private mutating func word() -> String? {
    _ = peek()
    let start = index
    while index < bytes.count, Self.isLetter(bytes[index]) { index += 1 }
    return index == start ? nil : String(decoding: bytes[start..<index], as: UTF8.self)
  }

  private static func isLetter(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), 0x80...:
      true
    default: false
    }
  }

  /// The next byte that is no space, line end or part of a comment.
  private mutating func peek() -> UInt8? {
    while index < bytes.count {
      switch bytes[index] {
      case 0x20, 0x09, 0x0a, 0x0d: index += 1
      case UInt8(ascii: "#"): while index < bytes.count, bytes[index] != 0x0a { index += 1 }
      default: return bytes[index]
      }
    }
    return nil
  }

  private mutating func take(_ character: Character) -> Bool {
    guard peek() == character.asciiValue else { return false }
    index += 1
    return true
  }
}

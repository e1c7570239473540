import Yams

extension SettingsTree {
  /// Reads YAML, or JSON as a part of YAML.
  ///
  /// - Parameters:
  ///   - text: one document; an empty one has no keys.
  ///   - file: its name in errors.
  /// - Returns: the keys at the top.
  /// - Throws: `SettingsError` with the line, also for a key that stands twice.
  public static func parse(_ text: String, file: String) throws(SettingsError) -> SettingsTree {
    let root: Node?
    do {
      root = try Yams.compose(yaml: text)
    } catch {
      throw syntaxError(error, file: file)
    }
    switch root {
    case nil:
      return try SettingsTree(Node.Mapping([]), file: file, keyPath: "")
    case .mapping(let mapping):
      return try SettingsTree(mapping, file: file, keyPath: "")
    case .some(let node):
      throw SettingsError(
        file: file, line: node.mark?.line, keyPath: "",
        problem: .wrongValue(found: "something else", expected: "a map of keys and values"))
    }
  }

  /// Reads JSON and nothing more, for text that comes from strangers: YAML's aliases can make a few lines
  /// stand for a gigabyte, nesting costs stack, and each letter costs some tens of bytes.
  ///
  /// - Parameters:
  ///   - text: one object, of 1 MiB at most.
  ///   - file: its name in errors.
  /// - Returns: the keys at the top.
  /// - Throws: `SettingsError` with the line.
  public static func parseJSON(_ text: String, file: String) throws(SettingsError) -> SettingsTree {
    guard text.utf8.count <= 1 << 20 else {
      throw SettingsError(
        file: file, line: nil, keyPath: "", problem: .syntax("more than 1 MiB of text"))
    }
    var line = 1
    var depth = 0
    var isInText = false
    var isEscaped = false
    for byte in text.utf8 {
      if byte == UInt8(ascii: "\n") { line += 1 }
      if isInText {
        if isEscaped {
          isEscaped = false
        } else if byte == UInt8(ascii: "\\") {
          isEscaped = true
        } else if byte == UInt8(ascii: "\"") {
          isInText = false
        }
        continue
      }
      switch byte {
      case UInt8(ascii: "\""): isInText = true
      case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
        UInt8(ascii: "E"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."),
        UInt8(ascii: ","), UInt8(ascii: ":"), UInt8(ascii: " "), UInt8(ascii: "\t"),
        UInt8(ascii: "\r"), UInt8(ascii: "\n"):
        break
      default:
        throw SettingsError(
          file: file, line: line, keyPath: "",
          problem: .syntax("'\(Character(UnicodeScalar(byte)))' outside of a text is not JSON"))
      }
      if depth > 16 {
        throw SettingsError(
          file: file, line: line, keyPath: "", problem: .syntax("nested more than 16 deep"))
      }
    }
    return try parse(text, file: file)
  }

  private static func syntaxError(_ error: any Error, file: String) -> SettingsError {
    func at(_ line: Int?, _ message: String) -> SettingsError {
      SettingsError(file: file, line: line, keyPath: "", problem: .syntax(message))
    }
    switch error as? YamlError {
    case .scanner(let context, let problem, let mark, _),
      .parser(let context, let problem, let mark, _),
      .composer(let context, let problem, let mark, _):
      return at(mark.line, [context?.text, problem].compactMap { $0 }.joined(separator: ": "))
    case .duplicatedKeysInMapping(let duplicates, let context):
      let keys = duplicates.map { "'\($0)'" }.joined(separator: ", ")
      return at(context.mark.line, "the key \(keys) stands twice")
    case .reader(let problem, _, _, _):
      return at(nil, "not readable text: \(problem)")
    default:
      return at(nil, "neither YAML nor JSON: \(error)")
    }
  }
}

import Failures

/// What is wrong in a file of settings, and where.
public struct SettingsError: ClassifiedError, Equatable, Sendable {
  /// What is wrong.
  public enum Problem: Equatable, Sendable {
    /// The text is neither YAML nor JSON.
    case syntax(String)
    /// A key that nobody reads, and those that somebody does.
    case unknownKey(allowed: [String])
    /// A value that cannot be used, and what could be.
    case wrongValue(found: String, expected: String)
    /// A key that has to be there, and what its value could be.
    case missing(expected: String)
  }

  /// What was being read, as its user knows it.
  public let file: String
  /// From 1; nil where the text has no such place.
  public let line: Int?
  /// The keys from the top, as `anchors.sizes[2]`; empty for the whole.
  public let keyPath: String
  /// What is wrong there.
  public let problem: Problem

  /// Creates an error from its parts.
  public init(file: String, line: Int?, keyPath: String, problem: Problem) {
    self.file = file
    self.line = line
    self.keyPath = keyPath
    self.problem = problem
  }

  /// The kind.
  public var kind: FailureKind { .usage }

  /// One line: file, line, key, and what would be right.
  ///
  /// Texts in a file can hold anything: control characters are written as escapes.
  public var description: String {
    text.unicodeScalars.reduce(into: "") { line, scalar in
      let isControl = scalar.properties.generalCategory == .control
      line += isControl ? scalar.escaped(asASCII: true) : String(scalar)
    }
  }

  private var text: String {
    let place = line.map { "\(file):\($0)" } ?? file
    switch problem {
    case .syntax(let message):
      return "\(place): \(message)"
    case .unknownKey(let allowed):
      // All of a command's options fit; a model may have thousands of labels.
      let list = allowed.prefix(64).joined(separator: ", ") + (allowed.count > 64 ? ", …" : "")
      return
        "\(place): there is no key '\(keyPath)'; \(list.isEmpty ? "none" : list) can stand there"
    case .wrongValue(let found, let expected):
      let subject = keyPath.isEmpty ? "" : "'\(keyPath)' "
      return "\(place): \(subject)has to be \(expected), not \(found)"
    case .missing(let expected):
      return "\(place): the key '\(keyPath)' is missing: \(expected)"
    }
  }
}

/// A pattern over names with slashes, on bytes, for names that need not be UTF-8.
///
/// `*` matches any characters but a slash, `?` one character but a slash, `[a-z]` one of a set and `[!a-z]` one that is
/// not in it; a component `**` matches any number of components, none too; a backslash takes the next character as
/// it is. A character is a scalar of UTF-8, or a byte where that is not UTF-8. A `[` without its `]` is itself.
struct Glob: Equatable, Sendable {
  /// One component.
  enum Component: Equatable, Sendable {
    /// Any number of components.
    case anyDepth
    /// One component that matches these.
    case tokens([Token])
  }

  /// What matches a part of a component.
  enum Token: Equatable, Sendable {
    case character(GlobCharacter)
    case anyCharacter
    case anyCharacters
    case set([ClosedRange<GlobCharacter>], isNegated: Bool)
  }

  /// The components, in order.
  let components: [Component]

  /// Reads a pattern; every pattern means something.
  init(_ pattern: [UInt8]) {
    components = pattern.split(separator: UInt8(ascii: "/")).map { part in
      part.elementsEqual("**".utf8) ? .anyDepth : .tokens(Self.tokens(GlobText(part)))
    }
  }

  /// Whether a text has a character that makes it a pattern.
  static func isPattern(_ bytes: [UInt8]) -> Bool {
    bytes.contains { "*?[".utf8.contains($0) }
  }

  /// Whether the pattern matches all of a name's components.
  func matches(_ names: ArraySlice<ArraySlice<UInt8>>) -> Bool {
    Self.matches(components[...], names)
  }

  private static func matches(
    _ components: ArraySlice<Component>, _ names: ArraySlice<ArraySlice<UInt8>>
  ) -> Bool {
    guard let first = components.first else { return names.isEmpty }
    switch first {
    case .anyDepth:
      // Several in a row say no more than one.
      let rest = components.drop { $0 == .anyDepth }
      if rest.isEmpty { return true }
      return names.indices.contains { matches(rest, names[$0...]) }
    case .tokens(let tokens):
      guard let name = names.first, matches(tokens, name) else { return false }
      return matches(components.dropFirst(), names.dropFirst())
    }
  }

  /// Whether the tokens match all of one name. Each `*` is tried as short as possible first, and only the last one
  /// met is ever lengthened, so that the cost is at most tokens times characters.
  static func matches(_ tokens: [Token], _ name: ArraySlice<UInt8>) -> Bool {
    let characters = GlobText(name)
    var position = characters.startIndex
    var token = 0
    var retry: (token: Int, position: Int)?
    while position < characters.endIndex || token < tokens.count {
      if token < tokens.count, tokens[token] == .anyCharacters {
        retry = (token + 1, position)
        token += 1
        continue
      }
      if token < tokens.count, position < characters.endIndex {
        let character = characters.character(at: position)
        if tokens[token].matches(character.value) {
          token += 1
          position = character.end
          continue
        }
      }
      guard let last = retry, last.position < characters.endIndex else { return false }
      position = characters.character(at: last.position).end
      token = last.token
      retry = (token, position)
    }
    return true
  }

  private static func tokens(_ pattern: GlobText) -> [Token] {
    var tokens: [Token] = []
    var position = pattern.startIndex
    while position < pattern.endIndex {
      let character = pattern.character(at: position)
      position = character.end
      switch character.value {
      case "*": if tokens.last != .anyCharacters { tokens.append(.anyCharacters) }
      case "?": tokens.append(.anyCharacter)
      case "[":
        if let set = set(pattern, from: position) {
          tokens.append(set.token)
          position = set.end
        } else {
          tokens.append(.character(character.value))
        }
      case "\\" where position < pattern.endIndex:
        let escaped = pattern.character(at: position)
        position = escaped.end
        tokens.append(.character(escaped.value))
      default: tokens.append(.character(character.value))
      }
    }
    return tokens
  }

  /// Reads a set from after its `[` on; nil where it does not end.
  private static func set(
    _ pattern: GlobText, from start: Int
  ) -> (token: Token, end: Int)? {
    var position = start
    var ranges: [ClosedRange<GlobCharacter>] = []
    var isNegated = false
    func next() -> GlobCharacter? {
      guard position < pattern.endIndex else { return nil }
      let character = pattern.character(at: position)
      position = character.end
      return character.value
    }
    func nextEscaped() -> GlobCharacter? { next().flatMap { $0 == "\\" ? next() : $0 } }
    func isNext(_ value: GlobCharacter) -> Bool {
      position < pattern.endIndex && pattern.character(at: position).value == value
    }
    if isNext("!") || isNext("^") {
      isNegated = true
      position += 1
    }
    // A bracket that comes first is a member.
    repeat {
      guard let lower = nextEscaped() else { return nil }
      var upper = lower
      if isNext("-") {
        let dash = position
        position += 1
        if isNext("]") {
          position = dash
        } else {
          guard let bound = nextEscaped() else { return nil }
          upper = bound
        }
      }
      if lower <= upper { ranges.append(lower...upper) }
    } while !isNext("]")
    return (.set(ranges, isNegated: isNegated), position + 1)
  }
}

extension Glob.Token {
  /// Whether the token, which is not `*`, matches one character.
  fileprivate func matches(_ value: GlobCharacter) -> Bool {
    switch self {
    case .character(let own): own == value
    case .anyCharacter: true
    case .anyCharacters: false
    case .set(let ranges, let isNegated): ranges.contains { $0.contains(value) } != isNegated
    }
  }
}

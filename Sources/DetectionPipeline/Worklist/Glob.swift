import DetectionRecords
import Files
import SystemPackage

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

extension Glob {
  /// The paths that a pattern names, sorted by bytes, as a shell would find them: a name that begins with a dot is
  /// found only by a component that does, and `**` does not enter symbolic links. Unlike in a shell, `**` at the end is
  /// the directory itself, for all below a directory is searched anyway.
  ///
  /// Directories that cannot be read name nothing.
  ///
  /// - Parameters:
  ///   - pattern: The pattern.
  ///   - isLeftOut: Whether a directory that a pattern's component found, and all below it, is not wanted.
  /// - Returns: The paths, each once.
  static func expand(_ pattern: FilePath, leavingOut isLeftOut: (FilePath) -> Bool) -> [FilePath] {
    let isAbsolute = pattern.isAbsolute
    let components = pattern.bytes.split(separator: UInt8(ascii: "/")).map { part in
      PatternComponent(bytes: Array(part), glob: Glob(Array(part)).components[0])
    }
    var found: [FilePath] = []
    expand(isAbsolute ? "/" : "", components[...], isLeftOut, into: &found)
    // `a/**/**` finds a path in several ways.
    var unique: [FilePath] = []
    for path in found.map({ (path: $0, bytes: $0.bytes) }).sorted(by: {
      $0.bytes.lexicographicallyPrecedes($1.bytes)
    }) where unique.last != path.path {
      unique.append(path.path)
    }
    return unique
  }

  private struct PatternComponent {
    let bytes: [UInt8]
    let glob: Component

    /// The one name that the component means, if it is no pattern.
    var literal: [UInt8]? {
      guard case .tokens = glob, !Glob.isPattern(bytes), !bytes.contains(UInt8(ascii: "\\")) else {
        return nil
      }
      return bytes
    }

    func matches(_ name: [UInt8]) -> Bool {
      let isHidden = name.first == UInt8(ascii: ".")
      switch glob {
      case .anyDepth: return !isHidden
      case .tokens(let tokens):
        if isHidden && bytes.first != UInt8(ascii: ".") { return false }
        return Glob.matches(tokens, name[...])
      }
    }
  }

  private static func expand(
    _ directory: FilePath, _ components: ArraySlice<PatternComponent>,
    _ isLeftOut: (FilePath) -> Bool, into found: inout [FilePath]
  ) {
    guard let component = components.first else {
      found.append(directory.isEmpty ? "." : directory)
      return
    }
    let rest = components.dropFirst()
    if let literal = component.literal {
      let path = directory.pushing(FilePath(bytes: literal))
      if FileIdentity.exists(path) { expand(path, rest, isLeftOut, into: &found) }
      return
    }
    // No component is one of the ways to read `**`.
    if component.glob == .anyDepth { expand(directory, rest, isLeftOut, into: &found) }
    if component.glob == .anyDepth && rest.isEmpty { return }
    // What cannot be read has no names that match.
    let entries = (try? DirectoryListing(directory.isEmpty ? "." : directory))?.entries ?? []
    for entry in entries where component.matches(entry.name) {
      let path = directory.pushing(FilePath(bytes: entry.name))
      let isDirectory = path.isDirectory
      if isDirectory && isLeftOut(path) { continue }
      if component.glob != .anyDepth {
        if rest.isEmpty || isDirectory { expand(path, rest, isLeftOut, into: &found) }
      } else if FileIdentity.isDirectoryItself(path) {
        expand(path, components, isLeftOut, into: &found)
      }
    }
  }
}

/// One character of a name: a scalar, or a byte that is not part of UTF-8.
struct GlobCharacter: Comparable, ExpressibleByUnicodeScalarLiteral, Sendable {
  /// The scalar's value; a byte outside of UTF-8 comes after all scalars.
  private let value: UInt32

  init(unicodeScalarLiteral scalar: Unicode.Scalar) { value = scalar.value }

  fileprivate init(scalar value: UInt32) { self.value = value }
  fileprivate init(strayByte byte: UInt8) { value = 0x11_0000 + UInt32(byte) }

  static func < (left: GlobCharacter, right: GlobCharacter) -> Bool { left.value < right.value }
}

/// Bytes, read character by character.
struct GlobText {
  private let bytes: ArraySlice<UInt8>

  init(_ bytes: ArraySlice<UInt8>) { self.bytes = bytes }

  var startIndex: Int { bytes.startIndex }
  var endIndex: Int { bytes.endIndex }

  /// The character that begins at a position before the end, and where the next one begins.
  func character(at position: Int) -> (value: GlobCharacter, end: Int) {
    let lead = bytes[position]
    let stray = (GlobCharacter(strayByte: lead), position + 1)
    let length: Int
    var value: UInt32
    switch lead {
    case 0x00...0x7f: return (GlobCharacter(scalar: UInt32(lead)), position + 1)
    case 0xc2...0xdf: (length, value) = (2, UInt32(lead & 0x1f))
    case 0xe0...0xef: (length, value) = (3, UInt32(lead & 0x0f))
    case 0xf0...0xf4: (length, value) = (4, UInt32(lead & 0x07))
    default: return stray
    }
    let end = position + length
    guard end <= bytes.endIndex else { return stray }
    for byte in bytes[(position + 1)..<end] {
      guard byte & 0xc0 == 0x80 else { return stray }
      value = value << 6 | UInt32(byte & 0x3f)
    }
    // Longer than it need be, a surrogate, or beyond Unicode: not UTF-8.
    let least: UInt32 = length == 2 ? 0x80 : length == 3 ? 0x800 : 0x1_0000
    guard value >= least, Unicode.Scalar(value) != nil else { return stray }
    return (GlobCharacter(scalar: value), end)
  }
}

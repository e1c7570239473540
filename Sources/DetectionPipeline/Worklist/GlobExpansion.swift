import DetectionRecords
import Files
import SystemPackage

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

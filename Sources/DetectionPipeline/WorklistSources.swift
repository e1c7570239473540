import DetectionRecords
import Glibc
import SystemPackage

/// Finds the source of a file that was named by itself: its path relative to the root.
///
/// Only the names are compared, symbolic links stay what they are called; so `..` is understood at the beginning of a
/// path, where the working directory says what it means, and refused further on.
struct WorklistSources {
  private let root: FilePath?

  init(root: FilePath?) { self.root = root }

  /// What the source is relative to, to be put before it to open the file, and the source.
  func locate(_ file: FilePath) throws(WorklistError) -> (base: FilePath, source: SourceName) {
    let names = try components(file)
    if names.isEmpty { throw .outsideRoot(file, root: root) }
    return (root ?? "", try .checked(Array(names.joined(separator: [UInt8(ascii: "/")]))))
  }

  /// What the sources of a directory's files are relative to, and what they begin with: empty for the root itself,
  /// else ended by a slash.
  func locate(
    directory: FilePath
  ) throws(WorklistError) -> (base: FilePath, prefix: [UInt8]) {
    let names = try components(directory)
    return (root ?? (names.isEmpty ? "." : ""), names.flatMap { $0 + [UInt8(ascii: "/")] })
  }

  /// The names from the root down to a path.
  private func components(_ path: FilePath) throws(WorklistError) -> [[UInt8]] {
    if root == nil && !path.isAbsolute {
      let own = path.nameComponents
      if own.contains(Self.parent) { throw .outsideRoot(path, root: nil) }
      return own
    }
    guard let absolute = Self.absoluteComponents(path),
      let top = Self.absoluteComponents(root ?? "."), absolute.starts(with: top)
    else { throw .outsideRoot(path, root: root) }
    return Array(absolute[top.count...])
  }

  private static let parent = Array("..".utf8)

  /// The names from the top of the file system down; nil where a `..` comes after a name.
  private static func absoluteComponents(_ path: FilePath) -> [[UInt8]]? {
    var components = path.nameComponents
    if !path.isAbsolute {
      let ups = components.prefix { $0 == parent }.count
      components = workingDirectory.nameComponents.dropLast(ups) + components[ups...]
    }
    return components.contains(parent) ? nil : components
  }

  private static var workingDirectory: FilePath {
    // Null where the working directory has been removed: then no relative path leads anywhere either.
    guard let characters = getcwd(nil, 0) else { return "/" }
    defer { free(characters) }
    return FilePath(platformString: characters)
  }
}

extension FilePath {
  /// The names between slashes, `.` left out.
  fileprivate var nameComponents: [[UInt8]] {
    bytes.split(separator: UInt8(ascii: "/")).map(Array.init).filter { $0 != [UInt8(ascii: ".")] }
  }
}

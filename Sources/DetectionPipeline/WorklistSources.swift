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
  func locate(_ path: FilePath) throws(WorklistError) -> (base: FilePath, source: SourceName) {
    let own = path.nameComponents
    if root == nil && !path.isAbsolute {
      if own.contains(Self.parent) { throw .outsideRoot(path, root: nil) }
      return ("", try .checked(path.bytes))
    }
    guard let absolute = Self.absoluteComponents(path),
      let top = Self.absoluteComponents(root ?? "."), absolute.starts(with: top),
      absolute.count > top.count
    else { throw .outsideRoot(path, root: root) }
    let source = absolute[top.count...].joined(separator: [UInt8(ascii: "/")])
    return (root ?? "", try .checked(Array(source)))
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

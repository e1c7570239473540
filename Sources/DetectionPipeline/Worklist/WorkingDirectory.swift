import Glibc
import SystemPackage

/// Where relative paths begin, as it was when a run began to look for its inputs.
struct WorkingDirectory: Sendable {
  /// An absolute path.
  let path: FilePath
  private let components: [[UInt8]]

  init() {
    // Null where the working directory has been removed: then no relative path leads anywhere either.
    if let characters = getcwd(nil, 0) {
      path = FilePath(platformString: characters)
      free(characters)
    } else {
      path = "/"
    }
    components = path.nameComponents
  }

  /// The names from the top of the file system down to a path; nil where a `..` comes after a name, for what that means
  /// only the file system knows. At the beginning of a path the working directory says what it means.
  func components(of path: FilePath) -> [[UInt8]]? {
    var names = path.nameComponents
    if !path.isAbsolute {
      let ups = names.prefix { $0 == Self.parent }.count
      names = components.dropLast(ups) + names[ups...]
    }
    return names.contains(Self.parent) ? nil : names
  }

  /// A path from the top of the file system.
  func absolute(_ path: FilePath) -> FilePath {
    components(of: path).map { FilePath(components: $0) } ?? self.path.pushing(path)
  }

  static let parent = Array("..".utf8)
}

extension FilePath {
  /// The absolute path of these names.
  init(components: some Collection<[UInt8]>) {
    self.init(bytes: [UInt8(ascii: "/")] + components.joined(separator: [UInt8(ascii: "/")]))
  }

  /// The names between slashes, `.` left out.
  var nameComponents: [[UInt8]] {
    bytes.split(separator: UInt8(ascii: "/")).map(Array.init).filter { $0 != [UInt8(ascii: ".")] }
  }
}

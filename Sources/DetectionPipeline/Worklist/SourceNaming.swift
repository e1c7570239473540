import DetectionRecords
import Files
import Glibc
import SystemPackage

/// Finds the source of a file that was named by itself: its path relative to a root.
///
/// That is `--root` where it was given; else the working directory for a relative path, and for an absolute one the
/// deepest directory that holds all inputs that were named.
///
/// Only the names are compared, symbolic links stay what they are called; so `..` is understood at the beginning of a
/// path, where the working directory says what it means, and refused further on.
struct SourceNaming {
  private let root: FilePath?
  private let workingDirectory: WorkingDirectory
  /// The deepest directory that holds all named inputs.
  let common: FilePath

  /// - Parameters:
  ///   - root: what the user said.
  ///   - names: what was named on the command line: files, directories and patterns.
  ///   - listed: the files and directories of lists, whose names are never patterns.
  ///   - workingDirectory: where relative paths begin.
  init(
    root: FilePath?, names: [FilePath], listed: [FilePath] = [],
    in workingDirectory: WorkingDirectory
  ) {
    self.root = root
    self.workingDirectory = workingDirectory
    var shared: ArraySlice<[UInt8]>?
    let holders =
      names.map { Self.holder(of: $0, in: workingDirectory) }
      + listed.map { workingDirectory.components(of: $0)?.dropLast() }
    // What cannot be placed is refused when its turn comes.
    for case let holder? in holders {
      guard let other = shared else {
        shared = holder
        continue
      }
      let count = zip(other, holder).prefix { $0 == $1 }.count
      shared = other.prefix(count)
    }
    common = FilePath(components: shared ?? [])
  }

  /// The names of the directory that a named input lies in; of a pattern, those before its first component that is
  /// one.
  private static func holder(
    of name: FilePath, in workingDirectory: WorkingDirectory
  ) -> ArraySlice<[UInt8]>? {
    guard let components = workingDirectory.components(of: name) else { return nil }
    let own = name.nameComponents.count
    let fixed = components.dropLast(max(1, own))
    guard Glob.isPattern(name.bytes), !FileIdentity.exists(name) else {
      return components.dropLast()
    }
    return fixed + components.dropFirst(fixed.count).prefix { !Glob.isPattern($0) }
  }

  /// The directory below which a named directory's or a pattern's files lie.
  func searched(_ name: FilePath) -> FilePath {
    guard Glob.isPattern(name.bytes), !FileIdentity.exists(name),
      let holder = Self.holder(of: name, in: workingDirectory)
    else { return workingDirectory.absolute(name) }
    return FilePath(components: holder)
  }

  /// Whether a named path counts from `common`.
  func countsFromCommon(_ path: FilePath) -> Bool { root == nil && path.isAbsolute }

  /// What the source is relative to, to be put before it to open the file, and the source.
  func locate(_ file: FilePath) throws(WorklistError) -> (base: FilePath, source: SourceName) {
    let names = try components(file)
    if names.isEmpty { throw .outsideRoot(file, root: root) }
    return (
      root ?? (file.isAbsolute ? common : ""),
      try .checked(Array(names.joined(separator: [UInt8(ascii: "/")])))
    )
  }

  /// What the sources of a directory's files are relative to, and what they begin with: empty for the root itself,
  /// else ended by a slash.
  func locate(
    directory: FilePath
  ) throws(WorklistError) -> (base: FilePath, prefix: [UInt8]) {
    let names = try components(directory)
    let own: FilePath = directory.isAbsolute ? common : names.isEmpty ? "." : ""
    return (root ?? own, names.flatMap { $0 + [UInt8(ascii: "/")] })
  }

  /// As `locate(directory:)`, for several directories that have files of equal names: relative to the root, or to the
  /// deepest directory that holds them all, however the directory was named. nil where that does not hold it.
  func locate(sibling directory: FilePath) -> (base: FilePath, prefix: [UInt8])? {
    let base = root ?? common
    guard let names = components(directory, below: base) else { return nil }
    return (base, names.flatMap { $0 + [UInt8(ascii: "/")] })
  }

  /// The names from the root down to a path.
  private func components(_ path: FilePath) throws(WorklistError) -> [[UInt8]] {
    if root == nil && !path.isAbsolute {
      let own = path.nameComponents
      if own.contains(WorkingDirectory.parent) { throw .outsideRoot(path, root: nil) }
      return own
    }
    guard let names = components(path, below: root ?? common) else {
      throw .outsideRoot(path, root: root)
    }
    return names
  }

  private func components(_ path: FilePath, below base: FilePath) -> [[UInt8]]? {
    guard let absolute = workingDirectory.components(of: path),
      let top = workingDirectory.components(of: base), absolute.starts(with: top)
    else { return nil }
    return Array(absolute[top.count...])
  }
}

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

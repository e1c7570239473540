import Files
import Glibc
import SystemPackage

/// What `RECORDS…` on a command line mean: files of records in order.
///
/// Each argument is a file, whatever its name; a directory, of which all `*.jsonl` below it are taken in the order of
/// their paths' bytes (segments of one input by number), but for what lies in `.detect-batch`; or `-`, the standard
/// input. Links to files are followed, links to directories are not. A directory is listed when its turn comes, so that
/// an archive of a million files costs no more memory than its largest directory.
public struct RecordFiles: Sendable {
  /// The argument that means the standard input.
  public static let standardInput: FilePath = "-"

  /// What is still to be handed out, the next one last.
  private var pending: [Pending]

  private enum Pending {
    case file(RecordFile)
    /// A directory, and the output directory that it lies in.
    case directory(FilePath, in: OutputDirectory?)
    /// A directory that was named.
    case named(FilePath)
    /// The end of a directory that was named, in which there must be a file.
    case end(of: FilePath)
  }

  /// Whether a file of the named directory at hand has been handed out.
  private var hasFound = false

  /// Resolves arguments; none of them means nothing.
  ///
  /// - Throws: `RecordReadingError.missing`, or `.unreadable` where one cannot be looked at.
  public init(_ arguments: [FilePath]) throws(RecordReadingError) {
    pending = []
    for path in arguments.reversed() {
      if path == Self.standardInput {
        pending.append(.file(RecordFile(path: nil)))
      } else if try Self.isDirectory(path) {
        pending.append(.end(of: path))
        pending.append(.named(path))
      } else {
        pending.append(.file(RecordFile(path: path, output: Self.output(holding: path))))
      }
    }
  }

  /// Whether the standard input is among them, which can be read once only.
  public var holdsStandardInput: Bool {
    pending.contains { if case .file(RecordFile(path: nil)) = $0 { true } else { false } }
  }

  /// The next file; nil after the last.
  ///
  /// - Throws: `RecordReadingError.noRecords` after a named directory without any, `.unreadable` for one that cannot be
  ///   listed.
  public mutating func next() throws(RecordReadingError) -> RecordFile? {
    while let next = pending.popLast() {
      switch next {
      case .file(let file):
        hasFound = true
        return file
      case .directory(let path, let output): try list(path, output)
      case .named(let path):
        hasFound = false
        try list(path, Self.output(holding: path.appending("-")))
      case .end(let path):
        if !hasFound { throw .noRecords(path) }
      }
    }
    return nil
  }

  private mutating func list(
    _ path: FilePath, _ output: OutputDirectory?
  ) throws(RecordReadingError) {
    let entries: [DirectoryListing.Entry]
    do {
      entries = try DirectoryListing(path).entries
    } catch {
      throw .unreadable(RecordFile(path: path), reason: "\(error)")
    }
    let isOutput = entries.contains { $0.name.elementsEqual(OutputDirectory.stateName.utf8) }
    let output = isOutput ? OutputDirectory(path) : output
    var found: [(key: RecordFileOrder, entry: Pending)] = []
    for entry in entries where !entry.name.elementsEqual(OutputDirectory.stateName.utf8) {
      let place = path.pushing(FilePath(bytes: entry.name))
      let type = entry.type ?? Self.linkedType(place)
      if type == .directory {
        found.append((RecordFileOrder(entry.name + [0x2f]), .directory(place, in: output)))
      } else if entry.name.count > 6, entry.name.suffix(6).elementsEqual(".jsonl".utf8) {
        found.append(
          (RecordFileOrder(entry.name), .file(RecordFile(path: place, output: output))))
      }
    }
    pending += found.sorted { $1.key < $0.key }.map(\.entry)
  }

  /// What a link is for a walk: a link to a directory is nothing to go into.
  private static func linkedType(_ path: FilePath) -> FileType {
    var status = stat()
    // A link that leads nowhere is said when it is opened.
    guard path.withPlatformString({ lstat($0, &status) }) == 0 else { return .regular }
    return status.st_mode & S_IFMT == S_IFDIR ? .directory : .regular
  }

  private static func isDirectory(_ path: FilePath) throws(RecordReadingError) -> Bool {
    do {
      return try Stat(path).type == .directory
    } catch .noSuchFileOrDirectory {
      throw .missing(path)
    } catch {
      throw .unreadable(RecordFile(path: path), reason: "\(error)")
    }
  }

  /// The output directory that a path lies in, if it does.
  private static func output(holding path: FilePath) -> OutputDirectory? {
    var directory = path
    while directory.removeLastComponent() {
      let place = directory.isEmpty ? FilePath(".") : directory
      if OutputDirectory.isOutputDirectory(place) { return OutputDirectory(place) }
    }
    return nil
  }
}

/// One file of records.
public struct RecordFile: Hashable, Sendable, CustomStringConvertible {
  /// Where it is; nil for the standard input.
  public let path: FilePath?
  /// The output directory that it lies in; nil where it lies in none.
  public let output: OutputDirectory?

  /// A file from its parts.
  public init(path: FilePath?, output: OutputDirectory? = nil) {
    self.path = path
    self.output = output
  }

  /// What it is called in a message.
  public var description: String { path.map(\.oneLine) ?? "standard input" }
}

/// What files of one directory are ordered by: their names' bytes, but segments of one input by their numbers.
private struct RecordFileOrder: Comparable {
  private let stem: [UInt8]
  private let segment: Int

  init(_ name: [UInt8]) {
    // NAME.segment-I-of-N.jsonl
    let mark = Array(".segment-".utf8)
    if name.withUnsafeBytes({ $0.count(of: mark) }) == 1,
      let match = String(decoding: name, as: UTF8.self)
        .wholeMatch(of: /(.*\.segment-)([0-9]{1,9})(-of-[0-9]+\.jsonl)/),
      let segment = Int(match.2)
    {
      stem = Array((match.1 + match.3).utf8)
      self.segment = segment
    } else {
      stem = name
      segment = 0
    }
  }

  static func < (left: RecordFileOrder, right: RecordFileOrder) -> Bool {
    if left.stem == right.stem { return left.segment < right.segment }
    return left.stem.lexicographicallyPrecedes(right.stem)
  }
}

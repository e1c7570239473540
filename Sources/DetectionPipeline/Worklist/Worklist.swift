import DetectionRecords
import Glibc
import SystemPackage

/// The inputs of a run, in the order of their records on standard output: as they were named, within a directory by
/// the bytes of the source.
///
/// The source of a file in a directory argument is its path below that directory; that of a file which was named
/// itself, or which a pattern or a list named, itself or by a directory, is the path as written, relative to the root
/// (see `SourceNaming`). Several directories that have files of equal names keep their own names before those.
public struct Worklist: Sendable {
  /// What to work on: this shard's.
  public private(set) var items: [WorkItem] = []
  /// What was modified too recently: this shard's.
  public private(set) var settling: [WorkItem] = []
  /// What cannot be worked on: this shard's files, and directories.
  public private(set) var failures: [Failure] = []
  /// What was left out and may surprise, one line each: output directories, loops of symbolic links.
  public private(set) var notes: [String] = []
  /// What directories hold beside the inputs, whatever its shard.
  public private(set) var leftOut = LeftOut()
  /// Inputs found, whatever their shard, those that still settle included.
  public private(set) var found = 0
  /// The directory that names count from where it follows from what was named, which may surprise; else nil.
  public private(set) var commonRoot: FilePath?
  /// The named directories in which something was found, and those below which patterns were looked for.
  public private(set) var searched: [FilePath] = []
  /// Where relative paths began.
  let workingDirectory = WorkingDirectory()

  /// Looks for the inputs.
  ///
  /// Memory: about 160 bytes an input. Time: one look at each file; 200 000 files in 200 directories
  /// take 0.9 s (`detect-batch-dev records --search`).
  ///
  /// - Parameter request: What is wanted.
  /// - Throws: `WorklistError`, before anything is worked on.
  public init(_ request: Request) throws(WorklistError) {
    var entries: [FilePath] = []
    for list in request.lists { entries += try InputList.paths(in: list) }
    let sources = SourceNaming(
      root: request.root, names: request.inputs, listed: entries, in: workingDirectory)
    var builder = try Self.build(request, entries, sources, keepsDirectoryNames: false)
    if builder.hasEqualNames {
      builder = try Self.build(request, entries, sources, keepsDirectoryNames: true)
    }
    take(&builder, request)
    if builder.countsFromCommon && request.root == nil { commonRoot = sources.common }

    if found == 0 && builder.failures.isEmpty && !request.allowsEmpty {
      throw .nothingFound(request.inputs + request.lists, leftOut)
    }
  }

  private static func build(
    _ request: Request, _ entries: [FilePath], _ sources: SourceNaming,
    keepsDirectoryNames: Bool
  ) throws(WorklistError) -> InputSearch {
    var builder = InputSearch(request, sources, keepsDirectoryNames: keepsDirectoryNames)
    var missing: [FilePath] = []
    for input in request.inputs where try !builder.add(argument: input) { missing.append(input) }
    if !missing.isEmpty { throw .missing(missing) }
    for entry in entries { builder.add(entry: entry) }
    builder.checkOutputs()
    return builder
  }

  /// Takes what this shard has to do with.
  private mutating func take(_ builder: inout InputSearch, _ request: Request) {
    let age = SettlingAge(request.settle)
    let isOwn = { (source: SourceName?) in
      guard let shard = request.shard, let source else { return true }
      return shard.owns(source)
    }
    found = builder.items.count
    failures = builder.failures.filter { isOwn($0.source) }
    notes = builder.notes
    leftOut = builder.leftOut
    searched = builder.searched
    let colliding = builder.colliding
    // The builder's own array, for an archive's is large.
    items = builder.takeItems()
    var ordinal = -1
    items.removeAll { item in
      ordinal += 1
      if colliding.contains(ordinal) || !isOwn(item.source) { return true }
      if !age.covers(item.input) { return false }
      settling.append(item)
      return true
    }
  }
}

/// One input to work on.
public struct WorkItem: Equatable, Sendable {
  /// What the source is relative to; one for many items.
  let base: FilePath
  /// The name that its records carry.
  public let source: SourceName
  /// The version that was found.
  public let input: InputVersion

  /// An item whose file is `source` below `base`; empty for the working directory.
  public init(base: FilePath, source: SourceName, input: InputVersion) {
    self.base = base
    self.source = source
    self.input = input
  }

  /// The file.
  public var path: FilePath { base.pushing(source.path) }
}

extension Worklist {
  /// What the user named as inputs, and which of what is found there is wanted.
  public struct Request: Sendable {
    /// Files, directories and patterns, in the order they were named. A name that exists is not a pattern.
    public var inputs: [FilePath] = []
    /// Files that list inputs, one a line, or ended by zero bytes if there is one; `-` is standard input. A line is a
    /// name, never a pattern.
    public var lists: [FilePath] = []
    /// What the sources of named files are relative to. nil: the working directory for those with a relative path, for
    /// others the deepest directory that holds all that was named.
    public var root: FilePath?
    /// Patterns of which a source must match one, if there are any. A pattern also matches what is below what it
    /// matches; one without a slash is looked for at any depth.
    public var include: [FilePath] = []
    /// Patterns of which a source must match none.
    public var exclude: [FilePath] = []
    /// Whether directories are searched for files of any name, not just `MediaExtensions`.
    public var allFiles = false
    /// Files modified less than this long ago are left for the next run. Zero: none are.
    public var settle = Duration.zero
    /// The output directory, which is not searched. nil: records go to standard output.
    public var output: FilePath?
    /// The shard to keep. nil: all.
    public var shard: Part?
    /// Whether it is well that nothing is found.
    public var allowsEmpty = false

    /// Names nothing.
    public init() {}
  }

  /// Something among the inputs that cannot be worked on: it is not there, cannot be looked at, or has no name of its own.
  public struct Failure: Equatable, Sendable {
    /// What it is.
    public let path: FilePath
    /// Its source, where it is an input; nil for a directory, and for a name that no source can have.
    public let source: SourceName?
    /// The system's words, or what to do.
    public let reason: String
  }

  /// What of the directories' files is no input of the run: told at its end, so that nobody waits for records of them.
  public struct LeftOut: Equatable, Sendable {
    /// Files whose extension is none of `MediaExtensions`, by that extension in lower case; empty for files without one.
    public private(set) var files: [String: Int] = [:]
    /// Videos, images and directories that `include` and `exclude` do not want; what is in such a directory is not counted.
    public private(set) var unwanted = 0

    /// Nothing.
    public init() {}

    /// The extensions and how many files have each, the most frequent first.
    public var byExtension: [(name: String, count: Int)] {
      files.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map {
        (name: $0.key, count: $0.value)
      }
    }

    /// As `12 .heic, 3 .cr2, 1 without an extension`; at most eight extensions are named.
    public var words: String {
      let all = byExtension
      let named = all.prefix(8).map { entry in
        entry.name.isEmpty ? "\(entry.count) without an extension" : "\(entry.count) .\(entry.name)"
      }
      let rest = all.dropFirst(8).reduce(0) { $0 + $1.count }
      return (named + (rest > 0 ? ["\(rest) others"] : [])).joined(separator: ", ")
    }

    /// Counts a file by its name.
    mutating func add(fileNamed name: [UInt8]) {
      var ending = ""
      if let dot = name.lastIndex(of: UInt8(ascii: ".")), dot > 0 {
        ending = String(decoding: name[(dot + 1)...], as: UTF8.self).lowercased()
      }
      // A directory may hold a million names of generated endings: those are others.
      if files[ending] == nil && files.count >= Self.mostExtensions { ending = Self.other }
      files[ending, default: 0] += 1
    }

    mutating func addUnwanted() { unwanted += 1 }

    private static let mostExtensions = 1000
    private static let other = "…"
  }
}

/// How long ago a file must have been modified not to be taken for one that is still being written.
private struct SettlingAge {
  private let now: Int64
  private let age: Int64

  init(_ duration: Duration) {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    now = Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    age =
      duration.components.seconds * 1_000_000_000 + duration.components.attoseconds / 1_000_000_000
  }

  /// Whether the file is too young. A time that lies further ahead than that comes from a wrong clock, and such a
  /// file is not waited for.
  func covers(_ input: InputVersion) -> Bool {
    let (difference, overflows) = now.subtractingReportingOverflow(input.modificationTime)
    return !overflows && difference.magnitude < age
  }
}

import DetectionRecords
import Glibc
import SystemPackage

/// The inputs of a run, in the order of their records on standard output: as they were named, within a directory by
/// the bytes of the source.
///
/// The source of a file in a directory argument is its path below that directory; that of a file which was named
/// itself, or which a pattern or a list named, itself or by a directory, is the path as written, relative to the root
/// (see `WorklistSources`). Several directories that have files of equal names keep their own names before those.
public struct Worklist: Sendable {
  /// What to work on: this shard's.
  public private(set) var items: [WorkItem] = []
  /// What was modified too recently: this shard's.
  public private(set) var settling: [WorkItem] = []
  /// What cannot be worked on: this shard's files, and directories.
  public private(set) var failures: [WorklistFailure] = []
  /// What was left out and may surprise, one line each: output directories, loops of symbolic links.
  public private(set) var notes: [String] = []
  /// What directories hold beside the inputs, whatever its shard.
  public private(set) var leftOut = WorklistLeftOut()
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
  public init(_ request: WorklistRequest) throws(WorklistError) {
    var entries: [FilePath] = []
    for list in request.lists { entries += try WorklistFileList.paths(in: list) }
    let sources = WorklistSources(
      root: request.root, names: request.inputs + entries, in: workingDirectory)
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
    _ request: WorklistRequest, _ entries: [FilePath], _ sources: WorklistSources,
    keepsDirectoryNames: Bool
  ) throws(WorklistError) -> WorklistBuilder {
    var builder = WorklistBuilder(request, sources, keepsDirectoryNames: keepsDirectoryNames)
    var missing: [FilePath] = []
    for input in request.inputs where try !builder.add(argument: input) { missing.append(input) }
    if !missing.isEmpty { throw .missing(missing) }
    for entry in entries { builder.add(entry: entry) }
    builder.checkOutputs()
    return builder
  }

  /// Takes what this shard has to do with.
  private mutating func take(_ builder: inout WorklistBuilder, _ request: WorklistRequest) {
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

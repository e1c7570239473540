import DetectionRecords
import Glibc
import SystemPackage

/// The inputs of a run, in the order of their records on standard output: as they were named, within a directory by
/// the bytes of the source.
///
/// The source of a file in a directory argument is its path below that directory; that of a file which was named
/// itself, or which a pattern or a list named, itself or by a directory, is the path as written, relative to the root.
public struct Worklist: Sendable {
  /// What to work on: this shard's.
  public private(set) var items: [WorkItem] = []
  /// What was modified too recently: this shard's.
  public private(set) var settling: [WorkItem] = []
  /// What could not be looked at: this shard's files, and directories.
  public private(set) var accessFailures: [AccessFailure] = []
  /// What was left out and may surprise, one line each: output directories, loops of symbolic links.
  public private(set) var notes: [String] = []
  /// What directories hold beside the inputs, whatever its shard.
  public private(set) var leftOut = WorklistLeftOut()
  /// Inputs found, whatever their shard, those that still settle included.
  public private(set) var found = 0

  /// Looks for the inputs.
  ///
  /// Memory: about 240 bytes an input. Time: one look at each file; 200 000 files in 200 directories
  /// take 0.9 s (`detect-batch-dev records --search`).
  ///
  /// - Parameter request: What is wanted.
  /// - Throws: `WorklistError`, before anything is worked on.
  public init(_ request: WorklistRequest) throws(WorklistError) {
    var builder = WorklistBuilder(request)
    var missing: [FilePath] = []
    for input in request.inputs where try !builder.add(argument: input) { missing.append(input) }
    for list in request.lists {
      for path in try WorklistFileList.paths(in: list) where try !builder.add(entry: path) {
        missing.append(path)
      }
    }
    if !missing.isEmpty { throw .missing(missing) }
    try builder.checkOutputs()

    found = builder.items.count
    if found == 0 && builder.accessFailures.isEmpty && !request.allowsEmpty {
      throw .nothingFound(request.inputs + request.lists, builder.leftOut)
    }
    let age = SettlingAge(request.settle)
    let isOwn = { (source: SourceName?) in
      guard let shard = request.shard, let source else { return true }
      return shard.owns(source)
    }
    items = builder.items.filter { isOwn($0.source) && !age.covers($0.input) }
    settling = builder.items.filter { isOwn($0.source) && age.covers($0.input) }
    accessFailures = builder.accessFailures.filter { isOwn($0.source) }
    notes = builder.notes
    leftOut = builder.leftOut
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

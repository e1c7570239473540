import DetectionRecords
import SystemPackage

/// What the user named as inputs, and which of what is found there is wanted.
public struct WorklistRequest: Sendable {
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

/// Something among the inputs that cannot be worked on: it is not there, cannot be looked at, or has no name of its own.
public struct WorklistFailure: Equatable, Sendable {
  /// What it is.
  public let path: FilePath
  /// Its source, where it is an input; nil for a directory, and for a name that no source can have.
  public let source: SourceName?
  /// The system's words, or what to do.
  public let reason: String
}

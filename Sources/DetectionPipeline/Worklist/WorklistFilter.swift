import DetectionRecords
import Files
import SystemPackage

/// Which of the files found are wanted, by name.
struct WorklistFilter {
  private let included: [SourcePattern]
  private let excluded: [SourcePattern]
  private let allFiles: Bool

  init(_ request: WorklistRequest) {
    included = request.include.map { SourcePattern($0.bytes) }
    excluded = request.exclude.map { SourcePattern($0.bytes) }
    allFiles = request.allFiles
  }

  /// Whether every source is wanted.
  var wantsAll: Bool { included.isEmpty && excluded.isEmpty }

  /// Whether a file of this name is taken from a directory.
  func searchesFor(_ name: [UInt8]) -> Bool { allFiles || MediaExtensions.includes(name) }

  /// Whether `--exclude` names the source, or a directory that it is in.
  func excludes(_ components: [ArraySlice<UInt8>]) -> Bool {
    excluded.contains { $0.matches(components) }
  }

  /// Whether `--include` and `--exclude` leave the source in.
  func wants(_ components: [ArraySlice<UInt8>]) -> Bool {
    (included.isEmpty || included.contains { $0.matches(components) }) && !excludes(components)
  }
}

/// A pattern that names sources: the one it matches, and all below a directory it matches. Without a slash it is
/// looked for at any depth; a slash at the beginning only ties it to the top.
struct SourcePattern {
  private let glob: Glob
  private let isTiedToTop: Bool

  init(_ pattern: [UInt8]) {
    glob = Glob(pattern)
    isTiedToTop = pattern.dropLast().contains(UInt8(ascii: "/"))
  }

  func matches(_ components: [ArraySlice<UInt8>]) -> Bool {
    components.indices.contains { last in
      glob.matches(isTiedToTop ? components[...last] : components[last...last])
    }
  }
}

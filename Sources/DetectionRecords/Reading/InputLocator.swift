import Files
import SystemPackage

/// Finds the files that records were made from: a record says only `source`, a path below some directory.
///
/// Where a directory is given, the file is that one's `source`. Else it is where the manifest of the output directory
/// says that it was when the records were made, else where `source` leads from the working directory.
public struct InputLocator {
  private let root: FilePath?
  /// The manifests of the output directories met so far; nil where one cannot be read, and tells nothing.
  private var manifests: [OutputDirectory: Manifest?] = [:]
  /// The last answer, for the lines of one input follow each other.
  private var last: (source: SourceName, file: RecordFile, path: FilePath)?

  /// A locator.
  ///
  /// - Parameter root: The directory that sources count from, if one is given (`--root`).
  public init(root: FilePath? = nil) { self.root = root }

  /// The file that a record is about.
  ///
  /// - Throws: `RecordReadingError.lostInput` where it is in none of the places.
  public mutating func path(of line: RecordLine) throws(RecordReadingError) -> FilePath {
    if let last, last.source == line.source, last.file == line.file { return last.path }
    var places: [FilePath] = []
    if let root {
      places = [root.pushing(line.source.path)]
    } else {
      if let path = recorded(line) { places.append(path) }
      places.append(line.source.path)
    }
    for path in places where Self.isFile(path) {
      last = (line.source, line.file, path)
      return path
    }
    throw .lostInput(line.source, line.file, tried: places)
  }

  /// Where the manifest says that the file was.
  private mutating func recorded(_ line: RecordLine) -> FilePath? {
    entry(of: line)?.origin?.path(of: line.source)
  }

  /// What the manifest of the output directory that a record lies in says of its input, or of the segment of it; nil
  /// where it lies in none, or nothing is said.
  public mutating func entry(of line: RecordLine) -> ManifestEntry? {
    guard let output = line.file.output else { return nil }
    let manifest: Manifest?
    if let known = manifests[output] {
      manifest = known
    } else {
      // A manifest that cannot be read is one that says nothing: there are other places, and an error that names them.
      manifest = try? Manifest(reading: output, RunPartition())
      manifests[output] = .some(manifest)
    }
    guard let manifest else { return nil }
    for segment in [nil, Part(segmentIn: line.file)] {
      // As above.
      if let entry = try? manifest.entry(for: line.source, segment: segment) { return entry }
    }
    return nil
  }

  private static func isFile(_ path: FilePath) -> Bool {
    // What cannot be looked at is not there for this reader.
    guard let type = (try? Stat(path))?.type else { return false }
    return type != .directory
  }
}

extension Part {
  /// The segment whose records a file has, by its name `<source>.segment-I-of-N.jsonl`; nil for a whole input's.
  fileprivate init?(segmentIn file: RecordFile) {
    guard let name = file.path?.lastComponent?.string,
      let match = name.wholeMatch(of: /.*\.segment-([0-9]+)-of-([0-9]+)\.jsonl/)
    else { return nil }
    self.init("\(match.1)/\(match.2)")
  }
}

import Digests
import Files
import Glibc
import SystemPackage

/// Where the parts of an output directory are.
///
///     OUT/<source>.jsonl                                          a finished input's records
///     OUT/<source>.segment-I-of-N.jsonl                           those of one segment of it
///     OUT/.detect-batch/manifest.log                              what a run of everything has finished
///     OUT/.detect-batch/manifest-I-of-N.log                       what shard I of N has
///     OUT/.detect-batch/manifest[-I-of-N]-segment-I-of-N.log      what a run of one segment has
///     OUT/.detect-batch/settings/<settings digest>                what the digest is the digest of
///     OUT/.detect-batch/models/<model's SHA-256>                  what the model is called, and its classes
///     OUT/.detect-batch/locks/                                    see `RunLock`
///     OUT/.detect-batch/partial/<source>.<settings digest>.<size>-<modification time>
///                                                                 records of an input that is being worked on
///
/// Every `*.jsonl` is records, so that `OUT/**/*.jsonl` is a table; the first version's manifests had that ending too
/// (see `Manifest.takeOver`). Parts are counted from 1. The partial file's name says which version of the input and which settings it was made
/// from, so that a changed input starts anew; a name that would be too long has its last component replaced by the
/// SHA-256 of it.
public struct OutputDirectory: Hashable, Sendable {
  /// The directory that holds all state, and by which an output directory is known.
  public static let stateName = ".detect-batch"

  /// The directory itself.
  public let path: FilePath

  /// Names a directory; nothing is made.
  public init(_ path: FilePath) { self.path = path }

  /// Makes the directory and its state, as far as they are missing.
  ///
  /// - Throws: `FileError.cannotCreate`, or `.writeFailed` on a full disk.
  public func create() throws(FileError) {
    try OpenFile.createDirectories(locks)
    try OpenFile.createDirectories(partials)
  }

  /// The final file of an input's records, or of one segment's.
  public func recordFile(for source: SourceName, segment: Part? = nil) -> FilePath {
    path.pushing(FilePath(bytes: OutputName(source, segment).bytes + Array(".jsonl".utf8)))
  }

  /// The manifest that a run appends to.
  public func manifestFile(_ partition: RunPartition) -> FilePath {
    state.appending("manifest" + partition.fileSuffix + ".log")
  }

  /// Whether a directory is an output directory: its state is there.
  public static func isOutputDirectory(_ path: FilePath) -> Bool {
    // What cannot be looked at is not known to be one.
    (try? Stat(path.appending(stateName)))?.type == .directory
  }

  /// The text that a settings digest is the digest of, as an earlier run kept it; nil where none did.
  public func settings(_ digest: String) -> String? {
    // Settings that cannot be read are settings that are not known.
    guard let bytes = try? WholeFile.read(settingsFile(digest), limit: 1 << 20),
      SHA256Digest.hexadecimal(of: bytes) == digest
    else { return nil }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Keeps the text that a settings digest is the digest of.
  public func keepSettings(_ digest: String, _ text: String) throws(FileError) {
    if settings(digest) == nil { try keep(text, in: settingsFile(digest)) }
  }

  /// What an earlier run said of the model whose file has this SHA-256: a line `name NAME`, then a line
  /// `class INDEX LABEL` for each class; nil where none said it.
  public func model(_ digest: String) -> String? {
    // A text that cannot be read is one that is not known.
    guard let bytes = try? WholeFile.read(modelFile(digest), limit: 1 << 20) else { return nil }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Keeps what `model` tells; the last name counts.
  public func keepModel(_ digest: String, _ text: String) throws(FileError) {
    if model(digest) != text { try keep(text, in: modelFile(digest)) }
  }

  private func keep(_ text: String, in file: FilePath) throws(FileError) {
    try OpenFile.createDirectories(file.removingLastComponent())
    // Shards may come here together, with the same text. Lost with the power, it is written again.
    do throws(AtomicFile.Failure) {
      try AtomicFile.replace(file, with: text.utf8, isDurable: false)
    } catch {
      throw error.error(of: file)
    }
  }

  private func settingsFile(_ digest: String) -> FilePath {
    state.appending("settings").appending(digest)
  }

  private func modelFile(_ digest: String) -> FilePath {
    state.appending("models").appending(digest)
  }

  var state: FilePath { path.appending(Self.stateName) }
  var locks: FilePath { state.appending("locks") }
  var partials: FilePath { state.appending("partial") }

  func recordFile(_ key: OutputKey) -> FilePath {
    recordFile(for: key.source, segment: key.segment)
  }

  /// The bytes of `recordFile(_:)`, for many of them.
  func recordFileBytes(_ key: OutputKey) -> [UInt8] {
    path.bytes + [UInt8(ascii: "/")] + OutputName(key).bytes + Array(".jsonl".utf8)
  }

  /// Whether records of an input that was worked on are there to be continued.
  public func hasPartial(_ key: OutputKey) -> Bool {
    // What cannot be looked at cannot be continued either.
    (try? Stat(partialFile(key))) != nil
  }

  func partialFile(_ key: OutputKey) -> FilePath {
    let place = partialPlace(key)
    return partialDirectory(place.directory)
      .pushing(FilePath(bytes: place.stem + Array(key.versionSuffix.utf8)))
  }

  /// Removes the partial files of the same output that were made from another version of the input or with other
  /// settings.
  func removeStalePartials(_ key: OutputKey) throws(FileError) {
    let place = partialPlace(key)
    let current = Array(key.versionSuffix.utf8)
    let directory = partialDirectory(place.directory)
    for name in try OpenFile.names(in: directory) ?? [] where name.starts(with: place.stem) {
      let suffix = name[place.stem.count...]
      if suffix.elementsEqual(current) || !OutputKey.isVersionSuffix(suffix) { continue }
      try OpenFile.remove(directory.pushing(FilePath(bytes: name)))
    }
  }

  /// Removes an output: its final file, what is left of work on it, and the directories that hold nothing else.
  public func removeOutput(_ key: OutputKey) throws(FileError) {
    try OpenFile.remove(recordFile(key))
    try removeStalePartials(key)
    try OpenFile.remove(partialFile(key))
    for (top, file) in [(path, recordFile(key)), (partials, partialFile(key))] {
      var directory = file.removingLastComponent()
      while directory != top, directory.withPlatformString({ rmdir($0) }) == 0 {
        directory.removeLastComponent()
      }
    }
  }

  /// The directory of an output's partial files, below that of all, and what their names begin with.
  func partialPlace(_ key: OutputKey) -> (directory: ArraySlice<UInt8>, stem: [UInt8]) {
    let name = OutputName(key).bytes
    let slash = name.lastIndex(of: UInt8(ascii: "/"))
    let last = Array(name[(slash.map { $0 + 1 } ?? 0)...])
    return (
      name[..<(slash ?? 0)],
      last.count <= Self.stemLimit ? last : Array(SHA256Digest.hexadecimal(of: last).utf8)
    )
  }

  /// A directory that `partialPlace` tells.
  func partialDirectory(_ directory: ArraySlice<UInt8>) -> FilePath {
    directory.isEmpty ? partials : partials.pushing(FilePath(bytes: directory))
  }

  /// Bytes that a partial file's name may have before its suffix of at most 106, for 255 in all.
  private static let stemLimit = 140
}

/// What one output file is the output of.
public struct OutputKey: Hashable, Sendable {
  /// The input's name.
  public var source: SourceName
  /// The segment of it, or nil for the whole.
  public var segment: Part?
  /// The version of the input.
  public var input: InputVersion
  /// The digest of the settings that decide the bytes, in hexadecimal.
  public var settingsDigest: String

  /// A key from its parts.
  public init(source: SourceName, segment: Part? = nil, input: InputVersion, settingsDigest: String)
  {
    precondition(
      Self.isDigest(settingsDigest),
      "the settings digest '\(settingsDigest)' is not hexadecimal")
    self.source = source
    self.segment = segment
    self.input = input
    self.settingsDigest = settingsDigest
  }

  /// Whether a text is hexadecimal digits.
  static func isDigest(_ text: some StringProtocol) -> Bool {
    !text.isEmpty
      && text.utf8.allSatisfy { ((0x30...0x39).contains($0) || (0x61...0x66).contains($0 | 0x20)) }
  }

  /// What the name of a partial file says of what it was made from.
  var versionSuffix: String { ".\(settingsDigest).\(input.size)-\(input.modificationTime)" }

  /// Whether the end of a file name is what `versionSuffix` makes of some version.
  static func isVersionSuffix(_ bytes: ArraySlice<UInt8>) -> Bool {
    let fields = String(decoding: bytes, as: UTF8.self)
      .split(separator: ".", omittingEmptySubsequences: false)
    return fields.count == 3 && fields[0].isEmpty && isDigest(fields[1]) && !fields[2].isEmpty
      && fields[2].allSatisfy { $0.isNumber || $0 == "-" }
  }
}

/// What outputs are told apart by: the source, and the segment of it.
struct OutputName: Hashable, Sendable {
  let source: SourceName
  let segment: Part?

  init(_ source: SourceName, _ segment: Part?) {
    self.source = source
    self.segment = segment
  }

  init(_ key: OutputKey) { self.init(key.source, key.segment) }

  /// The name below the output directory, without `.jsonl`.
  var bytes: [UInt8] {
    source.bytes + Array((segment.map { ".segment-" + $0.fileName } ?? "").utf8)
  }
}

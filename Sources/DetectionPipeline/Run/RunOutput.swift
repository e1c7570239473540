import DetectionRecords
import Files
import RetinaNetModel
import Synchronization
import SystemPackage

/// A run's output, open: what is there of earlier runs, and where this one's records go.
struct RunOutput: Sendable {
  let destination: any RecordDestination
  /// What is there of earlier runs; nil for standard output, which remembers nothing.
  let history: OutputHistory?
  /// What this run is at; nil for standard output, and for a run that does nothing.
  let inHand: InputsInHand?
  /// Held until the run is over.
  private let lock: RunLock?

  /// Standard output.
  init() {
    destination = StandardOutputDestination(output: StandardOutput())
    history = nil
    inHand = nil
    lock = nil
  }

  /// A directory.
  ///
  /// Another run that holds it is waited for as long as `whileLocked` says so. Without it, the directory is neither
  /// made nor locked, only looked at: for a run that does nothing.
  init(
    _ path: FilePath, _ partition: RunPartition, settings: SettingsDigest, model: RunModel,
    whileLocked: ((FileError) -> Bool)?
  ) throws(FileError) {
    let output = OutputDirectory(path)
    let manifest: Manifest
    if let whileLocked {
      try output.create()
      lock = try RunLock(output, partition, whileLocked: whileLocked)
      manifest = try Manifest(output, partition)
      inHand = try InputsInHand(output, partition)
      try output.keepSettings(settings.hexadecimal, settings.text)
      try output.keepModel(model.digest, model.text)
    } else {
      lock = nil
      inHand = nil
      manifest = try Manifest(reading: output, partition)
    }
    history = OutputHistory(output, manifest, partition, settings, inHand)
    destination = DirectoryDestination(
      output: output, manifest: manifest, segment: partition.segment,
      settingsDigest: settings.hexadecimal, inHand: inHand)
  }
}

/// What an output directory holds of earlier runs, as far as a run has to decide by it.
final class OutputHistory: Sendable {
  private let output: OutputDirectory
  private let manifest: Manifest
  private let partition: RunPartition
  private let settings: SettingsDigest
  private let inHand: InputsInHand?
  private let workingDirectory = WorkingDirectory()
  private let cache = Mutex(Cache())

  private struct Cache {
    /// Earlier settings by their digests; nil for those that nobody kept.
    var settings: [String: SettingsText?] = [:]
    /// The directory that was asked for last, and its absolute path: nearly always the same one.
    var base: FilePath?
    var root: FilePath = "/"
  }

  init(
    _ output: OutputDirectory, _ manifest: Manifest, _ partition: RunPartition,
    _ settings: SettingsDigest, _ inHand: InputsInHand?
  ) {
    self.inHand = inHand
    self.output = output
    self.manifest = manifest
    self.partition = partition
    self.settings = settings
  }

  /// Whether an input's output is surely complete and without a failure. If the answer is no, `prior` tells more.
  func isComplete(_ item: WorkItem) -> Bool {
    manifest.isComplete(
      OutputKey(
        source: item.source, segment: partition.segment, input: item.input,
        settingsDigest: settings.hexadecimal), root: root(of: item.base))
  }

  /// What is there of an input's output, and whether an earlier run began on it.
  func prior(_ item: WorkItem) throws(FileError) -> (output: PriorOutput, isBegun: Bool) {
    var key = OutputKey(
      source: item.source, input: item.input, settingsDigest: settings.hexadecimal)
    if let segment = partition.segment {
      // A whole that segments were put together to has no need of them again.
      let whole = try manifest.prior(key)
      if case .complete = whole { return (whole, false) }
      key.segment = segment
    }
    let prior = try manifest.prior(key)
    if case .complete = prior { return (prior, false) }
    return (prior, output.hasPartial(key))
  }

  /// How many runs in a row ended without a word while they were at this input.
  func endings(_ item: WorkItem) -> Int {
    inHand?.endings(
      OutputKey(
        source: item.source, segment: partition.segment, input: item.input,
        settingsDigest: settings.hexadecimal)) ?? 0
  }

  /// Which settings differ from those that an output was made with, in words; nil where nobody kept those.
  func changes(since entry: ManifestEntry) -> String? {
    earlier(entry).map { SettingsText(settings.text).changes(since: $0) }
  }

  /// Whether the output has records of frames that would not be looked at now.
  func takesFewerFrames(than entry: ManifestEntry) -> Bool {
    guard let old = earlier(entry) else { return false }
    return SettingsText(settings.text).takesFewerFrames(than: old, which: entry.frames)
  }

  private func earlier(_ entry: ManifestEntry) -> SettingsText? {
    cache.withLock { cache in
      let digest = entry.key.settingsDigest
      if let known = cache.settings[digest] { return known }
      let text = output.settings(digest).map(SettingsText.init)
      cache.settings[digest] = .some(text)
      return text
    }
  }

  /// The file that an output was made from, if that is another than an input of the same source: another path, and
  /// either the file there is still another, or it is gone and neither inode nor version are those of the input, so
  /// that it cannot just have been moved. nil for entries of the first version, which do not tell.
  func otherFile(_ entry: ManifestEntry, than item: WorkItem) -> FilePath? {
    guard let origin = entry.origin, origin.root != root(of: item.base) else { return nil }
    let path = origin.path(of: entry.key.source)
    // An input that cannot be looked at is told of when it is opened.
    guard let own = FileIdentity(of: item.path) else { return nil }
    if let other = FileIdentity(of: path) { return other == own ? nil : path }
    return origin.isSameFile(as: own) || entry.key.input == item.input ? nil : path
  }

  private func root(of base: FilePath) -> FilePath {
    cache.withLock { cache in
      if cache.base != base {
        cache.base = base
        cache.root = workingDirectory.absolute(base)
      }
      return cache.root
    }
  }
}

extension InputOrigin {
  fileprivate func isSameFile(as other: FileIdentity) -> Bool {
    other.isFile(device: device, inode: inode)
  }
}

/// Outputs whose inputs are gone.
extension OutputHistory {
  /// Finds outputs that `prior` was not asked about, whose input lay in a directory that was searched and is there no
  /// more.
  ///
  /// - Parameter searched: absolute paths; none in which nothing at all was found, for that may be a disk that is not
  ///   mounted.
  /// - Returns: what they are the outputs of.
  /// - Throws: why the manifests cannot be read again.
  func findGone(below searched: [FilePath]) throws(FileError) -> [OutputKey] {
    var gone: [OutputKey] = []
    var places = MissingPlaces()
    try manifest.forEachUnasked { entry in
      guard let path = entry.origin?.path(of: entry.key.source),
        searched.contains(where: { path.starts(with: $0) }),
        partition.segment == nil || entry.key.segment == nil
          || entry.key.segment == partition.segment,
        FileIdentity.isMissing(path), !places.mayBeUnmounted(path, device: entry.origin?.device)
      else { return }
      gone.append(entry.key)
    }
    return gone.sorted { $0.source < $1.source }
  }

  /// Removes outputs.
  func remove(_ keys: [OutputKey]) throws(FileError) {
    for key in keys { try output.removeOutput(key) }
  }
}

/// Tells what was removed from what lies on a disk that is not mounted.
private struct MissingPlaces {
  private enum Place {
    case inhabited
    case empty(device: UInt64)
    /// As behind a link that leads nowhere.
    case unseen
  }

  /// By path that is there.
  private var known: [FilePath: Place] = [:]

  /// Whether the way to a path that is not there ends in a link that leads nowhere, or in an empty directory of another
  /// device than its file was on.
  mutating func mayBeUnmounted(_ path: FilePath, device: UInt64?) -> Bool {
    var place = path
    while place.removeLastComponent() {
      guard known[place] != nil || FileIdentity.exists(place) else { continue }
      let found = known[place] ?? Self.look(at: place)
      known[place] = found
      return switch found {
      case .inhabited: false
      case .empty(let there): there != device
      case .unseen: true
      }
    }
    return true
  }

  private static func look(at place: FilePath) -> Place {
    // Whatever the reason why it cannot be looked at: that proves nothing gone.
    guard let entries = try? DirectoryListing(place).entries, let status = try? Stat(place) else {
      return .unseen
    }
    return entries.isEmpty ? .empty(device: UInt64(status.deviceID.rawValue)) : .inhabited
  }
}

import Digests
import Files
import Synchronization
import SystemPackage

/// What the runs so far have finished, and the place where an input becomes finished.
///
/// `publish` goes through these steps, and the next run repairs whatever a crash leaves (L: this version's line in the
/// manifest, P: the partial file, F: the final file, old or missing or new):
///
/// | crash after | on the disk | the next run |
/// | --- | --- | --- |
/// | 0. all lines appended | P | continues P, and finds nothing left to do |
/// | 1. P synchronised | P | the same |
/// | 2. line appended, perhaps torn | P, part of L | cuts the torn line; the same |
/// | 3. manifest synchronised | P, L, F old or missing | P has the bytes that L tells: finishes the renaming |
/// | 4. P renamed to F | L, F new | done, or as 3 if the power went before step 5 |
/// | 5., 6. directories synchronised | L, F new | done |
///
/// A line of the manifest whose P is gone and whose F has another size counts for nothing, as does an F without a
/// line: such an input is worked on again. Where manifests of several partitions tell of one output, the SHA-256 of
/// F decides which of them is true.
public final class Manifest: Sendable {
  private let output: OutputDirectory
  private let file: OpenFile?
  private let state: Mutex<State>
  private let durable = Mutex(Durable())
  /// Called after each step of `publish`, by its number; throwing ends it there, as a crash would.
  let afterStep: @Sendable (Int) throws(FileError) -> Void

  private struct State {
    var entries = ManifestEntries()
    /// Bytes of whole lines in this run's own manifest.
    var size: Int64 = 0
    var partials: PartialListing
  }

  /// How far the manifest is known to be on the disk.
  private struct Durable {
    var size: Int64 = 0
    var failure: FileError?
  }

  /// Reads all manifests of an output directory and opens this run's own to append to; a torn last line is cut off
  /// first, and manifests of the first version get the names that they have now. The caller holds the `RunLock`.
  public convenience init(
    _ output: OutputDirectory, _ partition: RunPartition
  ) throws(FileError) {
    try self.init(output, partition, isReadOnly: false)
  }

  /// Reads all manifests of an output directory, which need not exist, to look and change nothing.
  public convenience init(
    reading output: OutputDirectory, _ partition: RunPartition
  ) throws(FileError) {
    try self.init(output, partition, isReadOnly: true)
  }

  init(
    _ output: OutputDirectory, _ partition: RunPartition, isReadOnly: Bool,
    afterStep: @escaping @Sendable (Int) throws(FileError) -> Void = { _ in }
  ) throws(FileError) {
    self.output = output
    self.afterStep = afterStep
    if !isReadOnly { try Self.takeOver(output) }
    var state = State(partials: PartialListing(output))
    let own = output.manifestFile(partition)
    for path in try Self.manifests(of: output) where path != own {
      _ = try state.entries.read(OpenFile(path, .readOnly), partition)
    }
    if isReadOnly {
      file = nil
      if try OpenFile.metadata(own) != nil {
        _ = try state.entries.read(OpenFile(own, .readOnly), partition)
      }
    } else {
      let file = try OpenFile(own, .readWrite, options: [.create, .append])
      state.size = try state.entries.read(file, partition)
      if try file.size() != state.size { try file.truncate(to: state.size) }
      try OpenFile.syncDirectory(output.state)
      self.file = file
    }
    self.state = Mutex(state)
  }

  static func manifests(of output: OutputDirectory) throws(FileError) -> [FilePath] {
    try names(of: output, endingWith: ".log").map { output.state.pushing(FilePath(bytes: $0)) }
      + firstVersion(of: output)
  }

  private static func names(
    of output: OutputDirectory, endingWith suffix: String
  ) throws(FileError) -> [[UInt8]] {
    let names = try OpenFile.names(in: output.state) ?? []
    return names.filter { name in
      name.starts(with: "manifest".utf8)
        && name.suffix(suffix.utf8.count).elementsEqual(suffix.utf8)
    }
  }

  /// The manifests that still have a name of the first version.
  private static func firstVersion(
    of output: OutputDirectory
  ) throws(FileError) -> [FilePath] {
    try names(of: output, endingWith: ".jsonl").map { output.state.pushing(FilePath(bytes: $0)) }
  }

  /// Gives the manifests of the first version, `manifest….jsonl`, the ending that they have now; their lines stay what
  /// they are. Where there is one of the new name too, for the first version was used again, it gets a number.
  private static func takeOver(_ output: OutputDirectory) throws(FileError) {
    if try firstVersion(of: output).isEmpty { return }
    // Other shards may begin at the same time: behind the gate each name is changed once.
    let gate = try RunLock.gate(of: output)
    for old in try firstVersion(of: output) {
      let stem = old.bytes.dropLast(".jsonl".utf8.count)
      var new = FilePath(bytes: stem + Array(".log".utf8))
      var number = 1
      while try OpenFile.metadata(new) != nil {
        new = FilePath(bytes: stem + Array(".\(number).log".utf8))
        number += 1
      }
      try OpenFile.rename(old, to: new)
    }
    try OpenFile.syncDirectory(output.state)
    withExtendedLifetime(gate) {}
  }
}

/// What is there of an output before a run.
public enum PriorOutput: Equatable, Sendable {
  /// Nothing.
  case none
  /// The output of this version of the input with these settings, whole; a failure in the data is one too.
  case complete(ManifestEntry)
  /// A whole output of another version of the input or of other settings.
  case stale(ManifestEntry)
  /// A file that no manifest vouches for.
  case unrecorded
}

extension Manifest {
  /// Whether an output is surely complete, without a failure, and made from the file of this root: what a night's run
  /// finds of nearly all outputs of an archive. If the answer is no, `prior` tells more.
  ///
  /// Cost: one look at the file system.
  public func isComplete(_ key: OutputKey, root: FilePath) -> Bool {
    let size = state.withLock { state in
      state.partials.mayHold(key) ? nil : state.entries.completeSize(key, root: root)
    }
    guard let size, let final = try? Stat(ofBytes: output.recordFileBytes(key)) else {
      return false
    }
    return final.size == size && final.type == .regular
  }

  /// Says what is there of an output, after finishing a renaming that a crash left undone.
  ///
  /// Cost: one look at the file system, and one at each directory's partial files, so that asking in the order of the
  /// names is cheapest; a partial file is read where it has the size that the manifest tells, the final file
  /// only where manifests contradict each other. What this run has itself
  /// begun in the meantime is not seen.
  public func prior(_ key: OutputKey) throws(FileError) -> PriorOutput {
    let name = OutputName(key)
    let (candidates, mayHavePartial) = try state.withLock { state throws(FileError) in
      (try state.entries.candidates(name), state.partials.mayHold(key))
    }
    let wanted = mayHavePartial ? candidates.filter { $0.key == key } : []
    if !wanted.isEmpty, let partial = try OpenFile.metadata(output.partialFile(key)),
      let entry = try finished(wanted, output.partialFile(key), size: partial.size)
    {
      if file != nil { try finishRenaming(key) }
      return .complete(entry)
    }

    let path = output.recordFile(key)
    let there = try FileError.ofOneInput { () throws(FileError) in
      try OpenFile.metadata(path)
    }
    guard let final = there else { return .none }
    if final.type == .directory { throw .creating(path, .isDirectory) }
    var matching = candidates.filter { $0.outputSize == final.size }
    if Set(matching.map(\.outputDigest)).count > 1 {
      let digest = try OpenFile.digest(of: path)
      matching.removeAll { $0.outputDigest != digest }
    }
    if let entry = matching.first(where: { $0.key == key }) { return .complete(entry) }
    return matching.first.map(PriorOutput.stale) ?? .unrecorded
  }

  /// The entry that a partial file is the whole output of. By its bytes: made again, it can have an earlier making's size
  /// before it is on the disk.
  private func finished(
    _ entries: [ManifestEntry], _ partial: FilePath, size: Int64
  ) throws(FileError) -> ManifestEntry? {
    let entries = entries.filter { $0.outputSize == size }
    if entries.isEmpty { return nil }
    let digest = try OpenFile.digest(of: partial)
    return entries.first { $0.outputDigest == digest }
  }

  /// What is said of the output of a source, or of one segment of it: the entry that its file agrees with, as far as
  /// its size tells, else the last one; nil where nothing is said.
  public func entry(
    for source: SourceName, segment: Part? = nil
  ) throws(FileError) -> ManifestEntry? {
    let entries = try state.withLock { state throws(FileError) in
      try state.entries.candidates(OutputName(source, segment))
    }
    guard entries.count > 1 else { return entries.first }
    let size = try OpenFile.metadata(output.recordFile(for: source, segment: segment))?.size
    return entries.last { $0.outputSize == size } ?? entries.last
  }

  /// Makes a partial file the final one and writes it into the manifest. Any thread may call it, and several together
  /// share the waiting for the disk: 23 ms an input by one thread, 0.8 ms by eight (`detect-batch-dev records`).
  ///
  /// - Parameters:
  ///   - partial: All of the input's records; nothing may be appended to it any more.
  ///   - outcome: What came of the input.
  ///   - origin: Which file it was.
  /// - Returns: The entry that was written.
  /// - Throws: `FileError`; the partial file then stays to be continued.
  @discardableResult
  public func publish(
    _ partial: PartialFile, _ outcome: InputOutcome, origin: InputOrigin? = nil
  ) throws(FileError) -> ManifestEntry {
    guard let file else { preconditionFailure("publishing through a manifest opened to be read") }
    let key = partial.key
    let content = try partial.seal()
    if try OpenFile.metadata(partial.finalPath) != nil {
      // Were the new name of the partial file lost with the power, the old final file could pass for the new one.
      try OpenFile.syncDirectory(partial.path.removingLastComponent())
    }
    try afterStep(1)

    let progress = partial.progress
    let entry = ManifestEntry(
      key: key, origin: origin, outcome: outcome, frames: progress.frames,
      detections: progress.detections,
      outputSize: content.size, outputDigest: content.digest)
    let line = entry.line
    let size = try state.withLock { state throws(FileError) in
      if try !file.hasName() { throw .removed(output) }
      do throws(FileError) {
        try file.write(line)
      } catch {
        // A disk that is full may have taken half of the line; the next one must not be glued to it.
        try file.truncate(to: state.size)
        throw error
      }
      state.size += Int64(line.count)
      return state.size
    }
    try afterStep(2)
    try sync(file, upTo: size)
    try afterStep(3)
    state.withLock { state in
      state.entries.set(entry, lineAt: size - Int64(line.count), length: line.count)
    }
    try finishRenaming(key)
    return entry
  }

  /// Returns when the first `size` bytes of the manifest are on the disk: at once where another thread's
  /// synchronisation has covered them.
  private func sync(_ file: OpenFile, upTo size: Int64) throws(FileError) {
    try durable.withLock { durable throws(FileError) in
      if let failure = durable.failure { throw failure }
      if durable.size >= size { return }
      let written = state.withLock { $0.size }
      do throws(FileError) {
        try file.sync()
      } catch {
        // The system tells of lost bytes once, and to one caller only.
        durable.failure = error
        throw error
      }
      durable.size = written
    }
  }

  private func finishRenaming(_ key: OutputKey) throws(FileError) {
    let partial = output.partialFile(key)
    let final = output.recordFile(key)
    do throws(FileError) {
      try OpenFile.move(partial, to: final)
    } catch .cannotCreate {
      // The directory of the final name may have been taken away; anything else in its way is this input's trouble
      // alone, for the partial file is where it was.
      guard try OpenFile.metadata(partial) != nil else { throw .removed(output) }
      try FileError.ofOneInput { () throws(FileError) in
        try OpenFile.createDirectories(final.removingLastComponent())
        try OpenFile.move(partial, to: final)
      }
    }
    try afterStep(4)
    try OpenFile.syncDirectory(final.removingLastComponent())
    try afterStep(5)
    try OpenFile.syncDirectory(partial.removingLastComponent())
    try afterStep(6)
  }
}

extension Manifest {
  /// Hands out the outputs that are there and that nobody has asked about by `prior`, as the manifests tell of them.
  ///
  /// Cost: one look at the file system for each.
  public func forEachUnasked(
    _ body: (ManifestEntry) throws(FileError) -> Void
  ) throws(FileError) {
    try state.withLock { state throws(FileError) in
      try state.entries.forEachUnasked { (entries) throws(FileError) in
        for entry in entries {
          // What cannot be looked at is not there for whoever asks.
          let final = try? OpenFile.metadata(output.recordFile(entry.key))
          guard let final, final.type == .regular, final.size == entry.outputSize else { continue }
          return try body(entry)
        }
      }
    }
  }
}

/// The names of partial files, directory by directory: nearly always there are none.
private struct PartialListing {
  private let output: OutputDirectory
  /// The directory that was listed last.
  private var directory: [UInt8]?
  private var names: Set<[UInt8]> = []

  init(_ output: OutputDirectory) { self.output = output }

  /// Whether there may be a partial file of an output. Where the names cannot be read there is none to go on with, and
  /// whoever begins one is told why.
  mutating func mayHold(_ key: OutputKey) -> Bool {
    let bytes = key.source.bytes
    let own = bytes[..<(bytes.lastIndex(of: UInt8(ascii: "/")) ?? 0)]
    if directory.map({ !$0.elementsEqual(own) }) ?? true {
      names = Set((try? OpenFile.names(in: output.partialDirectory(own))) ?? [])
      directory = Array(own)
    }
    return !names.isEmpty
      && names.contains(output.partialPlace(key).stem + Array(key.versionSuffix.utf8))
  }
}

extension OpenFile {
  /// The SHA-256 of a file.
  fileprivate static func digest(of path: FilePath) throws(FileError) -> String {
    do {
      return try SHA256Digest.hexadecimal(ofFile: path)
    } catch {
      throw .cannotCreate(path, reason: "reading the old one failed: \(error)")
    }
  }
}

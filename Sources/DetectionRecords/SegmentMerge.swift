import Digests
import Files
import SystemPackage

/// Puts the record files of an input's segments together into the file that one run over the whole input would have
/// written.
///
/// A segment that ended with a failure ends the whole: what later segments have lies beyond it. The whole is published
/// as any input is, so that a run without segments finds it complete.
public struct SegmentMerge: Sendable {
  /// What became of one input.
  public enum Outcome: Equatable, Sendable {
    /// The whole was written from so many segments; `left` are the files of others, under other settings.
    case merged(segments: Int, frames: Int, left: [FilePath])
    /// The whole was there already; `left` as above.
    case alreadyWhole(left: [FilePath])
    /// Some segments are not finished, or were made from other versions of the input or other settings.
    case incomplete(missing: [Part])
  }

  private let output: OutputDirectory
  private let manifest: Manifest
  private let lock: RunLock
  private let inputs: [SourceName: [ManifestEntry]]

  /// Locks an output directory and reads what its manifests tell of segments.
  ///
  /// - Throws: `FileError.locked` while a run holds the directory; or why the directory cannot be used.
  public init(_ output: OutputDirectory) throws(FileError) {
    self.output = output
    try output.create()
    lock = try RunLock(output, RunPartition())
    manifest = try Manifest(output, RunPartition())
    var entries: [OutputName: [ManifestEntry]] = [:]
    for path in try Manifest.manifests(of: output) {
      _ = try OpenFile(path, .readOnly).scanLines { line in
        if let entry = ManifestEntry(line: line), entry.key.segment != nil {
          entries[OutputName(entry.key), default: []].append(entry)
        }
        return true
      }
    }
    // Of several, from manifests in any order, the one that the file agrees with, as far as its size tells.
    var known: [ManifestEntry] = []
    for candidates in entries.values {
      guard let newest = candidates.last else { continue }
      let size = try OpenFile.metadata(output.recordFile(newest.key))?.size
      known.append(candidates.last { $0.outputSize == size } ?? newest)
    }
    inputs = Dictionary(grouping: known) { $0.key.source }
  }

  /// The inputs of which segments are known, in order.
  public var sources: [SourceName] { inputs.keys.sorted() }

  /// Puts the segments of one input together.
  ///
  /// - Parameters:
  ///   - source: One of `sources`.
  ///   - keepingSegments: Whether the segments' own files stay.
  /// - Returns: What became of it.
  /// - Throws: `FileError`; nothing then has the final name that is not whole.
  public func merge(
    _ source: SourceName, keepingSegments: Bool
  ) throws(FileError) -> Outcome {
    var isWhole = false
    var incomplete: [Part] = []
    // Of a set without a file nothing is left: it was put together before, or another took its place.
    var isBegun = false
    var left: [FilePath] = []
    for set in segmentSets(of: source) {
      let files = try set.files(in: output)
      switch try manifest.prior(set.wholeKey) {
      case .complete(let whole)
      // A whole that failed may have been tried again in segments.
      where whole.outcome.failure == nil || whole.outcome.failure == set.failure || files.isEmpty:
        isWhole = true
        if !keepingSegments { try removeSegments(of: set.wholeKey) }
        continue
      // What was finished before the whole was made, of no newer input, does not take its place.
      case .stale(let whole)
      where whole.key.input.modificationTime >= set.key.input.modificationTime
        && !files.isEmpty:
        let made = try OpenFile.metadata(output.recordFile(set.wholeKey))
          .map { InputVersion($0).modificationTime }
        guard let made, files.allSatisfy({ $0.time <= made }) else { break }
        isWhole = true
        left += files.map(\.path)
        continue
      default: break
      }
      guard files.count == set.count else {
        if !isBegun { incomplete = set.parts(without: files.map(\.index)) }
        isBegun = isBegun || !files.isEmpty
        continue
      }
      let frames = try write(set, set.wholeKey)
      if !keepingSegments { try removeSegments(of: set.wholeKey) }
      return .merged(
        segments: set.count, frames: frames, left: try segments(otherThan: set.wholeKey))
    }
    return isWhole && !isBegun ? .alreadyWhole(left: left) : .incomplete(missing: incomplete)
  }

  /// One way in which an input was cut: parts of the same number, input version and settings.
  private struct SegmentSet {
    let key: OutputKey
    let count: Int
    var entries: [Int: ManifestEntry] = [:]

    /// Why the input ended early, if it did.
    var failure: String? {
      entries.sorted { $0.key < $1.key }.lazy.compactMap(\.value.outcome.failure).first
    }

    var wholeKey: OutputKey {
      var key = key
      key.segment = nil
      return key
    }

    /// The record files that their entries vouch for, as far as the size tells, and when each was written, in
    /// nanoseconds.
    func files(
      in output: OutputDirectory
    ) throws(FileError) -> [(index: Int, path: FilePath, time: Int64)] {
      var files: [(index: Int, path: FilePath, time: Int64)] = []
      for index in 1...count {
        guard let entry = entries[index] else { continue }
        let path = output.recordFile(entry.key)
        if let file = try OpenFile.metadata(path), file.size == entry.outputSize {
          files.append((index, path, InputVersion(file).modificationTime))
        }
      }
      return files
    }

    /// All parts but these.
    func parts(without indices: [Int]) -> [Part] {
      (1...count).filter { !indices.contains($0) }.map { Part(index: $0, count: count) }
    }
  }

  /// The ways in which an input was cut, the most complete first.
  private func segmentSets(of source: SourceName) -> [SegmentSet] {
    var sets: [OutputKey: SegmentSet] = [:]
    for entry in inputs[source] ?? [] {
      guard let segment = entry.key.segment else { continue }
      var key = entry.key
      // Any part stands for the set.
      key.segment = Part(index: 1, count: segment.count)
      sets[key, default: SegmentSet(key: key, count: segment.count)].entries[segment.index] = entry
    }
    return sets.values.sorted {
      let missing = ($0.count - $0.entries.count, $1.count - $1.entries.count)
      return missing.0 != missing.1 ? missing.0 < missing.1 : $0.count < $1.count
    }
  }

  private func write(_ set: SegmentSet, _ key: OutputKey) throws(FileError) -> Int {
    // The labels are in the lines already.
    let encoder = RecordEncoder(source: key.source, labels: LabelTable([]))
    // What a run over the whole has left is the same lines: they are written anew.
    try OpenFile.remove(output.partialFile(key))
    let whole = try PartialFile(key, in: output, encoder: encoder)
    do throws(FileError) {
      return try fill(whole, set, encoder)
    } catch {
      // A run over the whole would go on from these lines, of which nobody knows that they are right.
      try whole.discard()
      throw error
    }
  }

  private func fill(
    _ whole: PartialFile, _ set: SegmentSet, _ encoder: RecordEncoder
  ) throws(FileError) -> Int {
    var outcome = InputOutcome(seconds: 0)
    var origin: InputOrigin?
    for index in 1...set.count {
      guard let entry = set.entries[index] else {
        preconditionFailure("segment \(index) is missing")
      }
      let endsHere = try append(entry, to: whole, encoder)
      origin = origin ?? entry.origin
      outcome.failure = outcome.failure ?? entry.outcome.failure
      // Every segment is decoded from the beginning of the file, so that each counts the errors before it too, and the
      // last one those of the whole.
      outcome.decodeErrors = max(outcome.decodeErrors, entry.outcome.decodeErrors)
      outcome.lastError = entry.outcome.lastError ?? outcome.lastError
      outcome.seconds += entry.outcome.seconds
      if endsHere { break }
    }
    return try manifest.publish(whole, outcome, origin: origin).frames
  }

  /// Appends one segment's lines.
  ///
  /// - Returns: Whether the last of them ends the input with a failure.
  private func append(
    _ entry: ManifestEntry, to whole: PartialFile, _ encoder: RecordEncoder
  ) throws(FileError) -> Bool {
    let path = output.recordFile(entry.key)
    var digest = SHA256Digest()
    var lines: [UInt8] = []
    var isFailure = false
    var failure: FileError?
    _ = try OpenFile(path, .readOnly).scanLines { line in
      digest.update(line)
      lines.append(contentsOf: line)
      isFailure = encoder.isInputFailure(line)
      if lines.count < Self.appendSize { return true }
      do throws(FileError) {
        try whole.append(lines)
      } catch {
        failure = error
      }
      lines.removeAll(keepingCapacity: true)
      return failure == nil
    }
    if let failure { throw failure }
    try whole.append(lines)
    guard digest.hexadecimal() == entry.outputDigest else {
      throw .conflict(
        path, reason: "it was changed after it was written: remove it, and run its segment again")
    }
    return isFailure
  }

  private static let appendSize = 1 << 20

  /// Removes the files of the segments of a whole, of however many parts, and of those of versions of the input before it,
  /// which nobody can go on with; under other settings a run may go on.
  private func removeSegments(of whole: OutputKey) throws(FileError) {
    for entry in inputs[whole.source] ?? []
    where entry.key.isSegment(of: whole)
      || entry.key.input.modificationTime < whole.input.modificationTime
    {
      try OpenFile.remove(output.recordFile(entry.key))
    }
  }

  /// Files of segments that are not of a whole.
  private func segments(otherThan whole: OutputKey) throws(FileError) -> [FilePath] {
    var paths: [FilePath] = []
    for entry in inputs[whole.source] ?? [] where !entry.key.isSegment(of: whole) {
      let path = output.recordFile(entry.key)
      if try OpenFile.metadata(path)?.size == entry.outputSize { paths.append(path) }
    }
    return paths.sorted { $0.bytes.lexicographicallyPrecedes($1.bytes) }
  }
}

extension OutputKey {
  fileprivate func isSegment(of whole: OutputKey) -> Bool {
    var key = self
    key.segment = nil
    return key == whole
  }
}

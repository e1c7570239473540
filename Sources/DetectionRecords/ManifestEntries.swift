import Files
import SystemPackage

/// What the manifests of an output directory say: of each output the last entry of each manifest that tells of it,
/// which is nearly always one.
///
/// Only where an entry stands is kept, with as much as it takes to know a complete output again; the entry itself is read
/// when it is asked for. About 80 bytes an output, whatever the length of its name.
struct ManifestEntries {
  /// Where a line stands.
  private struct Place {
    var offset: Int64
    var length: Int32
    /// Which manifest it is in.
    var manifest: Int32
    /// Where in `places` another manifest says something else of the same output; -1 for nowhere.
    var other: Int32 = -1
    /// Which directory its source counts from, in `roots`; -1 for none.
    var root: Int32 = -1
    /// Hash of the output's key.
    var key: Int
    var outputSize: Int64
    var isFailure: Bool
    /// Whether its output was asked for.
    var isAsked = false

    init(_ entry: ManifestEntry, at offset: Int64, length: Int, manifest: Int) {
      self.offset = offset
      self.length = Int32(length)
      self.manifest = Int32(manifest)
      key = entry.key.hashValue
      outputSize = entry.outputSize
      isFailure = entry.outcome.failure != nil
    }
  }

  private var places: [Place] = []
  /// The place that was read last by the hash of the output's name. Should two names have one hash, of 64 bits, one of
  /// them counts as unknown, and is worked on again.
  private var indices: [Int: Int32] = [:]
  private var manifests: [LineFile] = []
  /// The directories that sources count from: few.
  private var roots: [FilePath: Int32] = [:]

  /// Reads one more manifest, as far as it tells of the inputs of a partition. A line that is no entry is skipped: it
  /// vouches for nothing.
  ///
  /// - Returns: The bytes of whole lines.
  /// - Throws: Why the manifest cannot be read.
  mutating func read(_ file: OpenFile, _ partition: RunPartition) throws(FileError) -> Int64 {
    manifests.append(LineFile(file, isKept: manifests.count < Self.openManifests))
    var offset: Int64 = 0
    return try file.scanLines { line in
      defer { offset += Int64(line.count) }
      guard let entry = ManifestEntry(line: line), partition.shard?.owns(entry.key.source) ?? true
      else { return true }
      let name = OutputName(entry.key).hashValue
      var place = Place(entry, at: offset, length: line.count, manifest: manifests.count - 1)
      place.root = index(of: entry.origin?.root)
      if let index = indices[name] {
        if places[Int(index)].manifest == place.manifest {
          place.other = places[Int(index)].other
          places[Int(index)] = place
          return true
        }
        place.other = index
      }
      indices[name] = Int32(places.count)
      places.append(place)
      return true
    }
  }

  /// Manifests that are kept open, of which a job array may have hundreds.
  private static let openManifests = 64

  private mutating func index(of root: FilePath?) -> Int32 {
    guard let root else { return -1 }
    if let index = roots[root] { return index }
    let index = Int32(roots.count)
    roots[root] = index
    return index
  }

  /// The size of an output's file, if there is one entry and no other of it, of this very key and not a failure, made
  /// from the file of this root. That the key is the same is told by a hash of 64 bits, other in every process.
  mutating func completeSize(_ key: OutputKey, root: FilePath) -> Int64? {
    guard let index = indices[OutputName(key).hashValue].map(Int.init) else { return nil }
    let place = places[index]
    guard place.other < 0, !place.isFailure, place.key == key.hashValue, place.root >= 0,
      place.root == roots[root]
    else { return nil }
    places[index].isAsked = true
    return place.outputSize
  }

  /// What is said of an output, one entry a manifest.
  ///
  /// - Throws: Why a manifest cannot be read again.
  mutating func candidates(_ name: OutputName) throws(FileError) -> [ManifestEntry] {
    guard let index = indices[name.hashValue] else { return [] }
    return try entries(from: index).filter { OutputName($0.key) == name }
  }

  /// What is said of each output that nobody has asked about.
  mutating func forEachUnasked(
    _ body: ([ManifestEntry]) throws(FileError) -> Void
  ) throws(FileError) {
    for index in indices.values where !places[Int(index)].isAsked {
      try body(entries(from: index))
    }
  }

  private mutating func entries(from first: Int32) throws(FileError) -> [ManifestEntry] {
    var found: [ManifestEntry] = []
    var index = Int(first)
    while index >= 0 {
      places[index].isAsked = true
      let place = places[index]
      let line = try manifests[Int(place.manifest)].line(at: place.offset, Int(place.length))
      // It was an entry when it was read.
      if let entry = line.withUnsafeBytes({ ManifestEntry(line: $0) }) { found.append(entry) }
      index = Int(place.other)
    }
    return found
  }

  /// Says what is true of an output from now on, whatever was said before: a line that was appended to the manifest
  /// read last.
  mutating func set(_ entry: ManifestEntry, lineAt offset: Int64, length: Int) {
    var new = Place(entry, at: offset, length: length, manifest: manifests.count - 1)
    new.root = index(of: entry.origin?.root)
    new.isAsked = true
    let name = OutputName(entry.key).hashValue
    if let index = indices[name] {
      places[Int(index)] = new
    } else {
      indices[name] = Int32(places.count)
      places.append(new)
    }
  }
}

/// A file whose lines are read again, kept open or opened each time.
private struct LineFile {
  private let path: FilePath
  private let file: OpenFile?

  init(_ file: OpenFile, isKept: Bool) {
    path = file.path
    self.file = isKept ? file : nil
  }

  func line(at offset: Int64, _ length: Int) throws(FileError) -> [UInt8] {
    var line = [UInt8](repeating: 0, count: length)
    let opened: OpenFile
    if let file { opened = file } else { opened = try OpenFile(path, .readOnly) }
    let count = try opened.read(at: offset, into: &line)
    guard count == length else {
      throw .cannotCreate(path, reason: "it became shorter while it was used")
    }
    return line
  }
}

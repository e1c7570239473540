import DetectionRecords
import SystemPackage

/// Collects the inputs of a worklist, one name after the other.
struct WorklistBuilder {
  private(set) var items: [WorkItem] = []
  private(set) var accessFailures: [AccessFailure] = []
  private(set) var notes: [String] = []
  private(set) var leftOut = WorklistLeftOut()

  private let sources: WorklistSources
  private let filter: WorklistFilter
  private let output: FilePath?
  private let outputIdentity: FileIdentity?
  private var indices: [SourceName: Int32] = [:]

  init(_ request: WorklistRequest) {
    sources = WorklistSources(root: request.root)
    filter = WorklistFilter(request)
    output = request.output
    outputIdentity = request.output.flatMap { FileIdentity(of: $0) }
  }

  /// Adds what was named on the command line: a file, a directory, or else a pattern.
  ///
  /// - Returns: False when there is nothing of this name.
  mutating func add(argument path: FilePath) throws(WorklistError) -> Bool {
    if !Glob.isPattern(path.bytes) || FileIdentity.exists(path) {
      return try add(path) { builder, metadata throws(WorklistError) in
        if builder.isOutput(path, FileIdentity(metadata)) { throw .outputAsInput(path) }
        try builder.walk(path, at: [], ancestors: [])
      }
    }
    var outputs: [FilePath] = []
    let paths = Glob.expand(path) { directory in
      guard let identity = FileIdentity(of: directory), isOutput(directory, identity) else {
        return false
      }
      outputs.append(directory)
      return true
    }
    for output in outputs { noteOutput(output) }
    // What vanishes between finding and looking was not named by the user.
    for path in paths { _ = try add(entry: path) }
    return !paths.isEmpty
  }

  /// Adds what a list or a pattern names: a file, or a directory whose files keep its name before theirs.
  ///
  /// - Returns: False when there is nothing of this name.
  mutating func add(entry path: FilePath) throws(WorklistError) -> Bool {
    try add(path) { builder, _ throws(WorklistError) in
      let (base, prefix) = try builder.sources.locate(directory: path)
      try builder.walk(base, at: prefix, ancestors: [])
    }
  }

  private mutating func add(
    _ path: FilePath,
    walking walk: (inout WorklistBuilder, Stat) throws(WorklistError) -> Void
  ) throws(WorklistError) -> Bool {
    let metadata: Stat
    do {
      metadata = try Stat(path)
    } catch .noSuchFileOrDirectory, .notDirectory {
      return false
    } catch {
      let source = try sources.locate(path).source
      if filter.wants(source.components) { fail(path, source, error) }
      return true
    }
    switch metadata.type {
    case .directory: try walk(&self, metadata)
    case .regular:
      let (base, source) = try sources.locate(path)
      if filter.wants(source.components) {
        try add(WorkItem(base: base, source: source, input: InputVersion(metadata)))
      }
    default: throw .notAFile(path)
    }
    return true
  }

  /// Adds what the directory `prefix` (empty, or ended by a slash) below `base` holds, by the bytes of the sources.
  private mutating func walk(
    _ base: FilePath, at prefix: [UInt8], ancestors: [FileIdentity]
  ) throws(WorklistError) {
    let directory = prefix.isEmpty ? base : base.pushing(FilePath(bytes: prefix))
    let listing: DirectoryListing
    do { listing = try DirectoryListing(directory) } catch { return fail(directory, nil, error) }
    let identity = FileIdentity(listing.metadata)
    if ancestors.contains(identity) {
      notes.append("left out \(directory.oneLine): it leads back to a directory that it is in")
      return
    }
    if isOutput(directory, identity) {
      noteOutput(directory)
      return
    }
    for entry in contents(of: listing, in: directory, at: prefix) {
      let path = prefix + entry.name
      switch entry.content {
      case .directory:
        try walk(base, at: path, ancestors: ancestors + [identity])
      case .file(let input):
        try add(WorkItem(base: base, source: try .checked(path), input: input))
      }
    }
  }

  private enum Content {
    case directory
    case file(InputVersion)
  }

  /// What of a directory's names is wanted, in the order of the sources' bytes; directories have a slash at the end,
  /// which belongs to that order: `a.mp4` comes before `a/b.mp4`.
  private mutating func contents(
    of listing: DirectoryListing, in directory: FilePath, at prefix: [UInt8]
  ) -> [(name: [UInt8], content: Content)] {
    var found: [(name: [UInt8], content: Content)] = []
    for entry in listing.entries where entry.name.first != UInt8(ascii: ".") {
      let isSearchedFor = filter.searchesFor(entry.name)
      let components = (prefix + entry.name).split(separator: UInt8(ascii: "/"))
      if entry.type == .regular && !isSearchedFor {
        // Of what the user does not want there is nothing to say.
        if filter.wants(components) { leftOut.add(fileNamed: entry.name) }
        continue
      }
      if filter.excludes(components) {
        leftOut.addUnwanted()
        continue
      }
      var type = entry.type
      var input: InputVersion?
      if type != .directory {
        let path = directory.pushing(FilePath(bytes: entry.name))
        do {
          let metadata = try Stat(path)
          type = metadata.type
          input = InputVersion(metadata)
        } catch {
          // A link to nowhere is of interest only where an input could be behind it.
          if isSearchedFor && filter.wants(components) {
            fail(path, try? SourceName(bytes: prefix + entry.name), error)
          }
          continue
        }
      }
      if type == .directory {
        found.append((entry.name + [UInt8(ascii: "/")], .directory))
      } else if type == .regular, let input, isSearchedFor {
        if filter.wants(components) {
          found.append((entry.name, .file(input)))
        } else {
          leftOut.addUnwanted()
        }
      }
    }
    return found.sorted { $0.name.lexicographicallyPrecedes($1.name) }
  }

  private mutating func noteOutput(_ directory: FilePath) {
    notes.append("left out \(directory.oneLine): an output directory")
  }

  private func isOutput(_ directory: FilePath, _ identity: FileIdentity) -> Bool {
    identity == outputIdentity || OutputDirectory.isOutputDirectory(directory)
  }

  private mutating func fail(_ path: FilePath, _ source: SourceName?, _ code: Errno) {
    accessFailures.append(AccessFailure(path: path, source: source, reason: code.description))
  }

  /// Adds an input, unless it is there under the same name already.
  private mutating func add(_ item: WorkItem) throws(WorklistError) {
    guard let index = indices.updateValue(Int32(items.count), forKey: item.source) else {
      items.append(item)
      return
    }
    indices[item.source] = index
    let earlier = items[Int(index)]
    let isSame =
      earlier.path == item.path
      || FileIdentity(of: earlier.path).map { $0 == FileIdentity(of: item.path) } ?? false
    if !isSame { throw .sameOutput(earlier.path, item.path, record: recordFile(item.source)) }
  }

  /// Checks that no output file is where another's directory has to be: `a.mp4` beside `a.mp4.jsonl/b.mp4`.
  func checkOutputs() throws(WorklistError) {
    let suffix = Array(".jsonl".utf8)
    for item in items {
      let components = item.source.components
      for depth in components.indices.dropLast() where components[depth].ends(with: suffix) {
        let directory = Array(components[...depth].joined(separator: [UInt8(ascii: "/")]))
        guard let source = try? SourceName(bytes: Array(directory.dropLast(suffix.count))),
          let index = indices[source]
        else { continue }
        throw .outputInTheWay(items[Int(index)].path, item.path, record: recordFile(source))
      }
    }
  }

  private func recordFile(_ source: SourceName) -> FilePath {
    output.map { OutputDirectory($0).recordFile(for: source) } ?? source.path
  }
}

extension ArraySlice<UInt8> {
  fileprivate func ends(with suffix: [UInt8]) -> Bool {
    self.suffix(suffix.count).elementsEqual(suffix)
  }
}

extension SourceName {
  /// The name between slashes.
  var components: [ArraySlice<UInt8>] { bytes.split(separator: UInt8(ascii: "/")) }

  /// The name of an input, whose refusal is the user's to mend.
  static func checked(_ bytes: [UInt8]) throws(WorklistError) -> SourceName {
    do { return try SourceName(bytes: bytes) } catch { throw .name(error) }
  }
}

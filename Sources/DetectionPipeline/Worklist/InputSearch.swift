import DetectionRecords
import Files
import SystemPackage

/// Collects the inputs of a worklist, one name after the other.
struct InputSearch {
  private(set) var items: [WorkItem] = []
  private(set) var failures: [Worklist.Failure] = []
  private(set) var notes: [String] = []
  /// Which of the items share their output with another, and are failures.
  private(set) var colliding: Set<Int> = []
  /// Whether files of two named directories have equal names, which their directories' names would tell apart.
  private(set) var hasEqualNames = false
  /// Whether some names count from the deepest directory that holds all that was named.
  private(set) var countsFromCommon = false
  /// The directories that were searched and something was found in.
  private(set) var searched: [FilePath] = []
  private(set) var leftOut = Worklist.LeftOut()

  private let sources: SourceNaming
  private let filter: InputFilter
  private let output: FilePath?
  private let outputIdentity: FileIdentity?
  private let keepsDirectoryNames: Bool
  private var namedDirectories: Set<FilePath> = []
  private var indices: [SourceName: Int32] = [:]

  /// - Parameters:
  ///   - request: what is wanted.
  ///   - sources: how files are named.
  ///   - keepsDirectoryNames: whether the files of named directories have their directory's name before theirs.
  init(_ request: Worklist.Request, _ sources: SourceNaming, keepsDirectoryNames: Bool) {
    self.sources = sources
    self.keepsDirectoryNames = keepsDirectoryNames
    filter = InputFilter(request)
    output = request.output
    outputIdentity = request.output.flatMap { FileIdentity(of: $0) }
  }

  /// Adds what was named on the command line: a file, a directory, or else a pattern.
  ///
  /// - Returns: False when there is nothing of this name.
  mutating func add(argument path: FilePath) throws(WorklistError) -> Bool {
    let before = items.count
    defer { if items.count > before { searched.append(sources.searched(path)) } }
    if !Glob.isPattern(path.bytes) || FileIdentity.exists(path) {
      return try add(path) { builder, metadata throws(WorklistError) in
        if builder.isOutput(path, FileIdentity(metadata)) { throw .outputAsInput(path) }
        builder.namedDirectories.insert(path)
        var (base, prefix) = (path, [UInt8]())
        if builder.keepsDirectoryNames, let place = builder.sources.locate(sibling: path) {
          builder.countsFromCommon = true
          (base, prefix) = place
        }
        try builder.walk(base, at: prefix, ancestors: [])
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
    for path in paths { _ = addIfUsable(path) }
    return !paths.isEmpty
  }

  /// Adds what a list names: a file, or a directory whose files keep its name before theirs. What cannot be used, for it
  /// is not there or is no file, is a failure of this name alone.
  mutating func add(entry path: FilePath) {
    if addIfUsable(path) { return }
    // What has no source cannot be filtered by it.
    let source = try? sources.locate(path).source
    if source.map({ filter.wants($0.components) }) ?? true {
      fail(path, source, Errno.noSuchFileOrDirectory.description)
    }
  }

  /// - Returns: False when there is nothing of this name.
  private mutating func addIfUsable(_ path: FilePath) -> Bool {
    do throws(WorklistError) {
      return try add(path) { builder, _ throws(WorklistError) in
        let (base, prefix) = try builder.sources.locate(directory: path)
        if builder.sources.countsFromCommon(path) { builder.countsFromCommon = true }
        try builder.walk(base, at: prefix, ancestors: [])
      }
    } catch {
      // Without a source it is told of by its path.
      fail(path, try? sources.locate(path).source, error.problem)
      return true
    }
  }

  private mutating func add(
    _ path: FilePath,
    walking walk: (inout InputSearch, Stat) throws(WorklistError) -> Void
  ) throws(WorklistError) -> Bool {
    let metadata: Stat
    do {
      metadata = try Stat(path)
    } catch .noSuchFileOrDirectory, .notDirectory {
      return false
    } catch {
      let source = try sources.locate(path).source
      if filter.wants(source.components) { fail(path, source, error.description) }
      return true
    }
    switch metadata.type {
    case .directory: try walk(&self, metadata)
    case .regular:
      let (base, source) = try sources.locate(path)
      if filter.wants(source.components) {
        if sources.countsFromCommon(path) { countsFromCommon = true }
        add(WorkItem(base: base, source: source, input: InputVersion(metadata)))
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
    do { listing = try DirectoryListing(directory) } catch {
      return fail(directory, nil, error.description)
    }
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
        add(WorkItem(base: base, source: try .checked(path), input: input))
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
    let directoryBytes = directory.bytes + [UInt8(ascii: "/")]
    for entry in listing.entries where entry.name.first != UInt8(ascii: ".") {
      let isSearchedFor = filter.searchesFor(entry.name)
      let components =
        filter.wantsAll ? [] : (prefix + entry.name).split(separator: UInt8(ascii: "/"))
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
        do {
          let metadata = try Stat(ofBytes: directoryBytes + entry.name)
          type = metadata.type
          input = InputVersion(metadata)
        } catch {
          // A link to nowhere is of interest only where an input could be behind it.
          if isSearchedFor && filter.wants(components) {
            let path = directory.pushing(FilePath(bytes: entry.name))
            fail(path, try? SourceName(bytes: prefix + entry.name), error.description)
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

  private mutating func fail(_ path: FilePath, _ source: SourceName?, _ reason: String) {
    failures.append(Worklist.Failure(path: path, source: source, reason: reason))
  }

  /// Adds an input, unless it is there under the same name already.
  private mutating func add(_ item: WorkItem) {
    let index = items.count
    guard let earlier = indices.updateValue(Int32(index), forKey: item.source).map(Int.init) else {
      items.append(item)
      return
    }
    indices[item.source] = Int32(earlier)
    let first = items[earlier]
    let isSame =
      first.path == item.path
      || FileIdentity(of: first.path).map { $0 == FileIdentity(of: item.path) } ?? false
    if isSame { return }
    if namedDirectories.contains(first.base) && namedDirectories.contains(item.base) {
      hasEqualNames = true
    }
    items.append(item)
    collide(
      earlier, index, .sameOutput(first.path, item.path, record: recordFile(item.source)))
  }

  /// Takes two items for failures, which one error explains.
  private mutating func collide(_ first: Int, _ second: Int, _ error: WorklistError) {
    for index in [first, second] where colliding.insert(index).inserted {
      fail(items[index].path, items[index].source, error.description)
    }
  }

  /// Finds the output files that are where another's directory has to be: `a.mp4` beside `a.mp4.jsonl/b.mp4`.
  mutating func checkOutputs() {
    let suffix = Array(".jsonl".utf8)
    for (ordinal, item) in items.enumerated() where item.source.hasDirectory(endingIn: suffix) {
      let components = item.source.components
      for depth in components.indices.dropLast() where components[depth].ends(with: suffix) {
        let directory = Array(components[...depth].joined(separator: [UInt8(ascii: "/")]))
        guard let source = try? SourceName(bytes: Array(directory.dropLast(suffix.count))),
          let index = indices[source].map(Int.init)
        else { continue }
        collide(
          index, ordinal,
          .outputInTheWay(items[index].path, item.path, record: recordFile(source)))
      }
    }
  }

  /// Hands the items over.
  mutating func takeItems() -> [WorkItem] {
    defer { items = [] }
    return items
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

  /// Whether a directory's name in it ends in these bytes: looked for without making an array of each name.
  fileprivate func hasDirectory(endingIn suffix: [UInt8]) -> Bool {
    bytes.withUnsafeBufferPointer { bytes in
      bytes.indices.contains {
        bytes[$0] == UInt8(ascii: "/") && bytes[..<$0].suffix(suffix.count).elementsEqual(suffix)
      }
    }
  }

  /// The name of an input, whose refusal is the user's to mend.
  static func checked(_ bytes: [UInt8]) throws(WorklistError) -> SourceName {
    do { return try SourceName(bytes: bytes) } catch { throw .name(error) }
  }
}

import DetectionRecords
import Files
import FrameDecoding
import Glibc
import SystemPackage

extension FileRights {
  /// More places than this are not named one by one: then all files may be read.
  private static let mostPlaces = 4096

  /// What a run needs: its inputs, wherever links lead, and the directories of what it writes.
  ///
  /// - Parameters:
  ///   - items: what is worked on.
  ///   - configuration: where records go; its directory is there.
  init(_ items: [WorkItem], _ configuration: RunConfiguration) {
    self.init()
    for name in configuration.inputs.inputs where name.isDirectory {
      insert(name, into: \.readable)
    }
    var output: FilePath?
    if case .directory(let path) = configuration.output {
      output = path
      insert(path, into: \.writable)
    }
    if let metrics = configuration.metricsFile {
      insert(metrics.path.parent, into: \.writable)
    }
    // Neighbours follow each other, so that few directories are asked about twice.
    var last: FilePath?
    for item in items {
      let path = item.path
      let directory = path.parent
      if directory != last {
        last = directory
        insert(directory, into: \.readable)
        // Somebody may have put a link to another disk there.
        if let output { insert(output.pushing(item.source.path).parent, into: \.writable) }
      }
      if path.isLink { insert(path, into: \.readable) }
      // Whatever else there is lies below that.
      if readable.count > Self.mostPlaces { readable = ["/"] }
      if writable.count > Self.mostPlaces { writable = ["/"] }
    }
  }

  /// Adds what a name leads to, unless it lies in something that is there already, or leads nowhere.
  private mutating func insert(_ name: FilePath, into places: WritableKeyPath<Self, Set<FilePath>>)
  {
    guard let place = name.resolved else { return }
    var holder = place
    while true {
      if self[keyPath: places].contains(holder) { return }
      guard holder.removeLastComponent() else { break }
    }
    self[keyPath: places].insert(place)
  }
}

extension FilePath {
  /// The directory that it is in.
  fileprivate var parent: FilePath {
    let parent = removingLastComponent()
    return parent.isEmpty ? "." : parent
  }

  fileprivate var isLink: Bool {
    var status = Glibc.stat()
    return withPlatformString { lstat($0, &status) } == 0 && status.st_mode & S_IFMT == S_IFLNK
  }

  /// Where it leads, without a link on the way; nil where that is nowhere.
  fileprivate var resolved: FilePath? {
    withPlatformString { name in
      guard let found = realpath(name, nil) else { return nil }
      defer { free(found) }
      return FilePath(platformString: found)
    }
  }
}

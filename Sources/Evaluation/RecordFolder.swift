import Datasets
import Files
import SystemPackage

/// Finds the files of records below a folder. Names are kept as bytes, which Foundation would not do.
enum RecordFolder {
  /// The path itself if it is a file, else every `.jsonl` file below the folder, sorted, without what lies in
  /// `.detect-batch`. Links to files are followed, links to folders are not.
  static func files(at path: FilePath) throws(DatasetError) -> [FilePath] {
    guard try kind(of: path, followingLinks: true) == .directory else { return [path] }
    var files: [FilePath] = []
    var folders = [path]
    while let folder = folders.popLast() {
      for entry in try entries(of: folder) {
        let path = folder.pushing(FilePath(bytes: entry.name))
        let isFolder =
          if let type = entry.type {
            type == .directory
          } else {
            try kind(of: path, followingLinks: false) == .directory
          }
        if isFolder {
          if !entry.name.elementsEqual(".detect-batch".utf8) { folders.append(path) }
        } else if path.extension == "jsonl" {
          files.append(path)
        }
      }
    }
    guard !files.isEmpty else { throw .noRecords(folder: path) }
    return files.sorted { $0.string < $1.string }
  }

  private static func kind(
    of path: FilePath, followingLinks: Bool
  ) throws(DatasetError) -> FileType {
    do {
      return try Stat(path, followTargetSymlink: followingLinks).type
    } catch .noSuchFileOrDirectory {
      throw .missing(file: path)
    } catch {
      throw .unreadable(file: path, reason: "\(error)")
    }
  }

  private static func entries(
    of folder: FilePath
  ) throws(DatasetError) -> [DirectoryListing.Entry] {
    do {
      return try DirectoryListing(folder).entries
    } catch {
      throw .unreadable(file: folder, reason: "\(error)")
    }
  }
}

import Glibc
import SystemPackage

/// Finds the files of records below a folder. Names are kept as bytes, which Foundation would not do.
enum RecordFolder {
  /// The path itself if it is a file, else every `.jsonl` file below the folder, sorted, without what lies in
  /// `.detect-batch`. Links to files are followed, links to folders are not.
  static func files(at path: FilePath) throws(EvaluationError) -> [FilePath] {
    guard try kind(of: path, followingLinks: true) == S_IFDIR else { return [path] }
    var files: [FilePath] = []
    var folders = [path]
    while let folder = folders.popLast() {
      for name in try names(in: folder) {
        let entry = folder.appending(name)
        if try kind(of: entry, followingLinks: false) == S_IFDIR {
          if name.string != ".detect-batch" { folders.append(entry) }
        } else if name.extension == "jsonl" {
          files.append(entry)
        }
      }
    }
    guard !files.isEmpty else { throw .noRecords(folder: path) }
    return files.sorted { $0.string < $1.string }
  }

  /// The file type bits of a file's mode.
  private static func kind(
    of path: FilePath, followingLinks: Bool
  ) throws(EvaluationError) -> mode_t {
    var status = stat()
    let result = path.withPlatformString {
      followingLinks ? stat($0, &status) : lstat($0, &status)
    }
    guard result == 0 else {
      let code = Errno(rawValue: errno)
      throw code == .noSuchFileOrDirectory
        ? .missing(file: path) : .unreadable(file: path, reason: "\(code)")
    }
    return status.st_mode & S_IFMT
  }

  private static func names(
    in folder: FilePath
  ) throws(EvaluationError) -> [FilePath.Component] {
    guard let directory = folder.withPlatformString({ opendir($0) }) else {
      throw .unreadable(file: folder, reason: "\(Errno(rawValue: errno))")
    }
    defer { closedir(directory) }
    var names: [FilePath.Component] = []
    while let entry = readdir(directory) {
      // The name is a fixed array of the struct, terminated by 0.
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX) + 1) {
          FilePath.Component(platformString: $0)
        }
      }
      if let name, name.kind == .regular { names.append(name) }
    }
    return names
  }
}

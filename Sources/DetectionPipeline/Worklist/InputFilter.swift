import DetectionRecords
import Files
import SystemPackage

/// Which of the files found are wanted, by name.
struct InputFilter {
  private let included: [SourcePattern]
  private let excluded: [SourcePattern]
  private let allFiles: Bool

  init(_ request: Worklist.Request) {
    included = request.include.map { SourcePattern($0.bytes) }
    excluded = request.exclude.map { SourcePattern($0.bytes) }
    allFiles = request.allFiles
  }

  /// Whether every source is wanted.
  var wantsAll: Bool { included.isEmpty && excluded.isEmpty }

  /// Whether a file of this name is taken from a directory.
  func searchesFor(_ name: [UInt8]) -> Bool { allFiles || MediaExtensions.includes(name) }

  /// Whether `--exclude` names the source, or a directory that it is in.
  func excludes(_ components: [ArraySlice<UInt8>]) -> Bool {
    excluded.contains { $0.matches(components) }
  }

  /// Whether `--include` and `--exclude` leave the source in.
  func wants(_ components: [ArraySlice<UInt8>]) -> Bool {
    (included.isEmpty || included.contains { $0.matches(components) }) && !excludes(components)
  }
}

/// A pattern that names sources: the one it matches, and all below a directory it matches. Without a slash it is
/// looked for at any depth; a slash at the beginning only ties it to the top.
struct SourcePattern {
  private let glob: Glob
  private let isTiedToTop: Bool

  init(_ pattern: [UInt8]) {
    glob = Glob(pattern)
    isTiedToTop = pattern.dropLast().contains(UInt8(ascii: "/"))
  }

  func matches(_ components: [ArraySlice<UInt8>]) -> Bool {
    components.indices.contains { last in
      glob.matches(isTiedToTop ? components[...last] : components[last...last])
    }
  }
}

/// The file name extensions that a directory is searched for, in lower case; a name matches in any case. Other files
/// are tried when they are named, or all of them with `--all-files`.
public enum MediaExtensions {
  /// Containers and raw streams of video.
  public static let video = [
    "264", "265", "3g2", "3gp", "amv", "asf", "avi", "divx", "dv", "f4v", "flv", "h264", "h265",
    "hevc", "ivf", "m2t", "m2ts", "m2v", "m4v", "mjpeg", "mjpg", "mkv", "mov", "mp4", "mpe",
    "mpeg", "mpg", "mts", "mxf", "nut", "obu", "ogm", "ogv", "qt", "rm", "rmvb", "ts", "vob",
    "webm", "wmv", "y4m",
  ]

  /// Images, moving ones too.
  public static let image = [
    "apng", "avif", "bmp", "dib", "dpx", "exr", "gif", "hdr", "heic", "heif", "hif", "j2k", "jfif",
    "jp2", "jpe",
    "jpeg", "jpg", "jxl", "pam", "pbm", "pcx", "pgm", "png", "pnm", "ppm", "psd", "qoi", "sgi",
    "tga", "tif", "tiff", "webp", "xbm",
  ]

  /// Images that never or hardly ever move: an animated PNG may be called .png, few are.
  private static let still = Set(image).subtracting(["apng", "avif", "gif", "webp"])

  /// Whether a name says that the file is one picture.
  static func isStill(_ path: FilePath) -> Bool {
    path.extension.map { still.contains($0.lowercased()) } ?? false
  }

  private static let all = Set((video + image).map { Array($0.utf8) })

  /// Whether a file name has one of the extensions after its last dot.
  static func includes(_ name: [UInt8]) -> Bool {
    guard let dot = name.lastIndex(of: UInt8(ascii: ".")), dot > 0 else { return false }
    return all.contains(name[(dot + 1)...].map { (0x41...0x5a).contains($0) ? $0 | 0x20 : $0 })
  }
}

import DetectionRecords

/// What of the directories' files is no input of the run: told at its end, so that nobody waits for records of them.
public struct WorklistLeftOut: Equatable, Sendable {
  /// Files whose extension is none of `MediaExtensions`, by that extension in lower case; empty for files without one.
  public private(set) var files: [String: Int] = [:]
  /// Videos, images and directories that `include` and `exclude` do not want; what is in such a directory is not counted.
  public private(set) var unwanted = 0

  /// Nothing.
  public init() {}

  /// The extensions and how many files have each, the most frequent first.
  public var byExtension: [(name: String, count: Int)] {
    files.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { (name: $0.key, count: $0.value) }
  }

  /// As `12 .heic, 3 .cr2, 1 without an extension`; at most eight extensions are named.
  public var words: String {
    let all = byExtension
    let named = all.prefix(8).map { entry in
      entry.name.isEmpty ? "\(entry.count) without an extension" : "\(entry.count) .\(entry.name)"
    }
    let rest = all.dropFirst(8).reduce(0) { $0 + $1.count }
    return (named + (rest > 0 ? ["\(rest) others"] : [])).joined(separator: ", ")
  }

  /// Counts a file by its name.
  mutating func add(fileNamed name: [UInt8]) {
    var ending = ""
    if let dot = name.lastIndex(of: UInt8(ascii: ".")), dot > 0 {
      ending = String(decoding: name[(dot + 1)...], as: UTF8.self).lowercased()
    }
    // A directory may hold a million names of generated endings: those are others.
    if files[ending] == nil && files.count >= Self.mostExtensions { ending = Self.other }
    files[ending, default: 0] += 1
  }

  mutating func addUnwanted() { unwanted += 1 }

  private static let mostExtensions = 1000
  private static let other = "…"
}

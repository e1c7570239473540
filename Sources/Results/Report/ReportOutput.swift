import Drawing
import Failures
import Files
import Foundation
import Glibc
import ReportPage
import SystemPackage

/// Where a report goes: written beside its name, and given the name when all of it is there.
final class ReportOutput {
  /// What a folder has that is a report, and may be replaced by another.
  private static let mark = "page/core.js"

  private let path: FilePath
  private let isOneFile: Bool
  private let temporary: FilePath
  /// Where a report goes that is replaced.
  private let old: FilePath
  private let title: String
  /// Until it is closed: afterwards its number may be another file's.
  private var file: FileDescriptor?
  private var isFinished = false
  /// Bytes written.
  private(set) var size = 0

  /// Begins.
  ///
  /// - Parameters:
  ///   - path: the folder, or the file.
  ///   - isOneFile: which of the two.
  ///   - title: the document's.
  ///   - replaces: whether a report of that name may be replaced.
  /// - Throws: `ReportError.exists` and `.notReport`; `FileError` where nothing can be made there.
  init(_ path: FilePath, isOneFile: Bool, title: String, replaces: Bool) throws {
    self.path = path
    self.isOneFile = isOneFile
    self.title = title
    guard path.lastComponent?.kind == .regular, let temporary = path.temporaryNeighbour,
      let old = path.oldNeighbour
    else { throw ReportError.noName(path) }
    self.temporary = temporary
    self.old = old
    if let type = Self.type(of: path) {
      guard replaces else { throw ReportError.exists(path) }
      let isReport =
        isOneFile ? type == S_IFREG : Self.type(of: path.appending(Self.mark)) == S_IFREG
      guard isReport else { throw ReportError.notReport(path) }
    }
    let parent = path.removingLastComponent()
    if !parent.isEmpty { try OpenFile.createDirectories(parent) }
    if isOneFile {
      do {
        file = try FileDescriptor.open(
          temporary, .writeOnly, options: [.create, .exclusiveCreate, .closeOnExec],
          permissions: [.ownerReadWrite, .groupRead, .otherRead])
      } catch {
        throw FileError.creating(path, error as? Errno ?? .ioError)
      }
      try write(Self.start(title))
    } else {
      file = nil
      for folder in ["data", "pictures", "page"] {
        try OpenFile.createDirectories(temporary.appending(folder))
      }
    }
  }

  deinit {
    // What was not finished is not wanted, and the error that ended it is told already.
    try? file?.close()
    if !isFinished { try? FileManager.default.removeItem(atPath: temporary.string) }
  }

  /// Adds a part of the data.
  ///
  /// - Parameters:
  ///   - name: letters, digits and hyphens.
  ///   - json: its value.
  /// - Throws: `FileError`.
  func add(_ name: String, _ json: [UInt8]) throws {
    let safe = PageText.scriptSafe(json)
    if isOneFile {
      try write("<script type=\"application/json\" id=\"data-\(name)\">")
      try write(safe)
      try write("</script>\n")
    } else {
      let bytes = Array("report(\"\(name)\",".utf8) + safe + Array(");\n".utf8)
      try create("data/\(name).js", bytes)
    }
  }

  /// Adds a JPEG file.
  ///
  /// - Returns: its address.
  /// - Throws: `FileError`.
  func add(picture: [UInt8], number: Int) throws -> String {
    if isOneFile { return "data:image/jpeg;base64,\(Data(picture).base64EncodedString())" }
    try create("pictures/\(number).jpg", picture)
    return "pictures/\(number).jpg"
  }

  /// Writes the page itself and gives the report its name.
  func finish() throws {
    if let file {
      try write(Self.end)
      self.file = nil
      try file.close()
    } else {
      try create("page/report.css", Array(ReportPage.style.utf8))
      for script in ReportPage.scripts {
        try create("page/\(script.name).js", Array(script.text.utf8))
      }
      try create("index.html", Array(Self.document(title).utf8))
    }
    let isReplaced = Self.type(of: path) != nil
    if isReplaced, !isOneFile { try Self.rename(path, to: old, path) }
    try Self.rename(temporary, to: path, path)
    isFinished = true
    if isReplaced, !isOneFile {
      // The new report is there; what is left of the old one is litter at worst.
      try? FileManager.default.removeItem(atPath: old.string)
    }
  }

  // MARK: Files

  private func create(_ name: String, _ bytes: [UInt8]) throws {
    size += bytes.count
    let place = temporary.appending(name)
    do {
      let file = try FileDescriptor.open(
        place, .writeOnly, options: [.create, .truncate, .closeOnExec],
        permissions: [.ownerReadWrite, .groupRead, .otherRead])
      _ = try file.closeAfter { try file.writeAll(bytes) }
    } catch {
      throw FileError.creating(path, error as? Errno ?? .ioError)
    }
  }

  private func write(_ text: String) throws { try write(Array(text.utf8)) }

  private func write(_ bytes: [UInt8]) throws {
    size += bytes.count
    do {
      _ = try file?.writeAll(bytes)
    } catch {
      throw FileError.creating(path, error as? Errno ?? .ioError)
    }
  }

  private static func rename(_ from: FilePath, to: FilePath, _ path: FilePath) throws {
    let result = from.withPlatformString { from in to.withPlatformString { Glibc.rename(from, $0) }
    }
    if result != 0 { throw FileError.creating(path, Errno(rawValue: errno)) }
  }

  private static func type(of path: FilePath) -> mode_t? {
    var status = stat()
    guard path.withPlatformString({ stat($0, &status) }) == 0 else { return nil }
    return status.st_mode & S_IFMT
  }

  // MARK: The document

  /// A page of a folder. `file:` is said beside `'self'` because browsers differ in what a page of a file system is for
  /// itself; nothing that either means is a network.
  private static func document(_ title: String) -> String {
    filled(
      title: title,
      policy: policy(script: "'self' file:", style: "'self' file:", media: "'self' file:"),
      style: "<link rel=\"stylesheet\" href=\"page/report.css\">", data: "",
      script: ReportPage.scripts.map { "<script src=\"page/\($0.name).js\"></script>" }
        .joined(separator: "\n"))
  }

  private static let script = "\n" + ReportPage.scripts.map(\.text).joined(separator: "\n")
  private static let style = "\n" + ReportPage.style
  /// Stands where the data go.
  private static let dataMark = "<!-- data -->"

  private static func whole(_ title: String) -> String {
    filled(
      title: title,
      policy: policy(
        script: PageText.policySource(of: script), style: PageText.policySource(of: style),
        media: "'self' file:"), style: "<style>\(style)</style>", data: dataMark,
      script: "<script>\(script)</script>")
  }

  private static func start(_ title: String) -> String {
    let whole = whole(title)
    return String(whole[..<(whole.range(of: dataMark)?.lowerBound ?? whole.endIndex)])
  }

  private static var end: String {
    let whole = whole("")
    return String(whole[(whole.range(of: dataMark)?.upperBound ?? whole.endIndex)...])
  }

  private static func policy(script: String, style: String, media: String) -> String {
    "default-src 'none'; script-src \(script); style-src \(style); img-src \(media) data:; "
      + "media-src \(media); base-uri 'none'; form-action 'none'"
  }

  private static func filled(
    title: String, policy: String, style: String, data: String, script: String
  ) -> String {
    // In one pass, so that a title that reads like a place stays a title.
    var parts = ReportPage.document[...]
    var text = ""
    let values = [
      "policy": policy, "title": MarkupText.escaped(title), "style": style, "data": data,
      "script": script,
    ]
    while let start = parts.range(of: "{{"), let end = parts[start.upperBound...].range(of: "}}") {
      text +=
        parts[..<start.lowerBound]
        + (values[String(parts[start.upperBound..<end.lowerBound])] ?? "")
      parts = parts[end.upperBound...]
    }
    return text + parts
  }
}

/// Why a report is not made.
public enum ReportError: ClassifiedError, Equatable, Sendable {
  /// There is something of its name.
  case exists(FilePath)
  /// What is to be replaced is no report.
  case notReport(FilePath)
  /// A path that ends in no name.
  case noName(FilePath)
  /// Somebody asked to give up.
  case stopped

  /// The kind.
  public var kind: FailureKind {
    switch self {
    case .exists, .notReport, .noName: .cannotCreateOutput
    case .stopped: .stopped
    }
  }

  /// One line: what, on what, what to do.
  public var description: String {
    switch self {
    case .exists(let path):
      "\(path.oneLine): is there already: --overwrite always replaces a report, or name another place with -o"
    case .notReport(let path): "\(path.oneLine): is no report, and is not replaced by one"
    case .noName(let path): "\(path.oneLine): names no folder or file to be made"
    case .stopped: "stopped"
    }
  }
}

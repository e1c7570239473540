import Failures
import Files
import SystemPackage

/// A table of texts in a file of CSV (RFC 4180; UTF-8, its first row the columns' names) that somebody else wrote.
struct CSVTable {
  /// Where the file is.
  let path: FilePath
  /// The columns' names.
  let columns: [String]
  /// The rows, each as long as `columns`, and the line that it begins in, from 1.
  let rows: [(fields: [String], line: Int)]

  /// Larger than a table of all files of a large archive.
  private static let limit = 1 << 30

  /// Reads a file.
  ///
  /// - Throws: `ExportTableError`.
  init(contentsOf path: FilePath) throws(ExportTableError) {
    let bytes: [UInt8]
    do throws(Errno) { bytes = try WholeFile.read(path, limit: Self.limit) } catch {
      throw ExportTableError(
        path, isMissing: error == .noSuchFileOrDirectory, "cannot be read: \(error)")
    }
    let hasMark = bytes.starts(with: [0xef, 0xbb, 0xbf])
    guard let text = String(validating: bytes[(hasMark ? 3 : 0)...], as: UTF8.self) else {
      throw ExportTableError(path, "is not UTF-8 text")
    }
    var all = try Self.rows(Array(text.utf8), path)
    guard let first = all.first else {
      throw ExportTableError(path, "is empty: its first line names the columns")
    }
    all.removeFirst()
    self.path = path
    columns = first.fields
    if let twice = Dictionary(grouping: columns, by: \.self).filter({ $1.count > 1 }).keys.min() {
      throw ExportTableError(path, "has two columns called \"\(twice)\"")
    }
    for row in all where row.fields.count != columns.count {
      throw ExportTableError(
        path, line: row.line,
        "has \(row.fields.count) fields, and there are \(columns.count) columns")
    }
    rows = all
  }

  /// The place of a column, by the first of its possible names that is there.
  func column(_ names: String...) -> Int? {
    names.lazy.compactMap { columns.firstIndex(of: $0) }.first
  }

  private static func rows(
    _ bytes: [UInt8], _ path: FilePath
  ) throws(ExportTableError) -> [(fields: [String], line: Int)] {
    var rows: [(fields: [String], line: Int)] = []
    var fields: [String] = []
    var field: [UInt8] = []
    var (line, start) = (1, 1)
    var position = 0
    /// Whether the row has something, be it an empty quoted field.
    var isBegun = false
    func endField() {
      fields.append(String(decoding: field, as: UTF8.self))
      field.removeAll(keepingCapacity: true)
    }
    func endRow() {
      // Lines without anything are no rows.
      if isBegun {
        endField()
        rows.append((fields, start))
      }
      fields.removeAll()
      (isBegun, start) = (false, line)
    }
    while position < bytes.count {
      let byte = bytes[position]
      position += 1
      switch byte {
      case UInt8(ascii: "\"") where field.isEmpty:
        isBegun = true
        while true {
          guard position < bytes.count else {
            throw ExportTableError(path, line: start, "has a quote that does not end")
          }
          let inside = bytes[position]
          position += 1
          if inside == UInt8(ascii: "\"") {
            guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else { break }
            position += 1
          } else if inside == 0x0a {
            line += 1
          }
          field.append(inside)
        }
      case UInt8(ascii: ","):
        isBegun = true
        endField()
      case 0x0d where position == bytes.count || bytes[position] == 0x0a: break
      case 0x0a:
        line += 1
        endRow()
      default:
        isBegun = true
        field.append(byte)
      }
    }
    endRow()
    return rows
  }
}

/// Why a table beside the records cannot be used.
public struct ExportTableError: ClassifiedError, Equatable, Sendable {
  /// The kind.
  public let kind: FailureKind
  /// One line: the file, the line in it, what is wrong.
  public let description: String

  init(_ path: FilePath, line: Int? = nil, isMissing: Bool = false, _ problem: String) {
    kind = isMissing ? .missingInput : .unusableInput
    description = "\(path.oneLine): \(line.map { "line \($0): " } ?? "")\(problem)"
  }
}

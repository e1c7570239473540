import Files
import JSONText
import SystemPackage

/// A file of JSON that is read whole.
package struct JSONFile {
  /// Larger than the largest sets of annotations that are published.
  private static let limit = 16 << 30

  private let path: FilePath
  private let bytes: [UInt8]

  /// Reads a file.
  package init(_ path: FilePath) throws(DatasetError) {
    self.path = path
    do {
      bytes = try WholeFile.read(path, limit: Self.limit)
    } catch .noSuchFileOrDirectory {
      throw .missing(file: path)
    } catch {
      throw .unreadable(file: path, reason: "\(error)")
    }
  }

  /// Reads the file's one value.
  ///
  /// - Parameter body: Reads it; throws `EntryFault` and `JSONError` and nothing else.
  /// - Returns: What `body` returns.
  /// - Throws: `DatasetError.malformed`.
  package func read<Value>(
    _ body: (inout JSONScanner) throws -> Value
  ) throws(DatasetError) -> Value {
    do {
      return try bytes.withUnsafeBytes { bytes in
        // Editors may have put a byte order mark before it.
        let hasMark = bytes.starts(with: [0xef, 0xbb, 0xbf])
        let text = UnsafeRawBufferPointer(rebasing: bytes.dropFirst(hasMark ? 3 : 0))
        do {
          var scanner = JSONScanner(text)
          let value = try body(&scanner)
          try scanner.readEnd()
          return value
        } catch let error as JSONError {
          let (line, column) = error.place(in: text)
          throw EntryFault(
            place: nil,
            problem: "is not valid JSON: line \(line), column \(column): \(error.problem)")
        }
      }
    } catch let fault as EntryFault {
      throw .malformed(file: path, place: fault.place, problem: fault.problem)
    } catch {
      preconditionFailure("reading JSON threw \(error)")
    }
  }
}

/// Something wrong in one entry of a file.
package struct EntryFault: Error {
  /// The entry; nil for the whole file.
  package var place: String?
  /// What is wrong with it.
  package var problem: String

  /// Creates a fault from its parts.
  package init(place: String?, problem: String) {
    self.place = place
    self.problem = problem
  }
}

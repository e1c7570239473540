import Failures
import Files
import SystemPackage

/// Why records cannot be read, or not be used.
public enum RecordReadingError: ClassifiedError, Equatable, Sendable {
  /// There is nothing of this name.
  case missing(FilePath)
  /// A directory that has no records in it.
  case noRecords(FilePath)
  /// The system does not let a file or directory be read.
  case unreadable(RecordFile, reason: String)
  /// A line is no record, or one that cannot be where it is; columns are bytes from 1.
  case malformed(RecordFile, line: Int, column: Int?, problem: String)
  /// The file that an input's records were made from is not to be found.
  case lostInput(SourceName, RecordFile, tried: [FilePath])

  /// The kind.
  public var kind: FailureKind {
    switch self {
    case .missing, .noRecords, .lostInput: .missingInput
    case .unreadable, .malformed: .unusableInput
    }
  }

  /// Why, and what to do, where the input is said before it.
  public var reason: String {
    guard case .lostInput(_, _, let tried) = self else { return description }
    return
      "the file is not there any more: looked for \(tried.map(\.oneLine).joined(separator: ", ")); "
      + "--root says which directory it is in"
  }

  /// One line: what, on what, what to do.
  public var description: String {
    switch self {
    case .missing(let path): "\(path.oneLine): there is no such file or directory"
    case .noRecords(let path):
      "\(path.oneLine): there are no records (*.jsonl) in this directory"
    case .unreadable(let file, let reason): "\(file): cannot be read: \(reason)"
    case .malformed(let file, let line, let column, let problem):
      "\(file): line \(line)\(column.map { ", column \($0)" } ?? ""): \(problem)"
        // What does not even begin like one was mostly named by mistake, such as the picture itself.
        + (line == 1 && column == 1
          ? " (records are the .jsonl files that detect-batch writes)" : "")
    case .lostInput(let source, let file, _): "\(source.oneLine) (\(file)): \(reason)"
    }
  }
}

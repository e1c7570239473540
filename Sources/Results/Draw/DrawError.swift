import Failures
import Files
import SystemPackage

/// Why nothing more, or not this input, can be drawn.
public enum DrawError: ClassifiedError, Equatable, Sendable {
  /// An output of this input is there, and must not be replaced.
  case exists(FilePath)
  /// Two inputs would have this output.
  case twice(FilePath)
  /// The output would replace the file it is made from.
  case source(FilePath)
  /// There is a file where the output needs a directory, or a directory in its own place.
  case inTheWay(FilePath)
  /// The file is not the one that the records were made from.
  case otherFile(String)
  /// An output cannot be made: everything ends, unless its name alone is to blame.
  case cannotCreate(FilePath, Errno)
  /// An output cannot be written to its end: everything ends.
  case writeFailed(FilePath, Errno)
  /// Somebody stopped it.
  case stopped

  /// The kind.
  public var kind: FailureKind {
    switch self {
    case .cannotCreate, .exists, .twice, .source, .inTheWay: .cannotCreateOutput
    case .writeFailed: .outputFailed
    case .otherFile: .missingInput
    case .stopped: .stopped
    }
  }

  /// One line.
  public var description: String {
    switch self {
    case .exists(let path): "\(path.oneLine) exists; --overwrite always replaces it"
    case .twice(let path):
      "\(path.oneLine) was made of another input, or of another segment of it (detect-batch merge puts segments together)"
    case .source(let path):
      "\(path.oneLine) is the file itself: name another directory with --output"
    case .inTheWay(let path):
      "\(path.oneLine) is there, and of another kind than the output needs: name another directory with --output"
    case .otherFile(let why): "is not the file that was looked at: \(why)"
    case .cannotCreate(let path, let code): "\(path.oneLine): cannot be created: \(code)"
    case .writeFailed(let path, let code): "\(path.oneLine): writing failed: \(code)"
    case .stopped: "stopped"
    }
  }
}

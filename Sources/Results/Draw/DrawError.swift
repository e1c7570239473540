import Failures
import SystemPackage

/// Why nothing more, or not this input, can be drawn.
public enum DrawError: ClassifiedError, Equatable, Sendable {
  /// An output of this input is there, and must not be replaced.
  case exists(FilePath)
  /// Two inputs would have this output.
  case twice(FilePath)
  /// The output would replace the file it is made from.
  case source(FilePath)
  /// The file is not the one that the records were made from.
  case otherFile(String)
  /// An output cannot be made: everything ends.
  case cannotCreate(FilePath, Errno)
  /// An output cannot be written to its end: everything ends.
  case writeFailed(FilePath, Errno)
  /// Somebody stopped it.
  case stopped

  /// The kind.
  public var kind: FailureKind {
    switch self {
    case .cannotCreate, .exists, .twice, .source: .cannotCreateOutput
    case .writeFailed: .outputFailed
    case .otherFile: .missingInput
    case .stopped: .stopped
    }
  }

  /// One line.
  public var description: String {
    switch self {
    case .exists(let path): "\(path) exists; --overwrite always replaces it"
    case .twice(let path):
      "\(path) was made of another input, or of another segment of it (detect-batch merge puts segments together)"
    case .source(let path): "\(path) is the file itself: name another directory with --output"
    case .otherFile(let why): "is not the file that was looked at: \(why)"
    case .cannotCreate(let path, let code): "\(path): cannot be created: \(code)"
    case .writeFailed(let path, let code): "\(path): writing failed: \(code)"
    case .stopped: "stopped"
    }
  }
}

import SystemPackage

/// Why a picture or a video could not be written.
public enum EncodingError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The file cannot be made.
  case cannotCreate(FilePath, Errno)
  /// Writing stopped in the middle: the disk is full, or worse.
  case writeFailed(FilePath, Errno)
  /// The encoder does not take it, in FFmpeg's words.
  case refused(String)

  /// The file and what went wrong.
  public var description: String {
    switch self {
    case .cannotCreate(let path, let code): "\(path): cannot be created: \(code)"
    case .writeFailed(let path, let code): "\(path): writing failed: \(code)"
    case .refused(let reason): reason
    }
  }
}

import Failures
import SystemPackage

/// Why a file cannot be made, used or written, in the classes that callers tell apart.
public enum FileError: ClassifiedError, Equatable, Sendable {
  /// A file or directory cannot be made or used.
  case cannotCreate(FilePath, reason: String)
  /// A file name is longer than the file system takes.
  case nameTooLong(FilePath)
  /// A path that is needed is taken by something of another kind.
  case conflict(FilePath, reason: String)
  /// Writing failed: disk full, quota, I/O.
  case writeFailed(String, Errno)
  /// Another process holds the directory.
  case locked(FilePath, holder: String)
  /// The reader of standard output has gone.
  case readerGone

  /// The kind.
  public var kind: FailureKind {
    switch self {
    case .cannotCreate, .nameTooLong, .conflict: .cannotCreateOutput
    case .writeFailed: .outputFailed
    case .locked: .locked
    case .readerGone: .readerGone
    }
  }

  /// Whether the trouble is with this one path, so that others may do.
  public var concernsOnePath: Bool {
    switch self {
    case .nameTooLong, .conflict: true
    case .cannotCreate, .writeFailed, .locked, .readerGone: false
    }
  }

  /// One line: what, on what, what to do.
  public var description: String {
    switch self {
    case .cannotCreate(let path, let reason):
      "cannot create \(path.oneLine): \(reason)"
    case .nameTooLong(let path):
      "cannot create \(path.oneLine): the name is longer than the file system takes; give the input a shorter one"
    case .conflict(let path, let reason):
      "cannot create \(path.oneLine): \(reason)"
    case .writeFailed(let place, let code):
      "cannot write \(place): \(code)"
    case .locked(let path, let holder):
      "\(path.oneLine) is in use by \(holder); wait for it with --wait, or choose another --output"
    case .readerGone:
      "the reader of standard output has gone"
    }
  }

  /// Why, without the path.
  public var reason: String {
    switch self {
    case .cannotCreate(_, let reason), .conflict(_, let reason): reason
    case .nameTooLong: "\(Errno.fileNameTooLong)"
    case .writeFailed(_, let code): "\(code)"
    case .locked, .readerGone: description
    }
  }

  /// The error of a call that makes, opens or renames something: a full or broken disk is a failed write, a long
  /// name or something else in its place concerns one path, anything else means that nothing can be made there.
  public static func creating(_ path: FilePath, _ code: Errno) -> FileError {
    if code.isFailedWrite { return .writeFailed(path.oneLine, code) }
    return switch code {
    case .fileNameTooLong: .nameTooLong(path)
    case .isDirectory: .conflict(path, reason: "there is a directory of that name")
    case .notDirectory: .conflict(path, reason: "a directory that it needs is a file")
    default: .cannotCreate(path, reason: code.description)
    }
  }
}

extension Errno {
  /// Whether the disk is at fault, full or broken, or a limit on the size of files, and not the name or the permission.
  public var isFailedWrite: Bool {
    [.noSpace, .diskQuotaExceeded, .ioError, .fileTooLarge].contains(self)
  }

  /// The kind of failure that this error number is where an output is made and written.
  public var kindForOutput: FailureKind { isFailedWrite ? .outputFailed : .cannotCreateOutput }

  /// The error number of a call of swift-system, which throws nothing else.
  init(_ error: any Error) {
    guard let code = error as? Errno else { preconditionFailure("swift-system threw \(error)") }
    self = code
  }
}

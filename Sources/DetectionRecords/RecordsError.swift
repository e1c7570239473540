import SystemPackage

/// Why records could not be kept, in the classes that the exit code tells apart.
public enum RecordsError: Error, Equatable, Sendable, CustomStringConvertible {
  /// An input cannot have this name.
  case sourceName(String, problem: String)
  /// A file or directory of the output cannot be made or used.
  case cannotCreate(FilePath, reason: String)
  /// The file name of one input's records is longer than the file system takes.
  case nameTooLong(FilePath)
  /// A path that one input's records need is taken by something of another kind.
  case conflict(FilePath, reason: String)
  /// Writing failed: disk full, quota, I/O.
  case writeFailed(String, Errno)
  /// Another run holds the output directory.
  case locked(FilePath, holder: String)
  /// The reader of standard output has gone.
  case readerGone

  /// As the table of exit codes has it (sysexits.h).
  public var exitCode: Int32 {
    switch self {
    case .sourceName: 64
    case .cannotCreate, .nameTooLong, .conflict: 73
    case .writeFailed: 74
    case .locked: 75
    case .readerGone: 0
    }
  }

  /// Whether only the input at hand is concerned, so that a run goes on with the others.
  public var concernsOneInput: Bool {
    switch self {
    case .sourceName, .nameTooLong, .conflict: true
    case .cannotCreate, .writeFailed, .locked, .readerGone: false
    }
  }

  /// One line: what, on what, what to do.
  public var description: String {
    switch self {
    case .sourceName(let name, let problem):
      "'\(name)' cannot be the name of an input: \(problem)"
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

  /// Runs what is done at the place of one input's records: whatever cannot be made there, for a link leads to itself or
  /// a directory may not be written to, concerns that input.
  static func ofOneInput<Result>(
    _ work: () throws(RecordsError) -> Result
  ) throws(RecordsError) -> Result {
    do throws(RecordsError) {
      return try work()
    } catch .cannotCreate(let path, let reason) {
      throw .conflict(path, reason: reason)
    }
  }

  /// The error of an output directory that is gone in the middle of a run.
  static func removed(_ output: OutputDirectory) -> RecordsError {
    .cannotCreate(output.path, reason: "it was removed, or moved, while the run was writing to it")
  }

  /// The error of a call that makes, opens or renames something: a full or broken disk is a failed write, a long
  /// name concerns one input, anything else means that the output cannot be created.
  static func creating(_ path: FilePath, _ code: Errno) -> RecordsError {
    switch code {
    case .noSpace, .diskQuotaExceeded, .ioError: .writeFailed(path.oneLine, code)
    case .fileNameTooLong: .nameTooLong(path)
    case .isDirectory: .conflict(path, reason: "there is a directory of that name")
    case .notDirectory: .conflict(path, reason: "a directory that it needs is a file")
    default: .cannotCreate(path, reason: code.description)
    }
  }
}

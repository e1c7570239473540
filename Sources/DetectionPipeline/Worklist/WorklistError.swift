import DetectionRecords
import Failures
import Files
import SystemPackage

/// Why there is no worklist: nothing is worked on then.
public enum WorklistError: ClassifiedError, Equatable, Sendable {
  /// Named inputs, patterns or lists that do not exist.
  case missing([FilePath])
  /// The inputs hold nothing to work on.
  case nothingFound([FilePath], Worklist.LeftOut = Worklist.LeftOut())
  /// A list of inputs cannot be read.
  case unreadableList(FilePath, Errno)
  /// A named input is neither a file nor a directory.
  case notAFile(FilePath)
  /// Two inputs would write one output file.
  case sameOutput(FilePath, FilePath, record: FilePath)
  /// The output file of one input would be a directory that another's needs.
  case outputInTheWay(FilePath, FilePath, record: FilePath)
  /// A named file is not below the directory that sources are relative to.
  case outsideRoot(FilePath, root: FilePath?)
  /// A named directory is an output directory.
  case outputAsInput(FilePath)
  /// An input has a name that no source can have.
  case name(SourceNameError)

  /// The kind.
  public var kind: FailureKind {
    switch self {
    case .missing, .nothingFound, .unreadableList: .missingInput
    case .notAFile, .sameOutput, .outputInTheWay, .outsideRoot, .outputAsInput, .name: .usage
    }
  }

  /// What is wrong with one name of a list or of a pattern, where that name is said before it.
  var problem: String {
    switch self {
    case .notAFile: "neither a file nor a directory"
    case .outsideRoot(_, let root):
      "not below \(root.map(\.oneLine) ?? "the working directory"): say with --root which directory its name shall be "
        + "relative to"
    default: description
    }
  }

  /// One line: what, on what, what to do.
  public var description: String {
    switch self {
    case .missing(let paths):
      "there is no \(paths.prefix(3).map(\.oneLine).joined(separator: ", no "))"
        + (paths.count > 3 ? ", and \(paths.count - 3) more inputs are missing" : "")
        + (paths.contains(where: \.isAddress) ? " (local files only: an address is not read)" : "")
    case .nothingFound(let inputs, let leftOut):
      Self.nothingFound(
        in: inputs.prefix(3).map(\.oneLine).joined(separator: ", ")
          + (inputs.count > 3 ? " and \(inputs.count - 3) more" : ""), leftOut)
    case .unreadableList(let path, let code):
      "cannot read the list of inputs \(path.oneLine): \(code)"
    case .notAFile(let path):
      "\(path.oneLine) is neither a file nor a directory"
    case .sameOutput(let first, let second, let record):
      "\(first.oneLine) and \(second.oneLine) would both be written to \(record.oneLine): "
        + "run them with an --output each, or say with --root which directory their names shall be relative to"
    case .outputInTheWay(let first, let second, let record):
      "\(first.oneLine) would be written to \(record.oneLine), which has to be a directory for \(second.oneLine): "
        + "run them with an --output each"
    case .outsideRoot(let path, let root):
      "\(path.oneLine) is not below \(root.map(\.oneLine) ?? "the working directory"): "
        + "say with --root which directory its name shall be relative to, such as --root "
        + (path.removingLastComponent().isEmpty ? ".." : path.removingLastComponent().oneLine)
    case .outputAsInput(let path):
      "\(path.oneLine) is an output directory, which is never searched for inputs: choose another --output"
    case .name(let error): error.description
    }
  }

  private static func nothingFound(in inputs: String, _ leftOut: Worklist.LeftOut) -> String {
    if leftOut.unwanted > 0 {
      return "no video and no image in \(inputs) is wanted: --include and --exclude leave out "
        + "\(leftOut.unwanted) files and directories; --allow-empty makes this a success"
    }
    return "no video and no image in \(inputs)"
      + (leftOut.files.isEmpty ? "" : ", only \(leftOut.words)")
      + "; --all-files tries files of any name, --allow-empty makes this a success"
  }
}

extension FilePath {
  /// Whether it is spelled like an address (RFC 3986): `rtsp://camera/1`. A path so spelled can exist all the same.
  fileprivate var isAddress: Bool {
    string.prefixMatch(of: /[A-Za-z][A-Za-z0-9+.-]+:\/+/) != nil
  }
}

import SystemPackage

/// Why an evaluation cannot be made.
public enum EvaluationError: Error, Equatable {
  /// A named file or folder does not exist.
  case missing(file: FilePath)
  /// A file or folder cannot be read, in the system's words.
  case unreadable(file: FilePath, reason: String)
  /// A file is not what it should be; `place` names the entry or line, if one is at fault.
  case malformed(file: FilePath, place: String?, problem: String)
  /// A folder holds no records.
  case noRecords(folder: FilePath)
  /// No label of the records is a category of the annotations.
  case noCommonLabel(labels: [String], categories: [String])
}

extension EvaluationError: CustomStringConvertible {
  /// One line: what, on what, what to do.
  public var description: String {
    switch self {
    case .missing(let file):
      "\(file): does not exist"
    case .unreadable(let file, let reason):
      "\(file): cannot be read: \(reason)"
    case .malformed(let file, let place?, let problem):
      "\(file): \(place): \(problem)"
    case .malformed(let file, nil, let problem):
      "\(file): \(problem)"
    case .noRecords(let folder):
      "\(folder): no .jsonl files below this folder: name the output folder of a run"
    case .noCommonLabel(let labels, let categories):
      "no label of the records is a category of the annotations: the records say "
        + "\(listed(labels)), the annotations \(listed(categories))"
    }
  }
}

/// Some of a list's quoted names, and how many more there are.
func listed(_ names: [String], atMost limit: Int = 5) -> String {
  let shown = names.prefix(limit).map { "\"\($0)\"" }.joined(separator: ", ")
  return names.count > limit ? "\(shown) and \(names.count - limit) more" : shown
}

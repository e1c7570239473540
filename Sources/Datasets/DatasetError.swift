import Failures
import SystemPackage

/// Why a set of annotations, or detections that are to be judged by it, cannot be used.
public enum DatasetError: ClassifiedError, Equatable, Sendable {
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
  /// Pictures that annotations name do not exist.
  case missingPictures(first: FilePath, count: Int, of: Int)
  /// An annotation's label is not among the classes that were asked for.
  case unknownClass(label: String, place: String, classes: [String])
  /// A class that was asked for has no annotations.
  case absentClass(label: String, labels: [String])
  /// Two categories have one name.
  case ambiguousClass(label: String)
  /// There is nothing to train on.
  case noObjects(place: String)
  /// A picture is not as large as its annotations say.
  case pictureSize(file: FilePath, annotated: String, actual: String)
  /// None of an epoch's pictures can be decoded.
  case noPictures(last: String)

  /// The kind.
  public var kind: FailureKind {
    if case .missing = self { .missingInput } else { .unusableInput }
  }

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
    case .missingPictures(let first, let count, let total):
      "\(first): no such picture (\(count) of \(total) pictures that annotations name are missing): "
        + "is the folder of the pictures right?"
    case .unknownClass(let label, let place, let classes):
      "\(place): label '\(label)' is not one of the classes: \(classes.joined(separator: ", "))"
    case .absentClass(let label, let labels):
      "class '\(label)' has no annotations; these labels have: \(labels.joined(separator: ", "))"
    case .ambiguousClass(let label):
      "two categories are called '\(label)': rename one in the annotations"
    case .noObjects(let place):
      "\(place): no annotated object that can be trained on"
    case .pictureSize(let file, let annotated, let actual):
      "\(file): is \(actual) pixels, but its annotations are for \(annotated): "
        + "were they made before the picture was turned or scaled?"
    case .noPictures(let last):
      "no picture of the dataset can be decoded; the last one: \(last)"
    }
  }
}

/// Some of a list's quoted names, and how many more there are.
package func listed(_ names: [String], atMost limit: Int = 5) -> String {
  let shown = names.prefix(limit).map { "\"\($0)\"" }.joined(separator: ", ")
  return names.count > limit ? "\(shown) and \(names.count - limit) more" : shown
}

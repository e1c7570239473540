import DetectionRecords

/// Which of N parts of the work this process does, from what job schedulers tell each task of an array:
/// `--shard auto` and `--segment auto`.
public struct ShardAssignment: Equatable, Sendable {
  /// The part.
  public let part: Part
  /// The scheduler and the variable it was taken from, to be said aloud.
  public let origin: String

  /// Reads the variables of the scheduler that started this process: of a Slurm array, a Kubernetes indexed
  /// job, an AWS Batch array job, a Cloud Run job or Google Batch. Kubernetes tells no count, which
  /// `DETECT_BATCH_SHARD_COUNT` gives; where a scheduler tells it, that variable must agree.
  ///
  /// Slurm tells how many tasks were submitted together. Of an array that begins past 1 (`--array=3`, `3-5`), or has one
  /// task, that may be some of an earlier one submitted again, whose parts are other ones: such an array is taken only
  /// where `DETECT_BATCH_SHARD_COUNT` says the same number.
  ///
  /// - Throws: `ShardError` where nothing is set, a value makes no sense, or two variables disagree.
  public init(environment: [String: String]) throws(ShardError) {
    var found: [ShardAssignment] = []
    for scheduler in Scheduler.all {
      if let assignment = try scheduler.assignment(environment) { found.append(assignment) }
    }
    guard let first = found.first else { throw .nothingSet(Scheduler.all.map(\.index)) }
    if let other = found.first(where: { $0.part != first.part }) {
      throw .contradiction(first.said, other.said)
    }
    self = first
  }

  private init(_ part: Part, origin: String) {
    self.part = part
    self.origin = origin
  }

  private var said: String { "part \(part) by \(origin)" }
}

extension ShardAssignment {
  /// The variable for what a scheduler does not tell.
  static let countVariable = "DETECT_BATCH_SHARD_COUNT"

  private struct Scheduler {
    let name: String
    let index: String
    /// nil where the scheduler does not tell.
    let count: String?
    /// The first index and the distance between two, where they are not 0 and 1.
    var first: String?
    var step: String?
    /// The last index, where there may be gaps before it.
    var last: String?
    /// Whether some tasks of an array can be submitted again, and then count for themselves.
    var isPartlyRepeatable = false

    static let all = [
      Scheduler(
        name: "Slurm", index: "SLURM_ARRAY_TASK_ID", count: "SLURM_ARRAY_TASK_COUNT",
        first: "SLURM_ARRAY_TASK_MIN", step: "SLURM_ARRAY_TASK_STEP",
        last: "SLURM_ARRAY_TASK_MAX", isPartlyRepeatable: true),
      Scheduler(name: "Kubernetes", index: "JOB_COMPLETION_INDEX", count: nil),
      Scheduler(
        name: "AWS Batch", index: "AWS_BATCH_JOB_ARRAY_INDEX", count: "AWS_BATCH_JOB_ARRAY_SIZE"),
      Scheduler(
        name: "Cloud Run", index: "CLOUD_RUN_TASK_INDEX", count: "CLOUD_RUN_TASK_COUNT"),
      Scheduler(name: "Google Batch", index: "BATCH_TASK_INDEX", count: "BATCH_TASK_COUNT"),
    ]

    func assignment(_ environment: [String: String]) throws(ShardError) -> ShardAssignment? {
      func number(_ variable: String?) throws(ShardError) -> Int? {
        guard let variable, let text = environment[variable] else { return nil }
        guard let value = Int(text), (0...Part.mostParts).contains(value) else {
          throw .notANumber(variable, text)
        }
        return value
      }

      guard let id = try number(index) else { return nil }
      let given = try number(ShardAssignment.countVariable)
      let told = try number(count)
      if let given, let told, let count, given != told {
        throw .contradiction(
          "\(ShardAssignment.countVariable)=\(given)", "\(count)=\(told)")
      }
      guard let count = told ?? given else {
        throw .noCount(name, index, self.count ?? ShardAssignment.countVariable)
      }
      let first = try number(first) ?? 0
      let step = max(1, try number(step) ?? 1)
      let ordinal = (id - first) / step
      guard id >= first, (id - first) % step == 0, ordinal < count,
        try number(last).map({ ($0 - first) / step == count - 1 }) ?? true
      else { throw .unevenArray(name, index, id) }
      if isPartlyRepeatable && given == nil && (first > 1 || count == 1) {
        throw .maybeRepeated(name, index, id, count)
      }
      return ShardAssignment(
        Part(index: ordinal + 1, count: count), origin: "\(name) (\(index)=\(id))")
    }
  }
}

/// Why there is no answer to which part of the work is this process's.
public enum ShardError: Error, Equatable, Sendable, CustomStringConvertible {
  case nothingSet([String])
  case notANumber(String, String)
  case unevenArray(String, String, Int)
  case maybeRepeated(String, String, Int, Int)
  case noCount(String, String, String)
  case contradiction(String, String)

  /// One line that says what would be right.
  public var description: String {
    switch self {
    case .nothingSet(let variables):
      "auto finds no job array: none of \(variables.joined(separator: ", ")) is set"
    case .notANumber(let variable, let text):
      "\(variable)='\(text)' is not a whole number from 0 to \(Part.mostParts)"
    case .unevenArray(let scheduler, let variable, let id):
      "\(variable)=\(id) is not one of evenly spaced indices: give \(scheduler) an array such as "
        + "0-6, or say I/N yourself"
    case .maybeRepeated(let scheduler, let variable, let id, let count):
      "\(variable)=\(id) in an array of \(count): if \(scheduler) does some tasks of a larger array again, say I/N "
        + "yourself; if these are all, set \(ShardAssignment.countVariable)=\(count)"
    case .noCount(let scheduler, let index, let variable):
      "\(scheduler) tells this task's index (\(index)) and not how many there are: set \(variable)"
    case .contradiction(let first, let second):
      "\(first) and \(second) contradict each other: unset one, or say I/N yourself"
    }
  }
}

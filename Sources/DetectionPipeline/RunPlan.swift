import DetectionRecords
import SystemPackage

/// What a run does about one input, and why.
public struct PlannedInput: Equatable, Sendable {
  /// What is done.
  public enum Action: String, Equatable, Sendable {
    /// All of its frames are looked at.
    case detect
    /// The frames that an earlier run did not reach are looked at.
    case resume
    /// It is complete.
    case skip
    /// It could not be decoded, which has not changed.
    case failedEarlier = "failed earlier"
    /// It may still be being written: the next run looks again.
    case settle
  }

  /// Where it is; nil where there is nothing to be done about it.
  public internal(set) var path: FilePath?
  /// Its source, as text for people.
  public let source: String
  /// What is done.
  public let action: Action
  /// Why, in a few words.
  public let reason: String
}

/// The work of a run: every input of the worklist with what is to be done about it.
struct RunPlan: Sendable {
  /// All inputs, in the order of the worklist, those that settle last.
  private(set) var inputs: [PlannedInput] = []
  /// Those to work on.
  private(set) var work: [WorkItem] = []

  /// Decides about each input by what is there of its output.
  ///
  /// - Throws: `RunError` where an output exists and must not, or what is there cannot be looked at.
  init(
    _ worklist: Worklist, _ configuration: RunConfiguration,
    prior: (WorkItem) throws(RecordsError) -> (output: PriorOutput, isBegun: Bool)
  ) throws(RunError) {
    for item in worklist.items {
      var there = (output: PriorOutput.none, isBegun: false)
      do { there = try prior(item) } catch {
        // Where only this input is concerned, the stages meet the same trouble and tell of it.
        if !error.concernsOneInput { throw RunError(error) }
      }
      var decision = try Self.decide(
        about: item, there.output, isBegun: there.isBegun, configuration)
      if decision.action == .detect || decision.action == .resume {
        decision.path = item.path
        work.append(item)
      }
      inputs.append(decision)
    }
    for item in worklist.settling {
      inputs.append(
        PlannedInput(
          source: item.source.oneLine, action: .settle, reason: "modified a moment ago"))
    }
  }

  /// How many inputs there are of each kind.
  var counts: PlanCounts {
    var counts = PlanCounts()
    for input in inputs {
      switch input.action {
      case .detect: counts.inputs += 1
      case .resume:
        counts.inputs += 1
        counts.resumable += 1
      case .skip: counts.skipped += 1
      case .failedEarlier: counts.failedEarlier += 1
      case .settle: counts.unsettled += 1
      }
    }
    return counts
  }

  static func decide(
    about item: WorkItem, _ prior: PriorOutput, isBegun: Bool, _ configuration: RunConfiguration
  ) throws(RunError) -> PlannedInput {
    func planned(_ action: PlannedInput.Action, _ reason: String) -> PlannedInput {
      PlannedInput(source: item.source.oneLine, action: action, reason: reason)
    }
    func work(_ reason: String) -> PlannedInput {
      isBegun ? planned(.resume, "\(reason), begun by an earlier run") : planned(.detect, reason)
    }

    if prior != .none && configuration.overwrite == .error {
      throw RunError(
        .cannotCreateOutput,
        "the output of \(item.source.oneLine) exists: choose another --output, or another --overwrite "
          + "than error")
    }
    switch prior {
    case .none:
      return work("new")
    case _ where configuration.overwrite == .always:
      return work("made anew")
    case .complete(let entry):
      guard let failure = entry.outcome.failure else { return planned(.skip, "complete") }
      return configuration.retryFailed
        ? work("tried again: \(failure)") : planned(.failedEarlier, failure)
    case .stale where configuration.overwrite == .skip,
      .unrecorded where configuration.overwrite == .skip:
      return planned(.skip, "has an output")
    case .stale(let entry):
      return work(
        entry.key.input == item.input ? "the settings have changed" : "the input has changed")
    case .unrecorded:
      return work("nothing is known of its output")
    }
  }
}

extension RunError {
  /// An error of the records, before the work begins.
  init(_ error: RecordsError) { self.init(ExitStatus(error), error.description) }
}

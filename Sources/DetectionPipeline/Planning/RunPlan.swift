import DetectionRecords
import Files
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
    /// Its output has more frames than the settings of now would look at, and stays.
    case keep
    /// It could not be decoded, which has not changed.
    case failedEarlier = "failed earlier"
    /// It may still be being written: the next run looks again.
    case settle
    /// It is gone, and its output is removed.
    case prune
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

/// The work of a run: what is to be done about every input of the worklist.
struct RunPlan: Sendable {
  /// How many inputs there are of each kind.
  private(set) var counts = PlanCounts()
  /// Those to work on, in the order of the worklist.
  private(set) var work: [WorkItem] = []
  /// Outputs whose inputs are gone.
  private(set) var gone: [OutputKey] = []
  /// Why outputs are made anew, or left though the settings have changed: how many by what has changed.
  private var changes: [Change: Int] = [:]

  private struct Change: Hashable {
    let isLeft: Bool
    let what: String
  }

  /// What is done about one input, and why.
  private struct Decision {
    let action: PlannedInput.Action
    let reason: String
    var change: Change?
  }

  /// Decides about each input by what is there of its output.
  ///
  /// - Parameters:
  ///   - worklist: all inputs.
  ///   - configuration: every choice.
  ///   - history: what is there; nil where nothing is remembered.
  ///   - note: told of every input in the order of the worklist, then of those that settle and of outputs whose inputs
  ///     are gone, if these shall be removed. A night's run over a large archive has nobody to tell.
  /// - Throws: `RunError` where an output exists and must not, or was made from another file, or what is there cannot
  ///   be looked at.
  init(
    _ worklist: Worklist, _ configuration: RunConfiguration, _ history: OutputHistory?,
    note: ((PlannedInput) -> Void)? = nil
  ) throws(RunError) {
    for item in worklist.items {
      let decision = try Self.decide(about: item, configuration, history)
      count(decision)
      let isWork = [.detect, .resume].contains(decision.action)
      if isWork { work.append(item) }
      note?(
        PlannedInput(
          path: isWork ? item.path : nil, source: item.source.oneLine, action: decision.action,
          reason: decision.reason))
    }
    counts.unsettled = worklist.settling.count
    for item in worklist.settling {
      note?(
        PlannedInput(
          source: item.source.oneLine, action: .settle, reason: "modified a moment ago"))
      // So that its output is not taken for one whose input is gone.
      do { _ = try history?.prior(item) } catch {
        // It is decided about next time.
      }
    }
    do { gone = try history?.findGone(below: worklist.searched) ?? [] } catch {
      throw RunError(error)
    }
    guard configuration.prunes else { return }
    for key in gone {
      note?(
        PlannedInput(source: key.source.oneLine, action: .prune, reason: "its input is gone"))
    }
  }

  /// What the user should know of outputs that other settings made, one line each.
  var remarks: [String] {
    changes.sorted { ($0.key.isLeft ? 1 : 0, $0.key.what) < ($1.key.isLeft ? 1 : 0, $1.key.what) }
      .map { change, count in
        let outputs = count == 1 ? "1 output" : "\(count) outputs"
        return change.isLeft
          ? "left \(outputs) with more frames than would be looked at now (\(change.what)): choose another "
            + "--output, or replace with --overwrite always"
          : "\(outputs) made anew, for the settings have changed: \(change.what)"
      }
  }

  private mutating func count(_ decision: Decision) {
    switch decision.action {
    case .detect: counts.inputs += 1
    case .resume:
      counts.inputs += 1
      counts.resumable += 1
    case .skip, .keep: counts.skipped += 1
    case .failedEarlier: counts.failedEarlier += 1
    case .settle, .prune: break
    }
    if let change = decision.change { changes[change, default: 0] += 1 }
  }

  private static func decide(
    about item: WorkItem, _ configuration: RunConfiguration, _ history: OutputHistory?
  ) throws(RunError) -> Decision {
    if let history, [.stale, .skip].contains(configuration.overwrite), history.isComplete(item) {
      return Decision(action: .skip, reason: "complete")
    }
    var there = (output: PriorOutput.none, isBegun: false)
    if let history {
      do { there = try history.prior(item) } catch {
        // Where only this input is concerned, the stages meet the same trouble and tell of it.
        if !error.concernsOnePath { throw RunError(error) }
      }
    }
    func work(_ reason: String, _ change: Change? = nil) -> Decision {
      there.isBegun
        ? Decision(action: .resume, reason: "\(reason), begun by an earlier run", change: change)
        : Decision(action: .detect, reason: reason, change: change)
    }

    if there.output != .none && configuration.overwrite == .error {
      throw RunError(
        .cannotCreateOutput,
        "the output of \(item.source.oneLine) exists: choose another --output, or another --overwrite "
          + "than error")
    }
    switch there.output {
    case .none:
      return work("new")
    case _ where configuration.overwrite == .always:
      return work("made anew")
    case .stale where configuration.overwrite == .skip,
      .unrecorded where configuration.overwrite == .skip:
      return Decision(action: .skip, reason: "has an output")
    case .complete(let entry):
      try refuseOtherFile(entry, item, configuration, history)
      guard let failure = entry.outcome.failure else {
        return Decision(action: .skip, reason: "complete")
      }
      return configuration.retryFailed
        ? work("tried again: \(failure)") : Decision(action: .failedEarlier, reason: failure)
    case .stale(let entry):
      try refuseOtherFile(entry, item, configuration, history)
      if entry.key.input != item.input { return work("the input has changed") }
      let what = history?.changes(since: entry)
      if let what, history?.takesFewerFrames(than: entry) ?? false {
        return Decision(
          action: .keep,
          reason: "has \(entry.frames) frames, more than would be looked at now: \(what)",
          change: Change(isLeft: true, what: what))
      }
      return work(
        "the settings have changed" + (what.map { ": \($0)" } ?? ""),
        what.map { Change(isLeft: false, what: $0) })
    case .unrecorded:
      return work("nothing is known of its output")
    }
  }

  /// Two files of one source: the output of the one is not replaced by that of the other unasked, nor passed off as it.
  private static func refuseOtherFile(
    _ entry: ManifestEntry, _ item: WorkItem, _ configuration: RunConfiguration,
    _ history: OutputHistory?
  ) throws(RunError) {
    guard configuration.overwrite != .skip, let other = history?.otherFile(entry, than: item)
    else { return }
    throw RunError(
      .cannotCreateOutput,
      "the output of \(item.path.oneLine) would replace that of \(other.oneLine), which has the same name "
        + "(\(item.source.oneLine)): choose another --output, or replace it with --overwrite always"
    )
  }
}

import Files
import SystemPackage

/// The folder of one training: `model.safetensors` (the best evaluation's), `last.safetensors`, `metrics.jsonl`,
/// `curves.svg`, `predictions.svg`, and `resume/state.safetensors`.
public struct TrainingFolder: Sendable {
  /// Where it is.
  public let path: FilePath

  /// Names a folder.
  public init(_ path: FilePath) { self.path = path }

  /// The model of the best evaluation; without evaluations the last one.
  public var bestModel: FilePath { path.appending("model.safetensors") }
  /// The model as it is now.
  public var lastModel: FilePath { path.appending("last.safetensors") }
  /// A line for each iteration and each evaluation (`TrainingRecord`).
  public var metrics: FilePath { path.appending("metrics.jsonl") }
  /// Losses and AP over the iterations.
  public var curves: FilePath { path.appending("curves.svg") }
  /// Some pictures with what the model finds in them.
  public var predictions: FilePath { path.appending("predictions.svg") }
  /// All that the next iteration needs.
  public var state: FilePath { path.appending("resume/state.safetensors") }

  /// What one training at a time holds.
  public var lock: FilePath { path.appending("resume/lock") }

  /// Makes the folder, if it is not there.
  ///
  /// - Throws: `TrainingError.cannotCreate`.
  public func make() throws(TrainingError) {
    do {
      try OpenFile.createDirectories(state.removingLastComponent())
    } catch {
      throw .cannotCreate(path, reason: error.reason)
    }
  }

  /// Makes the folder, or finds out what is in it.
  ///
  /// - Parameter resuming: whether there must be a state in it; else there must not be one.
  /// - Throws: `TrainingError.folder`, `.cannotCreate`.
  func prepare(resuming: Bool) throws(TrainingError) {
    if resuming {
      try requireState()
    } else if state.isReadable {
      throw .folder(
        path, problem: "holds a training already: resume it, or name another folder")
    }
    try make()
  }

  /// Makes sure that there is something to go on from.
  func requireState() throws(TrainingError) {
    guard state.isReadable else {
      throw .folder(path, problem: "holds no training to resume (no resume/state.safetensors)")
    }
  }

  /// Writes a small text file in one step.
  func write(_ text: String, to file: FilePath) throws(TrainingError) {
    do {
      try AtomicFile.replace(file, with: text.utf8, isDurable: false)
    } catch {
      throw .output(file: file, reason: "\(error.code)")
    }
  }
}

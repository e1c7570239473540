import Foundation
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
      try FileManager.default.createDirectory(
        atPath: state.removingLastComponent().string, withIntermediateDirectories: true)
    } catch {
      throw .cannotCreate(path, reason: error.localizedDescription)
    }
  }

  /// Makes the folder, or finds out what is in it.
  ///
  /// - Parameter resuming: whether there must be a state in it; else there must not be one.
  /// - Throws: `TrainingError.folder`, `.cannotCreate`.
  func prepare(resuming: Bool) throws(TrainingError) {
    let hasState = fileExists(state)
    guard resuming == hasState else {
      throw .folder(
        path,
        problem: resuming
          ? "holds no training to resume (no resume/state.safetensors)"
          : "holds a training already: resume it, or name another folder")
    }
    try make()
  }

  /// Writes a small text file in one step.
  func write(_ text: String, to file: FilePath) throws(TrainingError) {
    do {
      try Data(text.utf8).write(to: URL(filePath: file.string), options: .atomic)
    } catch {
      throw .output(file: file, reason: error.localizedDescription)
    }
  }
}

/// `metrics.jsonl`, line by line.
final class MetricsFile {
  private let path: FilePath
  private let file: FileDescriptor

  /// Opens the file and cuts off what a training did after the state that it is resumed from.
  ///
  /// - Parameters:
  ///   - path: made if it is not there.
  ///   - iteration: lines of later iterations, and a torn last one, go.
  /// - Throws: `TrainingError.output`.
  init(_ path: FilePath, keepingUpTo iteration: Int) throws(TrainingError) {
    self.path = path
    do {
      file = try FileDescriptor.open(
        path, .readWrite, options: [.create, .closeOnExec],
        permissions: [.ownerReadWrite, .groupRead, .otherRead])
      let text = iteration == 0 ? "" : String(decoding: try readFile(path), as: UTF8.self)
      var length = 0
      for line in text.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
        guard let number = Self.iteration(of: line), number <= iteration else { break }
        length += line.utf8.count + 1
      }
      try file.resize(to: Int64(length))
      try file.seek(offset: Int64(length), from: .start)
    } catch {
      throw .output(file: path, reason: "\(error)")
    }
  }

  deinit {
    // Each line was written when it was made.
    try? file.close()
  }

  func append(_ record: TrainingRecord) throws(TrainingError) {
    do { try file.writeAll(Array("\(record.line)\n".utf8)) } catch {
      throw .output(file: path, reason: "\(error)")
    }
  }

  /// The number behind `{"iteration":`.
  private static func iteration(of line: Substring) -> Int? {
    let start = "{\"iteration\":"
    guard line.hasPrefix(start) else { return nil }
    return Int(line.dropFirst(start.count).prefix { $0.isNumber })
  }
}

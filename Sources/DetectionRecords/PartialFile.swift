import Digests
import Files
import Glibc
import Synchronization
import SystemPackage

/// The records of an input that is being worked on: plain lines, nothing else, under another name than the final one.
///
/// Every `append` is one write of whole lines, so that a killed process leaves at most one torn line at the end, and a
/// killed machine at most a torn or zeroed tail of the last seconds (`syncInterval`). Opening it again checks every
/// line, cuts the file after the last good one before any damage, and says how many frames are done. What is read
/// back is exactly what an uninterrupted run would have written up to there.
///
/// Each call takes a lock, so that any thread may make it; lines come in the order of the calls.
public final class PartialFile: Sendable {
  /// What it is the output of.
  public let key: OutputKey

  let path: FilePath
  let finalPath: FilePath
  private let encoder: RecordEncoder
  private let file: OpenFile
  private let state: Mutex<State>

  /// What the lines so far come to.
  public struct Progress: Equatable, Sendable {
    /// Lines of frames: how many sampled frames are done.
    public internal(set) var frames = 0
    /// Objects in them.
    public internal(set) var detections = 0
    /// Frames among them that could not be looked at.
    public internal(set) var failedFrames = 0
  }

  private struct State: ~Copyable {
    var progress = Progress()
    var digest = SHA256Digest()
    var size: Int64 = 0
    var lastSync = ContinuousClock.now
  }

  /// The longest time that lines stay unsynchronised, and so are lost with the power.
  private static let syncInterval = Duration.seconds(5)

  /// Continues an input's partial file, or starts one. Partial files of the same output that were made from another
  /// version of the input or with other settings are removed.
  ///
  /// A line that ends a failed input is cut too: whoever continues finds the failure again.
  ///
  /// - Parameters:
  ///   - key: What is worked on.
  ///   - output: Where; it has been created.
  ///   - encoder: The encoder of the same source: lines that it could not have written are damage.
  /// - Throws: `FileError.nameTooLong` or `.conflict` where only this input cannot be written; `.cannotCreate` or
  ///   `.writeFailed` where none can.
  public init(
    _ key: OutputKey, in output: OutputDirectory, encoder: RecordEncoder
  ) throws(FileError) {
    self.key = key
    self.encoder = encoder
    path = output.partialFile(key)
    finalPath = output.recordFile(key)
    // Whether the final file can be made is found now, not after hours of work.
    let final = try FileError.ofOneInput { () throws(FileError) in
      try OpenFile.metadata(output.recordFile(key))
    }
    if final?.type == .directory { throw .creating(finalPath, .isDirectory) }
    // An output directory that was removed while the run goes on must not come back without its locks.
    if try OpenFile.metadata(output.partials) == nil { throw .removed(output) }
    try FileError.ofOneInput { () throws(FileError) in
      try OpenFile.createDirectories(output.recordFile(key).removingLastComponent())
    }
    try OpenFile.createDirectories(path.removingLastComponent())
    try output.removeStalePartials(key)
    file = try OpenFile(path, .readWrite, options: [.create, .append])

    var state = State()
    state.size = try file.scanLines { line in
      guard encoder.wrote(line), !encoder.isInputFailure(line) else { return false }
      state.progress.count(line)
      state.digest.update(line)
      return true
    }
    if try file.size() != state.size { try file.truncate(to: state.size) }
    self.state = Mutex(state)
  }

  /// What the lines so far come to.
  public var progress: Progress { state.withLock { $0.progress } }

  /// Appends lines, each ended by LF.
  ///
  /// - Throws: `FileError.writeFailed`. The file may then end in a torn line, which the next opening cuts.
  public func append(_ lines: [UInt8]) throws(FileError) {
    if lines.isEmpty { return }
    precondition(lines.last == 0x0a, "appending half a line to \(path.oneLine)")
    try state.withLock { state throws(FileError) in
      try file.write(lines)
      state.size += Int64(lines.count)
      lines.withUnsafeBytes { bytes in
        state.digest.update(bytes)
        for line in bytes.split(separator: 0x0a).map(UnsafeRawBufferPointer.init(rebasing:))
        where !encoder.isInputFailure(line) {
          state.progress.count(line)
        }
      }
      if state.lastSync.duration(to: .now) > Self.syncInterval {
        try file.sync()
        state.lastSync = .now
      }
    }
  }

  /// Removes the file: nothing of it shall be continued.
  public func discard() throws(FileError) { try OpenFile.remove(path) }

  /// Makes all lines durable and ends the file: nothing may be appended after it.
  ///
  /// - Returns: The bytes of the file and their SHA-256.
  func seal() throws(FileError) -> (size: Int64, digest: String) {
    try state.withLock { state throws(FileError) in
      try file.sync()
      var digest = SHA256Digest()
      swap(&digest, &state.digest)
      return (state.size, digest.hexadecimal())
    }
  }
}

extension RecordEncoder {
  /// Whether a whole line, LF included, is one that this encoder could have written: it begins with the source, ends
  /// with the object, and holds no byte that only damage leaves behind.
  fileprivate func wrote(_ line: UnsafeRawBufferPointer) -> Bool {
    line.hasPrefix(linePrefix) && line.count > linePrefix.count + 1
      && line[line.count - 2] == UInt8(ascii: "}") && line.dropLast().allSatisfy { $0 >= 0x20 }
  }

  /// Whether a line is the one that ends a failed input, and so stands for no frame.
  func isInputFailure(_ line: UnsafeRawBufferPointer) -> Bool {
    line.hasPrefix(failurePrefix)
  }
}

extension PartialFile.Progress {
  /// Counts the line of one frame.
  fileprivate mutating func count(_ line: UnsafeRawBufferPointer) {
    frames += 1
    detections += line.count(of: LabelTable.detectionStart)
    failedFrames += line.count(of: RecordEncoder.failureStart)
  }
}

import Files
import SystemPackage

/// Keeps two runs from working on one output directory at once, unless they have different parts of the same whole.
///
/// In `OUT/.detect-batch/locks/` a run holds, by `flock` on open files, which end with the process however it ends:
///
/// | file | lock | text |
/// | --- | --- | --- |
/// | `gate.lock` | exclusive, only while the other two are taken, and while manifests of the first version are renamed | |
/// | `run.lock` | shared, by every run | the scheme that the runs of now share, such as "runs of 4 shards" |
/// | `part[-I-of-N][-segment-I-of-N].lock` | exclusive, by the one run of this part | who it is |
///
/// Behind the gate, a run that gets `run.lock` exclusively is alone and writes its scheme; another reads the scheme
/// and goes on only if it is its own. So there is no moment at which two schemes, or two runs of one part, hold
/// their locks. The files stay (see `FileLock`).
public final class RunLock: Sendable {
  private let run: OpenFile
  private let part: FileLock

  /// Takes the locks.
  ///
  /// - Parameters:
  ///   - output: The directory; it has been created.
  ///   - partition: The part that this run has.
  ///   - whileLocked: Asked each time another run holds the directory, with the error that says who: true to try
  ///     again, after whatever pause the closure makes; false to give up, which is what happens unless it is given.
  /// - Throws: `FileError.locked`, or why the lock files cannot be used.
  public init(
    _ output: OutputDirectory, _ partition: RunPartition,
    whileLocked: (FileError) -> Bool = { _ in false }
  ) throws(FileError) {
    while true {
      do {
        (run, part) = try Self.take(output, partition)
        return
      } catch .locked(let path, let holder) {
        let error = FileError.locked(path, holder: holder)
        if !whileLocked(error) { throw error }
      }
    }
  }

  /// Gives the locks up. They also go with the last reference to this object, and with the process.
  public func release() {
    part.release()
    run.unlock()
  }

  /// Waits behind whoever takes locks now. The gate is given up with the last reference.
  static func gate(of output: OutputDirectory) throws(FileError) -> OpenFile {
    let gate = try OpenFile(output.locks.appending("gate.lock"), .readWrite, options: .create)
    try gate.lock()
    return gate
  }

  private static func take(
    _ output: OutputDirectory, _ partition: RunPartition
  ) throws(FileError) -> (run: OpenFile, part: FileLock) {
    // Released when this function returns.
    let gate = try gate(of: output)
    let run = try OpenFile(output.locks.appending("run.lock"), .readWrite, options: .create)
    if try run.tryLock(.exclusive) {
      try run.replaceText(partition.scheme)
    } else if try run.text() != partition.scheme {
      throw .locked(output.path, holder: try holders(output))
    }
    // Whoever else holds this lock holds it shared: exclusive locks are taken behind the gate and given up there.
    guard try run.tryLock(.shared) else { throw .locked(output.path, holder: try holders(output)) }

    let remark = [
      partition.shard.map { ", shard \($0)" }, partition.segment.map { ", segment \($0)" },
    ].compactMap { $0 }.joined()
    let part = try FileLock(
      output.locks.appending("part\(partition.fileSuffix).lock"), of: output.path, remark: remark)
    withExtendedLifetime(gate) {}
    return (run, part)
  }

  /// Who holds parts now.
  private static func holders(_ output: OutputDirectory) throws(FileError) -> String {
    var found: [String] = []
    for name in try OpenFile.names(in: output.locks) ?? [] where name.starts(with: "part".utf8) {
      let file = try OpenFile(output.locks.pushing(FilePath(bytes: name)), .readWrite)
      // Behind the gate nobody else looks, so that who gets the lock knows it to be free.
      if try !file.tryLock(.shared) { found.append(try file.text()) }
    }
    // A run that has just ended may have left nobody.
    guard let first = found.min() else { return "another run" }
    return found.count == 1 ? first : "\(first) and \(found.count - 1) more"
  }
}

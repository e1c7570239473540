import DetectionRecords
import RetinaNetModel
import SystemPackage

/// A run's output, open: what is there of earlier runs, and where this one's records go.
struct RunOutput: Sendable {
  let destination: any RecordDestination
  /// What is there of an input's output, and whether an earlier run began on it.
  let prior: @Sendable (WorkItem) throws(RecordsError) -> (output: PriorOutput, isBegun: Bool)
  /// Held until the run is over.
  private let lock: RunLock?

  /// Standard output.
  init() {
    destination = StandardOutputDestination(output: StandardOutput())
    prior = { _ in (.none, false) }
    lock = nil
  }

  /// A directory.
  ///
  /// Another run that holds it is waited for as long as `whileLocked` says so. Without it, the directory is neither
  /// made nor locked, only looked at: for a run that does nothing.
  init(
    _ path: FilePath, _ partition: RunPartition, settings: SettingsDigest,
    whileLocked: ((RecordsError) -> Bool)?
  ) throws(RecordsError) {
    let output = OutputDirectory(path)
    let manifest: Manifest
    if let whileLocked {
      try output.create()
      lock = try RunLock(output, partition, whileLocked: whileLocked)
      manifest = try Manifest(output, partition)
    } else {
      lock = nil
      manifest = try Manifest(reading: output, partition)
    }
    let digest = settings.hexadecimal
    destination = DirectoryDestination(
      output: output, manifest: manifest, segment: partition.segment, settingsDigest: digest)
    prior = { item throws(RecordsError) in
      var key = OutputKey(source: item.source, input: item.input, settingsDigest: digest)
      if let segment = partition.segment {
        // A whole that segments were put together to has no need of them again.
        let whole = try manifest.prior(key)
        if case .complete = whole { return (whole, false) }
        key.segment = segment
      }
      return (try manifest.prior(key), output.hasPartial(key))
    }
  }
}

import DetectionRecords
import Files
import RetinaNetModel
import SystemPackage

/// A run's output, open: what is there of earlier runs, and where this one's records go.
struct RunOutput: Sendable {
  let destination: any RecordDestination
  /// What is there of earlier runs; nil for standard output, which remembers nothing.
  let history: OutputHistory?
  /// What this run is at; nil for standard output, and for a run that does nothing.
  let inHand: InputsInHand?
  /// Held until the run is over.
  private let lock: RunLock?

  /// Standard output.
  init() {
    destination = StandardOutputDestination(output: StandardOutput())
    history = nil
    inHand = nil
    lock = nil
  }

  /// A directory.
  ///
  /// Another run that holds it is waited for as long as `whileLocked` says so. Without it, the directory is neither
  /// made nor locked, only looked at: for a run that does nothing.
  init(
    _ path: FilePath, _ partition: RunPartition, settings: SettingsDigest, model: RunModel,
    whileLocked: ((FileError) -> Bool)?
  ) throws(FileError) {
    let output = OutputDirectory(path)
    let manifest: Manifest
    if let whileLocked {
      try output.create()
      lock = try RunLock(output, partition, whileLocked: whileLocked)
      manifest = try Manifest(output, partition)
      inHand = try InputsInHand(output, partition)
      try output.keepSettings(settings.hexadecimal, settings.text)
      try output.keepModel(model.digest, model.text)
    } else {
      lock = nil
      inHand = nil
      manifest = try Manifest(reading: output, partition)
    }
    history = OutputHistory(output, manifest, partition, settings, inHand)
    destination = DirectoryDestination(
      output: output, manifest: manifest, segment: partition.segment,
      settingsDigest: settings.hexadecimal, inHand: inHand)
  }
}

import DetectionRecords
import Files

/// Where the records of a run go.
protocol RecordDestination: Sendable {
  /// Whether records are written input by input, in the order of the worklist.
  var isOrdered: Bool { get }

  /// Begins an input, or continues what an earlier run began. Called by decoders, several at once. Without a file,
  /// there is none that could be looked at.
  func begin(_ job: InputJob, _ file: InputFile?) throws(FileError) -> any InputRecords
}

/// The records of one input. After it was begun, the writer uses it alone, until a publisher gets it.
protocol InputRecords: Sendable {
  /// What an earlier run has recorded of it.
  var kept: RecordCounts { get }

  /// Appends whole lines.
  func append(_ lines: [UInt8]) throws(FileError)

  /// The input is done, or has failed for good: its lines are all there are.
  func publish(_ outcome: InputOutcome) throws(FileError)

  /// The input could not be read and is left to another run, which may go on from here if `keepingLines`.
  ///
  /// - Returns: whether a line says so.
  func leave(_ failure: String, keepingLines: Bool) throws(FileError) -> Bool
}

/// One `<source>.jsonl` per input, made elsewhere and published whole.
struct DirectoryDestination: RecordDestination {
  let output: OutputDirectory
  let manifest: Manifest
  let segment: Part?
  let settingsDigest: String
  /// Told of each input that is begun and done; nil: nobody.
  var inHand: InputsInHand?
  var isOrdered: Bool { false }

  func begin(
    _ job: InputJob, _ file: InputFile?
  ) throws(FileError) -> any InputRecords {
    guard let file else { return NoRecords() }
    let key = OutputKey(
      source: job.source, segment: segment, input: file.version, settingsDigest: settingsDigest)
    let records = Records(
      partial: try PartialFile(key, in: output, encoder: job.encoder), key: key,
      manifest: manifest, origin: file.origin, inHand: inHand)
    try inHand?.begin(key, frames: records.kept.frames)
    return records
  }

  private struct Records: InputRecords {
    let partial: PartialFile
    let key: OutputKey
    let manifest: Manifest
    let origin: InputOrigin
    let inHand: InputsInHand?
    let kept: RecordCounts

    init(
      partial: PartialFile, key: OutputKey, manifest: Manifest, origin: InputOrigin,
      inHand: InputsInHand?
    ) {
      self.partial = partial
      self.key = key
      self.manifest = manifest
      self.origin = origin
      self.inHand = inHand
      let progress = partial.progress
      kept = RecordCounts(
        frames: progress.frames, failedFrames: progress.failedFrames,
        detections: progress.detections)
    }

    func append(_ lines: [UInt8]) throws(FileError) { try partial.append(lines) }

    func publish(_ outcome: InputOutcome) throws(FileError) {
      try manifest.publish(partial, outcome, origin: origin)
      try inHand?.end(key)
    }

    func leave(_ failure: String, keepingLines: Bool) throws(FileError) -> Bool {
      if !keepingLines || partial.progress.frames == 0 { try partial.discard() }
      try inHand?.end(key)
      return false
    }
  }
}

/// Records on standard output: nothing is remembered, every failure is a line.
struct StandardOutputDestination: RecordDestination {
  let output: StandardOutput
  var isOrdered: Bool { true }

  func begin(_ job: InputJob, _ file: InputFile?) -> any InputRecords {
    Records(output: output, encoder: job.encoder)
  }

  private struct Records: InputRecords {
    let output: StandardOutput
    let encoder: RecordEncoder
    let kept = RecordCounts()

    func append(_ lines: [UInt8]) throws(FileError) { try output.append(lines) }

    func publish(_ outcome: InputOutcome) {}

    func leave(_ failure: String, keepingLines: Bool) throws(FileError) -> Bool {
      try output.append(encoder.failureLine(failure))
      return true
    }
  }
}

/// The records of an input that has nowhere to put them: it is not there, or its name cannot be a file's.
struct NoRecords: InputRecords {
  let kept = RecordCounts()
  func append(_ lines: [UInt8]) { preconditionFailure("records of an input without a place") }
  func publish(_ outcome: InputOutcome) {
    preconditionFailure("records of an input without a place")
  }
  func leave(_ failure: String, keepingLines: Bool) -> Bool { false }
}

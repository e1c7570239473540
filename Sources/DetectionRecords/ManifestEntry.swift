import FoundationEssentials

/// What is known of one finished input, one line of a manifest:
///
///     {"source":"cam1/0700.mp4","size":1048576,"mtime":1794307260123456789,"settings":"3f…","status":"done","frames":1500,"detections":2731,"decodeErrors":0,"lastError":null,"failure":null,"seconds":61.204,"outputSize":402113,"outputDigest":"9c…"}
///
/// | key | value |
/// | --- | --- |
/// | `source`, `sourceBytes` | as in the records |
/// | `segment` | only for a segment: `"I/N"` |
/// | `size`, `mtime` | the input's version: bytes, and nanoseconds since 1970 as a whole number |
/// | `settings` | digest of the settings that decide the output's bytes |
/// | `status` | `"done"`, or `"failed"`: a failure in the data, complete for this version of the input |
/// | `frames`, `detections` | lines of frames, and objects in them |
/// | `decodeErrors`, `lastError` | errors of the decoder without a frame, and FFmpeg's last words; of a segment, those from the beginning of the file to the segment's end |
/// | `failure` | why, where the status is `"failed"` |
/// | `seconds` | what the input took: the one value that differs from run to run |
/// | `outputSize`, `outputDigest` | bytes and SHA-256 of the record file |
public struct ManifestEntry: Equatable, Sendable {
  /// Whose output.
  public var key: OutputKey
  /// What came of it.
  public var outcome: InputOutcome
  /// Frames recorded.
  public var frames: Int
  /// Objects recorded.
  public var detections: Int
  /// Bytes of the record file.
  public var outputSize: Int64
  /// SHA-256 of the record file, in hexadecimal.
  public var outputDigest: String
}

/// What came of one input, apart from its records.
public struct InputOutcome: Equatable, Sendable {
  /// Why the input failed, for a failure in its data; nil when it was worked through.
  public var failure: String?
  /// Errors of the decoder that came without a frame.
  public var decodeErrors: Int
  /// The decoder's last error in its own words.
  public var lastError: String?
  /// Seconds that the input took.
  public var seconds: Double

  /// An outcome from its parts.
  public init(
    failure: String? = nil, decodeErrors: Int = 0, lastError: String? = nil, seconds: Double
  ) {
    self.failure = failure
    self.decodeErrors = decodeErrors
    self.lastError = lastError
    self.seconds = seconds
  }
}

extension ManifestEntry {
  /// The entry's line, LF included.
  var line: [UInt8] {
    var bytes = Array("{\"source\":".utf8)
    func name(_ key: String) { bytes.append(contentsOf: ",\"\(key)\":".utf8) }
    JSONText.append(key.source, to: &bytes)
    if let segment = key.segment {
      name("segment")
      JSONText.append(segment.description, to: &bytes)
    }
    name("size")
    JSONText.append(key.input.size, to: &bytes)
    name("mtime")
    JSONText.append(key.input.modificationTime, to: &bytes)
    name("settings")
    JSONText.append(key.settingsDigest, to: &bytes)
    name("status")
    JSONText.append(outcome.failure == nil ? "done" : "failed", to: &bytes)
    name("frames")
    JSONText.append(frames, to: &bytes)
    name("detections")
    JSONText.append(detections, to: &bytes)
    name("decodeErrors")
    JSONText.append(outcome.decodeErrors, to: &bytes)
    name("lastError")
    JSONText.append(outcome.lastError, to: &bytes)
    name("failure")
    JSONText.append(outcome.failure, to: &bytes)
    name("seconds")
    JSONText.append(outcome.seconds, decimals: 3, to: &bytes)
    name("outputSize")
    JSONText.append(outputSize, to: &bytes)
    name("outputDigest")
    JSONText.append(outputDigest, to: &bytes)
    bytes.append(contentsOf: "}\n".utf8)
    return bytes
  }

  /// Reads a line; nil for anything but a whole entry. Keys that are not known are skipped, for a newer version may
  /// have added them.
  init?(line: UnsafeRawBufferPointer) {
    guard let fields = FlatJSON.fields(of: line) else { return nil }
    guard case .string(let text)? = fields["source"],
      case .integer(let size)? = fields["size"],
      case .integer(let modificationTime)? = fields["mtime"],
      case .string(let settings)? = fields["settings"], OutputKey.isDigest(settings),
      case .integer(let frames)? = fields["frames"],
      case .integer(let detections)? = fields["detections"],
      case .integer(let decodeErrors)? = fields["decodeErrors"],
      case .integer(let outputSize)? = fields["outputSize"],
      case .string(let outputDigest)? = fields["outputDigest"],
      case .string(let status)? = fields["status"], let seconds = fields["seconds"]?.number,
      // What no run could have counted; the numbers are added up.
      [frames, detections, decodeErrors, outputSize].allSatisfy({ (0...1 << 48).contains($0) })
    else { return nil }

    var sourceBytes = Array(text.utf8)
    if case .string(let base64)? = fields["sourceBytes"] {
      guard let data = Data(base64Encoded: base64) else { return nil }
      sourceBytes = Array(data)
    }
    var segment: Part?
    if case .string(let text)? = fields["segment"] {
      guard let part = Part(text) else { return nil }
      segment = part
    }
    guard let source = try? SourceName(bytes: sourceBytes) else {
      // Not a name that any run could have written.
      return nil
    }
    let failure = fields["failure"]?.text
    guard status == (failure == nil ? "done" : "failed") else { return nil }
    self.init(
      key: OutputKey(
        source: source, segment: segment,
        input: InputVersion(size: size, modificationTime: modificationTime),
        settingsDigest: settings),
      outcome: InputOutcome(
        failure: failure, decodeErrors: Int(decodeErrors), lastError: fields["lastError"]?.text,
        seconds: seconds),
      frames: Int(frames), detections: Int(detections), outputSize: outputSize,
      outputDigest: outputDigest)
  }
}

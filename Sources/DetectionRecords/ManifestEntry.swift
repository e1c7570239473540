import Files
import FoundationEssentials
import JSONText
import SystemPackage

/// What is known of one finished input, one line of a manifest:
///
///     {"source":"cam1/0700.mp4","root":"/srv/archive","device":2049,"inode":131,"size":1048576,"mtime":1794307260123456789,"settings":"3f…","status":"done","frames":1500,"detections":2731,"decodeErrors":0,"lastError":null,"failure":null,"seconds":61.204,"outputSize":402113,"outputDigest":"9c…"}
///
/// | key | value |
/// | --- | --- |
/// | `source`, `sourceBytes` | as in the records |
/// | `segment` | only for a segment: `"I/N"` |
/// | `root` (`rootBytes`) | the directory that the source counts from, as an absolute path: the input was `root`/`source` |
/// | `device`, `inode` | the input's, at the time |
/// | `size`, `mtime` | the input's version: bytes, and nanoseconds since 1970 as a whole number |
/// | `settings` | digest of the settings that decide the output's bytes |
/// | `status` | `"done"`, or `"failed"`: a failure in the data, complete for this version of the input |
/// | `frames`, `detections` | lines of frames, those that could not be looked at included, and objects in them |
/// | `decodeErrors`, `lastError` | errors of the decoder without a frame, and FFmpeg's last words; of a segment, those from the beginning of the file to the segment's end |
/// | `failure` | why, where the status is `"failed"` |
/// | `seconds` | what the input took: the one value that differs from run to run |
/// | `outputSize`, `outputDigest` | bytes and SHA-256 of the record file |
///
/// Entries of the first version have no `root`, `device` and `inode`.
public struct ManifestEntry: Equatable, Sendable {
  /// Whose output.
  public var key: OutputKey
  /// Which file it was made from; nil where the first version wrote the entry.
  public var origin: InputOrigin?
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
    JSON.append(key.source, to: &bytes)
    if let segment = key.segment {
      name("segment")
      JSON.append(segment.description, to: &bytes)
    }
    if let origin {
      let root = origin.root.bytes
      let text = String(decoding: root, as: UTF8.self)
      name("root")
      JSON.append(text[...], to: &bytes)
      if !text.utf8.elementsEqual(root) {
        name("rootBytes")
        JSON.append(Data(root).base64EncodedString()[...], to: &bytes)
      }
      name("device")
      JSON.append(Int64(bitPattern: origin.device), to: &bytes)
      name("inode")
      JSON.append(Int64(bitPattern: origin.inode), to: &bytes)
    }
    name("size")
    JSON.append(key.input.size, to: &bytes)
    name("mtime")
    JSON.append(key.input.modificationTime, to: &bytes)
    name("settings")
    JSON.append(key.settingsDigest, to: &bytes)
    name("status")
    JSON.append(outcome.failure == nil ? "done" : "failed", to: &bytes)
    name("frames")
    JSON.append(frames, to: &bytes)
    name("detections")
    JSON.append(detections, to: &bytes)
    name("decodeErrors")
    JSON.append(outcome.decodeErrors, to: &bytes)
    name("lastError")
    JSON.append(outcome.lastError, to: &bytes)
    name("failure")
    JSON.append(outcome.failure, to: &bytes)
    name("seconds")
    JSON.append(outcome.seconds, decimals: 3, to: &bytes)
    name("outputSize")
    JSON.append(outputSize, to: &bytes)
    name("outputDigest")
    JSON.append(outputDigest, to: &bytes)
    bytes.append(contentsOf: "}\n".utf8)
    return bytes
  }

  /// Reads a line; nil for anything but a whole entry. Keys that are not known are skipped, for a newer version may
  /// have added them.
  init?(line: UnsafeRawBufferPointer) {
    var fields = Fields()
    var scanner = JSONScanner(line)
    do throws(JSONError) {
      try scanner.beginObject()
      while let key = try scanner.nextKey() {
        let value = try scanner.readToken()
        guard fields.take(key, value) else { return nil }
        switch value {
        case .object, .array: try scanner.skipValue()
        case .string, .number, .bool, .null: break
        }
      }
      try scanner.readEnd()
    } catch {
      return nil
    }
    guard let entry = fields.entry else { return nil }
    self = entry
  }

  /// What was read of a line.
  private struct Fields {
    private var source: String?
    private var sourceBytes: String?
    private var segment: String?
    private var root: String?
    private var rootBytes: String?
    private var device: Int64?
    private var inode: Int64?
    private var size: Int64?
    private var modificationTime: Int64?
    private var settings: String?
    private var status: String?
    private var frames: Int64?
    private var detections: Int64?
    private var decodeErrors: Int64?
    private var lastError: String?
    private var failure: String?
    private var seconds: Double?
    private var outputSize: Int64?
    private var outputDigest: String?

    /// Takes one member; false for a second one of its key, and for a value of another kind.
    mutating func take(_ key: JSONString, _ value: JSONToken) -> Bool {
      if key == "source" { return Self.take(value, &source) }
      if key == "sourceBytes" { return Self.take(value, &sourceBytes) }
      if key == "segment" { return Self.take(value, &segment) }
      if key == "root" { return Self.take(value, &root) }
      if key == "rootBytes" { return Self.take(value, &rootBytes) }
      if key == "device" { return Self.take(value, &device) }
      if key == "inode" { return Self.take(value, &inode) }
      if key == "size" { return Self.take(value, &size) }
      if key == "mtime" { return Self.take(value, &modificationTime) }
      if key == "settings" { return Self.take(value, &settings) }
      if key == "status" { return Self.take(value, &status) }
      if key == "frames" { return Self.take(value, &frames) }
      if key == "detections" { return Self.take(value, &detections) }
      if key == "decodeErrors" { return Self.take(value, &decodeErrors) }
      if key == "lastError" { return Self.take(value, &lastError) }
      if key == "failure" { return Self.take(value, &failure) }
      if key == "outputSize" { return Self.take(value, &outputSize) }
      if key == "outputDigest" { return Self.take(value, &outputDigest) }
      if key == "seconds" {
        guard seconds == nil, case .number(let number) = value else { return false }
        seconds = number.double
      }
      return true
    }

    private static func take(_ value: JSONToken, _ field: inout String?) -> Bool {
      if case .null = value { return field == nil }
      guard field == nil, case .string(let string) = value else { return false }
      field = string.text
      return true
    }

    private static func take(_ value: JSONToken, _ field: inout Int64?) -> Bool {
      guard field == nil, case .number(.integer(let number)) = value else { return false }
      field = number
      return true
    }

    /// The entry, if the fields make one.
    var entry: ManifestEntry? {
      guard let source = Self.bytes(source, base64: sourceBytes),
        // Not one that no run could have written.
        let name = try? SourceName(bytes: source),
        let size, let modificationTime, let settings, OutputKey.isDigest(settings),
        let frames, let detections, let decodeErrors, let seconds, let outputSize,
        let outputDigest, status == (failure == nil ? "done" : "failed"),
        // What no run could have counted; the numbers are added up.
        [frames, detections, decodeErrors, outputSize].allSatisfy({ (0...1 << 48).contains($0) }),
        (0...1e12).contains(seconds)
      else { return nil }
      var part: Part?
      if let segment {
        guard let read = Part(segment) else { return nil }
        part = read
      }
      return ManifestEntry(
        key: OutputKey(
          source: name, segment: part,
          input: InputVersion(size: size, modificationTime: modificationTime),
          settingsDigest: settings), origin: origin,
        outcome: InputOutcome(
          failure: failure, decodeErrors: Int(decodeErrors), lastError: lastError, seconds: seconds),
        frames: Int(frames), detections: Int(detections), outputSize: outputSize,
        outputDigest: outputDigest)
    }

    private var origin: InputOrigin? {
      guard let root = Self.bytes(root, base64: rootBytes), root.first == UInt8(ascii: "/"),
        !root.contains(0), let device, let inode
      else { return nil }
      return InputOrigin(
        root: FilePath(bytes: root), device: UInt64(bitPattern: device),
        inode: UInt64(bitPattern: inode))
    }

    private static func bytes(_ text: String?, base64: String?) -> [UInt8]? {
      guard let base64 else { return text.map { Array($0.utf8) } }
      return Data(base64Encoded: base64).map(Array.init)
    }
  }
}

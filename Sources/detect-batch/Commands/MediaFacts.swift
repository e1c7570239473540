import DetectionPipeline
import FrameDecoding
import JSONText
import SystemPackage

/// What a video or an image is.
enum MediaFacts {
  /// Reads a file's headers, and with `decode` all of it.
  ///
  /// - Throws: `Fault` (66) where it is not there or cannot be read, (3) where it cannot be decoded.
  static func read(
    _ path: FilePath, decode: Bool, with decoders: MediaDecoders
  ) throws -> Facts {
    do {
      let reader = try decoders.open(path)
      var facts = Facts()
      describe(reader.info, path, &facts)
      if decode { try count(reader, &facts) }
      return facts
    } catch let error as MediaError {
      let status = error.kind == .access ? ExitStatus.noInput : .someInputsFailed
      throw Fault(status, "\(path): \(error)")
    }
  }

  private static func describe(_ info: MediaInfo, _ path: FilePath, _ facts: inout Facts) {
    facts.add("file", "file", .string(path.string))
    facts.add("kind", "kind", .string(info.isStillImage ? "image" : "video"))
    facts.add("container", "container", .string(info.container))
    facts.add("codec", "codec", .string(info.codec))
    facts.add("width", "width", .int(info.width))
    facts.add("height", "height", .int(info.height))
    facts.add(
      "orientation", "orientation", .int(info.orientation.rawValue),
      text: "\(info.orientation.rawValue) (\(info.orientation.words))")
    guard !info.isStillImage else { return }
    facts.add(
      "duration", "duration", info.duration.map(JSONValue.double) ?? .null,
      text: info.duration.map { "about \(RunText.span($0))" })
    facts.add(
      "frameRate", "frame rate", info.averageFrameRate.map(JSONValue.double) ?? .null,
      text: info.averageFrameRate.map { "\(RunText.decimal($0)) frames/s on average" })
    facts.add(
      "estimatedFrames", "frames", info.estimatedFrames.map(JSONValue.int) ?? .null,
      text: info.estimatedFrames.map { "about \(RunText.grouped($0))" })
    if !info.remarks.isEmpty {
      facts.add("remarks", "remarks", .array(info.remarks.map(JSONValue.string)))
    }
  }

  private static func count(_ reader: any FrameSource, _ facts: inout Facts) throws {
    var (frames, keyframes, timeless) = (0, 0, 0)
    var times: (first: Double, last: Double)?
    var sizes: [String] = []
    while let frame = try reader.nextFrame() {
      frames += 1
      if frame.isKeyframe { keyframes += 1 }
      if let time = frame.time {
        times = (times?.first ?? time, time)
      } else {
        timeless += 1
      }
      let size = "\(frame.picture.width)x\(frame.picture.height)"
      if sizes.last != size { sizes.append(size) }
    }
    facts.add("frames", "decoded frames", .int(frames))
    facts.add("keyframes", "keyframes", .int(keyframes))
    facts.add("sizes", "picture sizes", .array(sizes.map(JSONValue.string)))
    facts.add("firstTime", "first timestamp", times.map { .double($0.first) } ?? .null)
    facts.add("lastTime", "last timestamp", times.map { .double($0.last) } ?? .null)
    facts.add("framesWithoutTime", "without timestamp", .int(timeless))
    facts.add("corruptFrames", "corrupt frames", .int(reader.report.corruptFrames))
    facts.add("decodeErrors", "decoding errors", .int(reader.report.decodeErrors))
    if let error = reader.report.lastError { facts.add("lastError", "last error", .string(error)) }
  }
}

extension Orientation {
  fileprivate var words: String {
    switch self {
    case .upright: "upright"
    case .mirrored: "mirrored left to right"
    case .turnedHalf: "turned by half"
    case .flipped: "mirrored top to bottom"
    case .transposed: "mirrored along the main diagonal"
    case .turnedRight: "to be turned clockwise by a quarter"
    case .transversed: "mirrored along the other diagonal"
    case .turnedLeft: "to be turned counterclockwise by a quarter"
    }
  }
}

import Digests
import Foundation
import FrameDecoding
import Media
import SystemPackage

/// What `scripts/make-media-fixtures.py` wrote.
enum MediaFixture {
  static let folder = Bundle.module.bundleURL.appending(path: "Fixtures")

  static func path(_ name: String) -> FilePath { FilePath(folder.appending(path: name).path) }

  static func bytes(_ name: String) throws -> [UInt8] {
    try [UInt8](Data(contentsOf: folder.appending(path: name)))
  }

  static func json<Value: Decodable>(_ name: String, as type: Value.Type) throws -> Value {
    try JSONDecoder().decode(type, from: Data(contentsOf: folder.appending(path: name)))
  }

  /// ffprobe's answers by file.
  static let probed: [String: Probe] = {
    do { return try json("ffprobe.json", as: [String: Probe].self) } catch {
      fatalError("ffprobe.json: \(error)")
    }
  }()

  /// What ffprobe says of one video.
  struct Probe: Decodable {
    let startTime: String?
    private let times: String
    private let keys: String
    private let sizes: String

    /// Seconds from the container's start; nil without a timestamp.
    var frameTimes: [Double?] {
      let start = startTime.flatMap(Double.init) ?? 0
      return times.split(separator: " ").map { Double($0).map { $0 - start } }
    }
    var frameKeys: [Bool] { keys.map { $0 == "1" } }
    var frameSizes: [String] { sizes.split(separator: " ").map(String.init) }
  }
}

/// All frames of an input, and how it ended.
struct Reading {
  var info: MediaInfo
  var frames: [DecodedFrame] = []
  var failure: MediaError?
  var report: DecodingReport

  init(
    _ path: FilePath, _ sampling: FrameSampling = .init(), limits: MediaLimits = .init(),
    skipping: Int = 0
  ) throws(MediaError) {
    let reader = try MediaReader(
      path: path, sampling: sampling, limits: limits, skipping: skipping)
    info = reader.info
    do {
      while let frame = try reader.nextFrame() { frames.append(frame) }
    } catch {
      failure = error
    }
    report = reader.report
  }

  init(
    _ fixture: String, _ sampling: FrameSampling = .init(), limits: MediaLimits = .init(),
    skipping: Int = 0
  ) throws(MediaError) {
    try self.init(MediaFixture.path(fixture), sampling, limits: limits, skipping: skipping)
  }

  var indices: [Int?] { frames.map(\.index) }
  var times: [Double?] { frames.map(\.time) }

  /// One text per frame that tells everything of it, pixels included.
  var fingerprints: [String] {
    frames.map {
      "\(String(describing: $0.index)) \(String(describing: $0.time)) \($0.isCorrupt) \($0.isKeyframe) "
        + "\($0.picture.width)x\($0.picture.height) \(SHA256Digest.hexadecimal(of: $0.picture.pixels))"
    }
  }
}

extension RGBPicture {
  var size: String { "\(width)x\(height)" }
}

extension MediaInfo {
  var size: String { "\(width)x\(height)" }
}

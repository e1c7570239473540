import FrameDecoding
import SystemPackage

/// How much there is to look at in a file, as its container tells without decoding: an estimate.
public struct FrameEstimate: Equatable, Sendable {
  /// Sampled frames; nil where the container does not tell (keyframes are not counted in any).
  public let frames: Int?
  /// Seconds that the whole file lasts; nil for images, and where nobody says it.
  public let duration: Double?

  /// Opens a file and reads its headers; nil where it cannot be opened: the run will say why.
  ///
  /// - Parameters:
  ///   - path: a file. Images whose names say that they are not animated are not opened.
  ///   - sampling: which of its frames are looked at; of a segment, its share is taken.
  ///   - decoders: what opens it.
  public init?(
    of path: FilePath, sampling: FrameSampling, with decoders: MediaDecoders = MediaDecoders(.off)
  ) {
    if MediaExtensions.isStill(path) {
      self.init(frames: 1, duration: nil)
      return
    }
    do {
      // Without the sampling, which would read on to its start.
      self.init(try decoders.open(path).info, sampling: sampling)
    } catch {
      return nil
    }
  }

  init(_ info: MediaInfo, sampling: FrameSampling) {
    guard !info.isStillImage else {
      self.init(frames: 1, duration: nil)
      return
    }
    let wholeCount = info.estimatedFrames.flatMap { $0 > 0 ? Double($0) : nil }
    let whole = info.duration.flatMap { $0 > 0 ? $0 : nil }
    self.init(frames: Self.count(wholeCount, lasting: whole, sampling), duration: whole)
  }

  init(frames: Int?, duration: Double?) {
    self.frames = frames
    self.duration = duration
  }

  private static func count(
    _ wholeCount: Double?, lasting whole: Double?, _ sampling: FrameSampling
  ) -> Int? {
    var share = 1.0
    if sampling.start != nil || sampling.end != nil {
      guard let whole else { return nil }
      share = max(0, min(sampling.end ?? whole, whole) - min(sampling.start ?? 0, whole)) / whole
    }
    share /= Double(sampling.segment?.count ?? 1)
    let count: Double?
    switch sampling.selection {
    case .all: count = wholeCount.map { $0 * share }
    case .every(let step): count = wholeCount.map { ($0 * share / Double(step)).rounded(.up) }
    case .rate(let rate):
      // A frame for each tick, and no frame twice.
      let ticks = whole.map { ($0 * share * rate).rounded(.up) }
      count = ticks.map { min($0, wholeCount.map { $0 * share } ?? $0) }
    case .keyframes: count = nil
    }
    // Bounded: beyond 1e12 a container tells nothing.
    let frames = count.flatMap { $0 < 1e12 ? Int($0.rounded()) : nil }
    return frames.map { min($0, sampling.maxFrames ?? $0) }
  }
}

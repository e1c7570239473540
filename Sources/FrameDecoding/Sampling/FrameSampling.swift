/// Which frames of the full decode are wanted.
///
/// The rules apply to the whole file in this order, so that a narrower one always gives a part of what a wider one
/// gives: `selection` picks, `start` and `end` keep what lies in the range, `maxFrames` cuts, and `segment` keeps one
/// part of what is left.
public struct FrameSampling: Equatable, Sendable {
  /// What is picked.
  public enum Selection: Equatable, Sendable {
    /// Every frame.
    case all
    /// Frames whose ordinal is a multiple of this, at least 1.
    case every(Int)
    /// For each tick k/F (k = 0, 1, 2, …; F in frames per second, above 0), the frame nearest in time, the earlier of
    /// two as near, each frame once. Ticks after the last frame do not count. A timestamp below its predecessor's
    /// starts a new run, with the ticks from there on. Frames without a timestamp are never picked.
    case rate(Double)
    /// Frames that the decoder calls keyframes.
    case keyframes
  }

  /// One of several parts of a file, cut at keyframes; every frame is in exactly one.
  public struct Segment: Equatable, Sendable {
    /// 0 ..< count.
    public let index: Int
    /// How many parts.
    public let count: Int

    /// Names part `index` of `count`.
    public init(index: Int, count: Int) {
      precondition(
        count >= 1 && index >= 0 && index < count, "no segment \(index) among \(count) segments")
      self.index = index
      self.count = count
    }
  }

  /// What is picked.
  public var selection: Selection
  /// Seconds; frames before it are left out, and so are frames without a timestamp.
  public var start: Double?
  /// Seconds; frames at or after it are left out, and so are frames without a timestamp. Decoding stops at the first
  /// frame at or after it; in containers whose clock may start anew (MPEG-TS and PS, Ogg), 10 seconds after it.
  public var end: Double?
  /// Most frames of the whole file.
  public var maxFrames: Int?
  /// False lets `start` seek and `.keyframes` skip the frames between, at the price of `DecodedFrame.index`.
  public var needsFrameNumbers: Bool
  /// The part of the file, or nil for all of it.
  public var segment: Segment?
  /// When a sampled frame of a video is given as the same as an earlier one (`DecodedFrame.same`); nil: never.
  public var sameness: Sameness?

  /// Creates a rule; without arguments, every frame.
  public init(
    selection: Selection = .all, start: Double? = nil, end: Double? = nil, maxFrames: Int? = nil,
    needsFrameNumbers: Bool = true, segment: Segment? = nil, sameness: Sameness? = nil
  ) {
    switch selection {
    case .every(let step): precondition(step >= 1, "every \(step) frames")
    case .rate(let rate): precondition(rate > 0 && rate.isFinite, "\(rate) frames per second")
    case .all, .keyframes: break
    }
    self.selection = selection
    self.start = start
    self.end = end
    self.maxFrames = maxFrames
    self.needsFrameNumbers = needsFrameNumbers
    self.segment = segment
    self.sameness = sameness
  }
}

/// Decides, frame after frame of the full decode, which ones are sampled: the rules of `FrameSampling` except segments.
struct FrameSampler {
  /// What the rules look at.
  struct Stamp: Equatable {
    /// From 0, in the full decode.
    var ordinal: Int
    /// Seconds.
    var time: Double?
    var isKeyframe: Bool
  }

  /// What becomes of a frame.
  enum Fate: Equatable {
    case sampled
    case rejected
    /// A later decision tells; at the end of the file it is rejected.
    case held
  }

  /// What one more frame decides.
  struct Decision: Equatable {
    /// What becomes of the frame held until now, if there is one. Never both frames are held.
    var heldFrame = Fate.rejected
    /// What becomes of the new frame.
    var frame: Fate
  }

  /// No later frame can be sampled, nor is one held.
  private(set) var isFinished = false
  /// Frames that would be sampled if they had a time.
  private(set) var untimedFrames = 0

  private let sampling: FrameSampling
  private let patience: Double
  private var ticks: TickCursor?
  private var held: Stamp?
  private var sampledFrames = 0

  /// Starts a file. `mayJumpInTime` says that timestamps may start anew, so that one frame past `FrameSampling.end` does
  /// not yet mean that no later one lies before it: then the file is read until a frame lies 10 seconds past.
  init(_ sampling: FrameSampling, mayJumpInTime: Bool) {
    self.sampling = sampling
    patience = mayJumpInTime ? 10 : 0
    if case .rate(let rate) = sampling.selection { ticks = TickCursor(rate: rate) }
    isFinished = sampling.maxFrames.map { $0 <= 0 } ?? false
  }

  /// Takes the next frame.
  mutating func decide(_ stamp: Stamp) -> Decision {
    var decision = pick(stamp)
    if let held, decision.heldFrame == .sampled, !accept(held) { decision.heldFrame = .rejected }
    if decision.frame == .sampled && !accept(stamp) { decision.frame = .rejected }
    if let end = sampling.end, let time = stamp.time, time >= end + patience { isFinished = true }
    if isFinished && decision.frame == .held { decision.frame = .rejected }
    if decision.heldFrame != .held { held = decision.frame == .held ? stamp : nil }
    return decision
  }

  /// What `FrameSampling.selection` alone says.
  private mutating func pick(_ stamp: Stamp) -> Decision {
    switch sampling.selection {
    case .all: return Decision(frame: .sampled)
    case .every(let step): return Decision(frame: stamp.ordinal % step == 0 ? .sampled : .rejected)
    case .keyframes: return Decision(frame: stamp.isKeyframe ? .sampled : .rejected)
    case .rate:
      if stamp.time == nil { untimedFrames += 1 }
      guard let time = stamp.time, let owners = ticks?.advance(to: time) else {
        // Without a time, or with that of the frame before, it is nearest to no tick and decides nothing.
        return Decision(heldFrame: held == nil ? .rejected : .held, frame: .rejected)
      }
      return Decision(
        heldFrame: owners.previous && held != nil ? .sampled : .rejected,
        frame: owners.current ? .sampled : .held)
    }
  }

  /// Whether a picked frame is within the range and the number wanted; counts it if so.
  private mutating func accept(_ stamp: Stamp) -> Bool {
    if isFinished { return false }
    if sampling.start != nil || sampling.end != nil {
      guard let time = stamp.time else {
        untimedFrames += 1
        return false
      }
      if let start = sampling.start, time < start { return false }
      if let end = sampling.end, time >= end { return false }
    }
    sampledFrames += 1
    if sampledFrames == sampling.maxFrames { isFinished = true }
    return true
  }
}

/// Walks over the ticks k/F and the times of frames together.
private struct TickCursor {
  let rate: Double
  /// The first tick that has no nearest frame yet.
  private var nextTick = 0.0
  private var previousTime: Double?

  /// Distances that differ by less than this are equal: far below the distance of frames, and above what rounding times
  /// to microseconds does to them, so that ties are ties.
  private static let tolerance = 1.1e-6

  init(rate: Double) { self.rate = rate }

  /// Goes on to the next frame: whether a tick belongs to the frame before it (on ties too), and whether one already
  /// belongs to this one, whatever comes after it; nil if it has the time of the frame before.
  mutating func advance(to time: Double) -> (previous: Bool, current: Bool)? {
    var previous = false
    if let previousTime {
      if time == previousTime { return nil }
      if time < previousTime {
        // A new run, with the ticks from here on.
        nextTick = max(0, firstTick(after: time - 2 * Self.tolerance))
      } else {
        previous = takeTicks(upTo: (previousTime + time) / 2)
      }
    }
    previousTime = time
    return (previous, takeTicks(upTo: time))
  }

  private mutating func takeTicks(upTo time: Double) -> Bool {
    let after = firstTick(after: time)
    guard after > nextTick else { return false }
    nextTick = after
    return true
  }

  /// The smallest whole k with k/F past `time`.
  private func firstTick(after time: Double) -> Double {
    let bound = time + Self.tolerance
    var tick = (bound * rate).rounded(.down)
    // From here on whole doubles are not one apart; only a forged timestamp gets here.
    guard abs(tick) < 0x1p52 else { return tick }
    // The product is rounded: the definition is the comparison of k/F.
    while tick / rate > bound { tick -= 1 }
    while tick / rate <= bound { tick += 1 }
    return tick
  }
}

import Media

/// Places frames on the clock of the file that is written, which only goes forward.
///
/// A frame keeps its own timestamp. One that has none follows the one before at the source's pace; one that is not later
/// than the one before is put a tick after it and, where the source's clock went back by a second or more (broadcasts do
/// that), it and all after it are moved on.
struct OutputClock {
  private let timeBase: Ratio
  private let pace: Int64
  private var offset: Int64 = 0
  private var last: Int64?
  private var lastDuration: Int64?

  /// The source's clock went back, and what follows is not where it says.
  private(set) var hasJumped = false

  /// A clock of a source's ticks and, where it is known, frames a second.
  init(timeBase: Ratio, framesPerSecond: Double?) {
    self.timeBase = timeBase
    let ticks = 1 / ((framesPerSecond ?? 25) * timeBase.value)
    // Bounded: a forged rate may be anything.
    pace = ticks.isFinite ? Int64(min(max(ticks.rounded(), 1), 0x1p32)) : 1
  }

  /// Where a frame goes.
  mutating func place(_ timestamp: Int64?, duration: Int64?) -> Int64 {
    defer { lastDuration = duration.map { min(max($0, 1), Self.longest) } }
    let step = lastDuration ?? pace
    // What lies further away is forged, and as good as none: sums of the others are numbers.
    let timestamp = timestamp.flatMap { $0.magnitude < Self.farthest ? $0 : nil }
    guard let last else {
      let first = timestamp ?? 0
      self.last = first
      return first
    }
    var place = timestamp.map { $0 + offset } ?? last + step
    if place > Self.end {
      // A forged clock that went back and forth: only order is left of it.
      place = last + 1
    } else if place <= last {
      if Double(last - place) * timeBase.value >= 1 {
        hasJumped = true
        offset += last + step - place
        place = last + step
      } else {
        place = last + 1
      }
    }
    self.last = place
    return place
  }

  /// A frame is not shown for more ticks than this, and no clock of two years has more than that.
  private static let (longest, farthest) = (Int64(1) << 32, UInt64(1) << 56)
  private static let end = Int64(1) << 60
}

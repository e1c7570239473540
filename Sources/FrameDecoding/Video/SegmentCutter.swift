/// Tells which part of a file each frame of the full decode belongs to, when it is split in `count` parts at keyframes.
///
/// A part begins with the first keyframe at or after its share of the duration (of the bytes, where there are no times).
/// Parts never go back, so that each is one stretch of frames, whatever the timestamps do.
struct SegmentCutter {
  let count: Int
  /// Seconds; nil or 0 where unknown.
  let duration: Double?
  /// Bytes of the file.
  let size: Int64
  private(set) var current = 0

  init(count: Int, duration: Double?, size: Int64) {
    self.count = count
    self.duration = duration
    self.size = size
  }

  /// The part, from 0, of the next frame.
  mutating func segment(isKeyframe: Bool, time: Double?, bytePosition: Int64?) -> Int {
    if isKeyframe {
      let share: Double
      if let duration, duration > 0 {
        share = (time ?? 0) / duration
      } else {
        share = Double(bytePosition ?? 0) / Double(size)
      }
      // Bounded: 0 to count - 1, and there are at most ten million parts; a share that is no number is none.
      let reached = share.isNaN ? 0 : Int(min(max(share * Double(count), 0), Double(count - 1)))
      current = max(current, reached)
    }
    return current
  }
}

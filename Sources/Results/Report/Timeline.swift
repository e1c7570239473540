/// How many detections of each class one input has in each step of its time, in at most `binLimit` steps whatever its
/// length: when time goes beyond the last one, steps become twice as long.
struct Timeline {
  /// Most steps.
  static let binLimit = 120

  /// Seconds that a step has.
  private(set) var binSeconds = 1.0 / 16
  /// Detections by class; lists are as long as the last step with a detection needs.
  private(set) var counts: [Int: [Int]] = [:]
  /// The greatest time so far, in seconds.
  private(set) var end = 0.0

  /// Steps up to the end.
  var binCount: Int { bin(at: end) + 1 }

  /// Takes a frame's time. What lies before the start counts as there; `time` must be finite.
  mutating func reach(_ time: Double) {
    end = max(end, time)
    while end / binSeconds >= Double(Self.binLimit) { double() }
  }

  /// Takes a detection at a time that was reached.
  mutating func add(_ classIndex: Int, at time: Double) {
    let bin = bin(at: time)
    var own = counts[classIndex] ?? []
    if own.count <= bin { own.append(contentsOf: repeatElement(0, count: bin + 1 - own.count)) }
    own[bin] += 1
    counts[classIndex] = own
  }

  private func bin(at time: Double) -> Int {
    // Bounded: times are reached first.
    Int(max(0, time) / binSeconds)
  }

  private mutating func double() {
    binSeconds *= 2
    counts = counts.mapValues { own in
      stride(from: 0, to: own.count, by: 2).map { own[$0] + ($0 + 1 < own.count ? own[$0 + 1] : 0) }
    }
  }
}

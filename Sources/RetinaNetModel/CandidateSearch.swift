import Glibc
import NeuralNetwork

/// Finds the (anchor, class) pairs of one level that score above their class's threshold, the best of them by
/// score, equal scores by index: torchvision's threshold and `topk`.
///
/// Logits are compared, not scores, so that the sigmoid runs on survivors only: of 16.6 million pairs (800x1216,
/// 91 classes) a few thousand. The comparison is with a bound slightly below the logit of the threshold, and the
/// float32 score decides.
struct CandidateSearch {
  /// One pair: `index` is (cell * anchors per cell + anchor) * classes + class, in its level.
  struct Candidate: Equatable {
    var score: Float
    var index: Int
  }

  /// By class; infinity for one that is not looked for.
  private let thresholds: [Float]
  private let limit: Int
  /// Falling score in the high half, index in the low: sorts as the result is ordered.
  private var keys: [UInt64] = []

  init(thresholds: [Float], limit: Int) {
    self.thresholds = thresholds
    self.limit = limit
  }

  /// The sigmoid in float32, in torch's order of operations.
  static func score(_ logit: Float) -> Float {
    1 / (1 + exp(-logit))
  }

  /// A number that every logit whose `score` is at least `score` exceeds: the logit of a score smaller by more
  /// than float32's rounding.
  static func lowerBound(ofLogitsScoring score: Float) -> Float {
    guard score > 0 else { return -.infinity }
    guard score <= 1 else { return .infinity }
    let smaller = Double(score) * (1 - 1e-6)
    return Float(log(smaller / (1 - smaller))).nextDown
  }

  /// Looks through one level.
  ///
  /// - Parameters:
  ///   - logits: channel = anchor * classes + class.
  ///   - level: number of the level, for the error.
  /// - Returns: at most `limit` pairs, best first.
  /// - Throws: `DetectionError.nonFiniteOutput` if any logit is.
  mutating func best(of logits: BlockedImage, level: Int) throws(DetectionError) -> [Candidate] {
    precondition(
      logits.channels % thresholds.count == 0,
      "\(logits.channels) channels for \(thresholds.count) classes")
    precondition(
      logits.height * logits.width * logits.channels <= UInt32.max,
      "\(logits.width)x\(logits.height) cells of \(logits.channels) channels")
    keys.removeAll(keepingCapacity: true)
    let bounds = thresholds.map { Self.lowerBound(ofLogitsScoring: $0) }
    var leastKept = -Float.infinity
    var sum = Float.zero
    for block in 0..<logits.blockCount {
      sum += scan(logits, block, bounds, &leastKept)
    }
    // A sum of finite logits is finite unless they are absurdly large; what is not finite stays so in a sum.
    guard sum.isFinite || isFinite(logits) else {
      throw .nonFiniteOutput(what: "class logits", level: level)
    }
    keepBest()
    return keys.map { key in
      Candidate(score: Float(bitPattern: ~UInt32(key >> 32)), index: Int(key & 0xffff_ffff))
    }
  }

  /// What is looked for in each of 16 neighbouring numbers: two pixels side by side where blocks are of 8 channels.
  private struct Lanes {
    /// Logits that may score above the threshold exceed these. Infinity in the padding, which is never a candidate.
    var bounds = SIMD16<Float>(repeating: .infinity)
    /// Scores have to exceed these.
    var thresholds = SIMD16<Float>(repeating: .infinity)
    /// A candidate's index is that of its pixel's first number plus this.
    var offsets = SIMD16<Int32>.zero
  }

  private func lanes(
    ofBlock block: Int, in logits: BlockedImage, _ classBounds: [Float]
  ) -> Lanes {
    var lanes = Lanes()
    for lane in 0..<16 {
      let (pixel, channelInBlock) = lane.quotientAndRemainder(dividingBy: logits.block)
      let channel = block * logits.block + channelInBlock
      guard channel < logits.channels else { continue }
      lanes.bounds[lane] = classBounds[channel % thresholds.count]
      lanes.thresholds[lane] = thresholds[channel % thresholds.count]
      lanes.offsets[lane] = Int32(pixel * logits.channels + channel)
    }
    return lanes
  }

  /// Looks through one block of channels, and returns a sum in which every logit takes part.
  private mutating func scan(
    _ logits: BlockedImage, _ block: Int, _ classBounds: [Float], _ leastKept: inout Float
  ) -> Float {
    let lanes = lanes(ofBlock: block, in: logits, classBounds)
    let count = logits.blockStride
    let numbers = logits.numbers.extracting(block * count..<(block + 1) * count)
    // An index grows by this from one 16 numbers to the next.
    let step = 16 / logits.block * logits.channels
    var sums = (SIMD16<Float>.zero, SIMD16<Float>.zero)
    var limits = raised(lanes.bounds, to: leastKept)
    var place = 0
    while place + 64 <= count {
      let values = (
        load(numbers, place), load(numbers, place + 16), load(numbers, place + 32),
        load(numbers, place + 48)
      )
      sums.0 += values.0 + values.1
      sums.1 += values.2 + values.3
      let most = larger(larger(values.0, values.1), larger(values.2, values.3))
      if any(most .> limits) {
        for chunk in 0..<4 {
          collect(
            load(numbers, place + chunk * 16), limits, lanes,
            firstIndex: (place / 16 + chunk) * step)
        }
        if let least = forgetTheWorst(), least > leastKept {
          leastKept = least
          limits = raised(lanes.bounds, to: leastKept)
        }
      }
      place += 64
    }
    while place < count {
      var values = SIMD16<Float>(repeating: -.greatestFiniteMagnitude)
      for lane in 0..<min(16, count - place) { values[lane] = numbers[place + lane] }
      for lane in 0..<min(16, count - place) { sums.0[lane] += values[lane] }
      collect(values, limits, lanes, firstIndex: place / 16 * step)
      place += 16
    }
    return (sums.0 + sums.1).sum()
  }

  /// Takes in what of 16 numbers scores above its threshold.
  @inline(__always)
  private mutating func collect(
    _ values: SIMD16<Float>, _ limits: SIMD16<Float>, _ lanes: Lanes, firstIndex: Int
  ) {
    guard any(values .> limits) else { return }
    for lane in 0..<16 where values[lane] > limits[lane] {
      let score = Self.score(values[lane])
      guard score > lanes.thresholds[lane] else { continue }
      keys.append(UInt64(~score.bitPattern) << 32 | UInt64(firstIndex + Int(lanes.offsets[lane])))
    }
  }

  private func raised(_ bounds: SIMD16<Float>, to least: Float) -> SIMD16<Float> {
    larger(.init(repeating: least), bounds)
  }

  /// One instruction for each register; the library's function is a loop over lanes. Where one number is NaN the
  /// result is `b`.
  @inline(__always)
  private func larger(_ a: SIMD16<Float>, _ b: SIMD16<Float>) -> SIMD16<Float> {
    b.replacing(with: a, where: a .> b)
  }

  /// Where far more pairs pass than are asked for, drops the worst, and says below which logit no pair can be
  /// among the best any more. nil while there are few.
  private mutating func forgetTheWorst() -> Float? {
    guard keys.count >= 4096, keys.count / 4 >= limit else { return nil }
    keepBest()
    guard let last = keys.last else { return .infinity }
    return Self.lowerBound(ofLogitsScoring: Float(bitPattern: ~UInt32(last >> 32)))
  }

  private mutating func keepBest() {
    keys.sort()
    if keys.count > limit { keys.removeLast(keys.count - limit) }
  }

  private func isFinite(_ logits: BlockedImage) -> Bool {
    logits.numbers.withUnsafeBufferPointer { $0.allSatisfy(\.isFinite) }
  }

  /// Sixteen numbers; that they lie within is for the caller to see to.
  @inline(__always)
  private func load(_ numbers: Span<Float>, _ place: Int) -> SIMD16<Float> {
    numbers.bytes.unsafeLoadUnaligned(
      fromUncheckedByteOffset: place * MemoryLayout<Float>.stride, as: SIMD16<Float>.self)
  }
}

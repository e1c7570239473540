/// Which samples of a chroma axis swscale weighs for a place of the picture, and how much each: a bicubic filter with
/// B = 0 and C = 0.6 (Mitchell and Netravali 1988, in swscale's integers), samples in the middle of the pixels that
/// share them; one and the same sample where there are as many as pixels.
///
/// At both ends swscale drops a sample that lies outside on the far side, adds the others outside to the last one
/// inside, and scales what is left to a sum of one.
struct ChromaTaps {
  /// How many samples each place weighs; 1 or 4.
  let width: Int
  /// The first sample of each place.
  private(set) var first: [Int] = []
  /// `width` weights for each place, whose sum is `one`.
  private(set) var weights: [Int16] = []

  /// - Parameters:
  ///   - places: of the picture's axis.
  ///   - length: pixels of that axis, an even number where chroma is halved.
  ///   - isHalved: whether two pixels share a sample.
  ///   - one: the sum of the weights.
  init(_ places: [Int], length: Int, isHalved: Bool, one: Int) {
    guard isHalved else {
      width = 1
      first = places
      weights = [Int16](repeating: Int16(one), count: places.count)
      return
    }
    width = 4
    let samples = length / 2
    precondition(length % 2 == 0 && samples >= Self.leastSamples, "\(length) pixels of chroma")
    first.reserveCapacity(places.count)
    weights.reserveCapacity(4 * places.count)
    for place in places { append(place, samples, one) }
  }

  /// Fewer are not weighed in this way.
  static let leastSamples = 8

  private mutating func append(_ place: Int, _ samples: Int, _ one: Int) {
    // In quarters of a sample: pixel p lies at (p + 0.5) / 2 - 0.5.
    let position = 2 * place - 1
    // Five samples, of which four or, at the left end where division rounds up, three have a weight.
    let start = (position - 6) / 4
    let weighed = (start..<start + 5).map { ($0, Self.cubic(abs(4 * $0 - position))) }
      .filter { $0.1 != 0 }
    // Those beyond an end count for the one at the end.
    let base = min(max(weighed[0].0, 0), samples - 4)
    var shares = [0, 0, 0, 0]
    for (sample, weight) in weighed { shares[min(max(sample, 0), samples - 1) - base] += weight }
    first.append(base)
    let sum = (shares.reduce(0, +) + one / 2) / one
    var error = 0
    for share in shares {
      let wanted = share + error
      let weight = Self.rounded(wanted, by: sum)
      error = wanted - weight * sum
      weights.append(Int16(weight))
    }
  }

  /// The filter at a distance in quarters of a sample, times 6 * 2^54.
  private static func cubic(_ quarters: Int) -> Int {
    let c = Int(0.6 * Double(1 << 24))
    let d = quarters << 28
    guard d < 1 << 31 else { return 0 }
    let dd = (d * d) >> 30
    let ddd = (dd * d) >> 30
    return d < 1 << 30
      ? (12 * (1 << 24) - 6 * c) * ddd + (-18 * (1 << 24) + 6 * c) * dd + 6 * (1 << 54)
      : -6 * c * ddd + 30 * c * dd - 48 * c * d + 24 * c * (1 << 30)
  }

  private static func rounded(_ value: Int, by divisor: Int) -> Int {
    ((value >= 0 ? value : -value) + divisor / 2) / divisor * (value >= 0 ? 1 : -1)
  }
}

/// How many numbers of a value lie where: bins of one width on both sides of 0, that widen by powers of two as larger
/// numbers come.
///
/// Nothing in it depends on the order in which numbers came: a wider bin is two of the narrower ones, so that the counts
/// are those of having begun with the last width. Histograms of parts, made by any number of threads, merge to the same.
struct ValueHistogram: Equatable, Sendable {
  /// At least half of them are in use on one side, which leaves four for each of 256 levels.
  static let binsPerSide = 1 << 11
  /// Numbers so small that nothing about a range follows from them share the bins next to 0.
  private static let leastExponent = -40

  /// Bins are 2^exponent wide.
  private(set) var exponent = leastExponent
  /// Bin i holds the numbers from (i - binsPerSide) times the width on, below the next; but for the zeros.
  private(set) var counts = [Int](repeating: 0, count: 2 * binsPerSide)
  /// Numbers that are 0, as half of what a ReLU gives: every grid has them without an error.
  private(set) var zeros = 0
  /// The least number, 0 among them: padding is 0, so a range has to hold it.
  private(set) var least: Float = 0
  /// The greatest number, 0 among them.
  private(set) var greatest: Float = 0

  /// The width of a bin.
  var binWidth: Double { Self.power(exponent) }

  /// Numbers counted.
  var total: Int { counts.reduce(zeros, +) }

  /// Counts the numbers of a map, all its channels together, not those that fill the last block up.
  ///
  /// - Returns: false where a number is not finite: then nothing is counted.
  mutating func add(_ image: BlockedImage) -> Bool {
    guard let limits = image.limits else { return false }
    least = min(least, limits.lowerBound)
    greatest = max(greatest, limits.upperBound)
    widen(toHold: max(greatest, -least))
    let scale = Float(Self.power(-exponent))
    let (binsPerSide, numbers) = (Self.binsPerSide, image.numbers)
    image.forEachRun { range in
      for index in range {
        let number = numbers[index]
        if number == 0 {
          zeros += 1
        } else {
          // In bounds: `widen` made room for the greatest magnitude.
          counts[Int((number * scale).rounded(.down)) + binsPerSide] += 1
        }
      }
    }
    return true
  }

  /// Adds what another histogram counted.
  mutating func merge(_ other: ValueHistogram) {
    var other = other
    least = min(least, other.least)
    greatest = max(greatest, other.greatest)
    let common = max(exponent, other.exponent)
    widen(to: common)
    other.widen(to: common)
    zeros += other.zeros
    for index in counts.indices { counts[index] += other.counts[index] }
  }

  private mutating func widen(toHold magnitude: Float) {
    var wanted = exponent
    // Strictly: the greatest number falls into the last bin, not behind it.
    while Double(magnitude) >= Double(Self.binsPerSide) * Self.power(wanted) { wanted += 1 }
    widen(to: wanted)
  }

  private mutating func widen(to wanted: Int) {
    while exponent < wanted {
      var wider = [Int](repeating: 0, count: counts.count)
      // Bins pair up on either side of 0: floor(x / 2w) = floor(floor(x / w) / 2).
      for (index, count) in counts.enumerated() where count > 0 {
        wider[((index - Self.binsPerSide) >> 1) + Self.binsPerSide] += count
      }
      counts = wider
      exponent += 1
    }
  }

  private static func power(_ exponent: Int) -> Double {
    Double(sign: .plus, exponent: exponent, significand: 1)
  }
}

extension BlockedImage {
  /// The least and the greatest number; nil where one is not finite.
  fileprivate var limits: ClosedRange<Float>? {
    var (least, greatest, check) = (Float.infinity, -Float.infinity, Float.zero)
    let numbers = numbers
    forEachRun { range in
      for index in range {
        let number = numbers[index]
        // x - x is 0 for finite numbers, NaN for the others, and NaN stays in a sum.
        check += number - number
        least = number < least ? number : least
        greatest = number > greatest ? number : greatest
      }
    }
    return check == 0 && least <= greatest ? least...greatest : nil
  }

  /// Calls `body` with runs of places in `numbers` that together are all channels, without what fills the last block up.
  fileprivate func forEachRun(_ body: (Range<Int>) -> Void) {
    let whole = channels / block * blockStride
    body(0..<whole)
    let rest = channels % block
    guard rest > 0 else { return }
    for start in stride(from: whole, to: whole + blockStride, by: block) {
      body(start..<start + rest)
    }
  }
}

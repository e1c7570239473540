/// The ranges that a value's numbers may be rounded in: which of them serves best, the layers that read the value show.
enum RangeRule: String, CaseIterable, Sendable {
  /// From the least number to the greatest: nothing is cut off, and single large numbers make all steps wide.
  case minimumMaximum
  /// What holds 99.99 % of the numbers, half of the rest beyond either end.
  case percentile
  /// What has the least mean squared error, rounding and cutting off together.
  case meanSquaredError
}

extension ValueHistogram {
  /// The range by a rule; nil of a value that is always 0.
  func range(by rule: RangeRule) -> Quantization.StoredRange? {
    let ends = ends(by: rule)
    return Quantization.StoredRange.isValid(low: ends.lowerBound, high: ends.upperBound)
      ? .init(low: ends.lowerBound, high: ends.upperBound) : nil
  }

  private func ends(by rule: RangeRule) -> ClosedRange<Float> {
    switch rule {
    case .minimumMaximum: least...greatest
    case .percentile: percentileRange
    case .meanSquaredError: leastErrorRange
    }
  }

  private static let share = 0.9999
  /// Ranges tried, as shares of the whole in equal steps.
  private static let trials = 100

  private var percentileRange: ClosedRange<Float> {
    let beyond = Int(Double(total) * (1 - Self.share) / 2)
    func limit(_ indices: some Sequence<Int>, _ edge: (Int) -> Double, _ end: Float) -> Float {
      var count = 0
      for index in indices {
        count += counts[index]
        if count > beyond { return Float(edge(index)) }
      }
      return end
    }
    let width = binWidth
    let lower = limit(
      counts.indices, { Double($0 - Self.binsPerSide) * width }, 0)
    let upper = limit(
      counts.indices.reversed(), { Double($0 + 1 - Self.binsPerSide) * width }, 0)
    // Edges of bins may lie beyond the outermost number, and on the wrong side of 0 where all numbers lie on one.
    return min(0, max(lower, least))...max(0, min(upper, greatest))
  }

  private var leastErrorRange: ClosedRange<Float> {
    guard least < greatest else { return least...greatest }
    var best = (error: Double.infinity, share: 1.0)
    // From the whole down: of equal ones the widest.
    for trial in (1...Self.trials).reversed() {
      let share = Double(trial) / Double(Self.trials)
      let error = squaredError(from: Double(least) * share, to: Double(greatest) * share)
      if error < best.error { best = (error, share) }
    }
    return Float(Double(least) * best.share)...Float(Double(greatest) * best.share)
  }

  /// The sum of squared errors of rounding in a range: step^2 / 12 for each number inside that is not 0, and outside the
  /// squared distance to the range.
  private func squaredError(from lower: Double, to upper: Double) -> Double {
    // As `Quantization.StoredRange` has it.
    let step = lower < 0 ? max(-lower, upper) / 127 : upper / 255
    let (width, rounding) = (binWidth, step * step / 12)
    var error = 0.0
    for (index, count) in counts.enumerated() where count > 0 {
      let middle = (Double(index - Self.binsPerSide) + 0.5) * width
      let distance = middle - min(max(middle, lower), upper)
      error += Double(count) * (distance == 0 ? rounding : distance * distance)
    }
    return error
  }
}

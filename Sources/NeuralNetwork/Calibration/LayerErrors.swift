/// What other ways of computing do to the outputs of a network's convolutions: for each trial, means over pictures of what
/// `NetworkGraph.channelErrors` gave.
struct LayerErrors: Sendable {
  /// Of one convolution, in one way.
  struct Error: Sendable {
    let trial: LayerTrials.Trial
    /// The variance of the output's error, all channels together, as a share of the output's mean square: the error that
    /// bias correction leaves.
    let share: Double
    /// The mean of the fourth power of the error, as a share of the output's squared mean square.
    let fourthPowerShare: Double
    /// What to add to the output, by channel, so that its mean error is 0.
    let correction: [Float]
  }

  /// By trial.
  let all: [Error]

  /// - Parameters:
  ///   - trials: what the outputs are of.
  ///   - outputs: by picture, at least one, in an order that does not depend on who ran them; and by trial.
  init(_ trials: [LayerTrials.Trial], _ outputs: [[[Float]]]) {
    all = trials.enumerated().map { index, trial in
      var means = [Double](repeating: 0, count: outputs[0][index].count)
      for picture in outputs {
        for (place, number) in picture[index].enumerated() {
          means[place] += Double(number) / Double(outputs.count)
        }
      }
      return Error(trial, means)
    }
  }

  /// By each value that convolutions read, the rule under which these are least wrong: their errors are added. Fourth
  /// powers, for detections hang on the few places where numbers are large, and mean squares let ranges be cut there for
  /// the sake of all the others.
  var bestRules: [String: RangeRule] {
    var shares: [String: [RangeRule: Double]] = [:]
    for error in all {
      guard case .direct(let rule) = error.trial.way else { continue }
      shares[error.trial.input, default: [:]][rule, default: 0] += error.fourthPowerShare
    }
    return shares.mapValues { shares in
      // In the rules' order, so that equal ones do not depend on a dictionary's.
      RangeRule.allCases.filter { shares[$0] != nil }
        .min { shares[$0] ?? 0 < shares[$1] ?? 0 } ?? .minimumMaximum
    }
  }

  /// Of every convolution, by its name, the error under the best rule of its input.
  var best: [String: Error] {
    let rules = bestRules
    var best: [String: Error] = [:]
    for error in all {
      if let rule = rules[error.trial.input], error.trial.way == .direct(rule) {
        best[error.trial.convolution] = error
      }
    }
    return best
  }
}

extension LayerErrors.Error {
  /// - Parameters:
  ///   - trial: what was tried.
  ///   - means: by channel of the error, of its square, of its fourth power, and of the square of what is right.
  fileprivate init(_ trial: LayerTrials.Trial, _ means: [Double]) {
    let channels = means.count / 4
    let parts = (0..<4).map { means[$0 * channels..<($0 + 1) * channels] }
    let signal = parts[3].reduce(0, +)
    let variance = zip(parts[0], parts[1]).reduce(0) { $0 + max(0, $1.1 - $1.0 * $1.0) }
    self.trial = trial
    share = signal > 0 ? variance / signal : 0
    fourthPowerShare = signal > 0 ? parts[2].reduce(0, +) / (signal * signal) : 0
    correction = parts[0].map { Float(-$0) }
  }
}

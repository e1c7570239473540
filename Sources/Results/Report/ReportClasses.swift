import DetectionRecords
import Drawing
import JSONText

/// What is counted of each class.
///
/// Classes are numbered as the reader numbers labels. A file may hold as many labels as it has detections, and there are
/// pictures of each class: those beyond `limit` are one class together.
struct ReportClasses {
  /// Classes that are told apart.
  static let limit = 500
  /// Steps of the histogram of scores.
  static let scoreSteps = 100

  /// One class.
  struct Tally {
    /// Detections that count.
    var detections = 0
    /// Frames with a detection that counts.
    var frames = 0
    /// Detections below the threshold.
    var below = 0
    /// All detections by score, those below the threshold too.
    var scores = [Int](repeating: 0, count: ReportClasses.scoreSteps)
    /// Frames with a detection that counts.
    var sample: SeededSample<SampledFrame>
    /// The frame that was counted last.
    fileprivate var lastFrame = -1
  }

  private(set) var tallies: [Tally] = []
  private let sampleSize: Int

  init(sampleSize: Int) { self.sampleSize = sampleSize }

  /// The class that a label's number stands for.
  static func place(of classIndex: Int) -> Int { min(classIndex, limit) }

  /// Counts a detection.
  ///
  /// - Parameters:
  ///   - place: its class.
  ///   - score: its score, 0...1.
  ///   - counts: whether the threshold lets it count.
  ///   - frame: a number that other frames do not have.
  /// - Returns: whether it is the first of its class in the frame that counts.
  mutating func count(_ place: Int, score: Double, counts: Bool, frame: Int) -> Bool {
    while tallies.count <= place {
      tallies.append(Tally(sample: SeededSample(capacity: sampleSize)))
    }
    // Bounded: a score of four decimals from 0 to 1.
    let step = Int((min(max(score, 0), 1) * 10_000).rounded()) * Self.scoreSteps / 10_000
    tallies[place].scores[min(step, Self.scoreSteps - 1)] += 1
    guard counts else {
      tallies[place].below += 1
      return false
    }
    tallies[place].detections += 1
    guard tallies[place].lastFrame != frame else { return false }
    tallies[place].lastFrame = frame
    tallies[place].frames += 1
    return true
  }

  /// Offers a frame to a class's sample.
  mutating func offer(_ frame: @autoclosure () -> SampledFrame, to place: Int, key: UInt64) {
    tallies[place].sample.offer(key: key, frame())
  }

  /// What the page is told of the classes.
  ///
  /// - Parameters:
  ///   - labels: by number.
  ///   - galleries: names of the classes' samples, where there are any.
  /// - Returns: a list.
  func json(labels: [String], galleries: [Int: String]) -> JSONValue {
    .array(
      tallies.enumerated().map { place, tally in
        let label = Self.label(of: place, in: labels)
        return .object([
          ("label", .string(label)),
          ("colour", .string(ClassPalette.colour(of: label).hexadecimal)),
          ("detections", .int(tally.detections)), ("frames", .int(tally.frames)),
          ("below", .int(tally.below)), ("scores", .array(tally.scores.map(JSONValue.int))),
          ("gallery", galleries[place].map(JSONValue.string) ?? .null),
        ])
      })
  }

  /// What a class is called.
  static func label(of place: Int, in labels: [String]) -> String {
    place < limit ? labels[place] : "(all other labels)"
  }
}

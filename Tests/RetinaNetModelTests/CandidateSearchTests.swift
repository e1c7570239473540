import Foundation
import TestSupport
import Testing

@testable import NeuralNetwork
@testable import RetinaNetModel

@Suite struct CandidateSearchTests {
  private typealias Candidate = CandidateSearch.Candidate

  /// The definition: every score, a stable sort.
  private func reference(
    _ image: PlainImage, thresholds: [Float], limit: Int
  ) -> [Candidate] {
    let pixels = image.height * image.width
    var all: [Candidate] = []
    for pixel in 0..<pixels {
      for channel in 0..<image.channels {
        let score = 1 / (1 + Foundation.exp(-image.values[channel * pixels + pixel]))
        if score > thresholds[channel % thresholds.count] {
          all.append(Candidate(score: score, index: pixel * image.channels + channel))
        }
      }
    }
    all.sort { $0.score != $1.score ? $0.score > $1.score : $0.index < $1.index }
    return Array(all.prefix(limit))
  }

  private func search(
    _ image: PlainImage, thresholds: [Float], limit: Int, block: Int
  ) throws -> [Candidate] {
    let blocked = try PlainImage.blocked([image], block: block)
    var search = CandidateSearch(thresholds: thresholds, limit: limit)
    return try search.best(of: blocked.images[0], level: 3)
  }

  private func randomImage(
    _ generator: inout SeededGenerator, channels: Int, height: Int, width: Int,
    logit: (Float) -> Float
  ) -> PlainImage {
    PlainImage(
      channels: channels, height: height, width: width,
      values: (0..<channels * height * width).map { _ in logit(generator.unitFloat()) })
  }

  @Test(arguments: [8, 16], 0..<12)
  func findsWhatTheDefinitionFinds(block: Int, round: Int) throws {
    let seed = UInt64(31 * round + block)
    var generator = SeededGenerator(seed: seed)
    let classes = 1 + generator.below(12)
    let image = randomImage(
      &generator, channels: classes * (1 + generator.below(9)), height: 1 + generator.below(13),
      width: 1 + generator.below(13)
    ) { $0 * 16 - 10 }
    let thresholds = (0..<classes).map { index in
      index % 4 == 3 ? Float.infinity : [0.05, 0.3, 0.9][generator.below(3)]
    }
    for limit in [1, 30, 100_000] {
      let expected = reference(image, thresholds: thresholds, limit: limit)
      #expect(
        try search(image, thresholds: thresholds, limit: limit, block: block) == expected,
        "seed \(seed)")
    }
    #expect(!reference(image, thresholds: thresholds, limit: 9).isEmpty, "seed \(seed)")
  }

  /// Far more pass than are asked for, so that the bound has to rise on the way: scores in falling, rising and
  /// random order, and with few different values (ties by index; and logits above 17, that all score 1).
  @Test(arguments: ["random", "rising", "falling", "ties", "saturated"])
  func keepsTheBestOfVeryMany(_ order: String) throws {
    let seed: UInt64 = 4
    var generator = SeededGenerator(seed: seed)
    let (channels, side) = (24, 70)
    var image = randomImage(&generator, channels: channels, height: side, width: side) {
      $0 * 20 - 10
    }
    switch order {
    case "rising": image.values.sort()
    case "falling": image.values.sort(by: >)
    case "ties": image.values = image.values.map { ($0 / 4).rounded() }
    case "saturated": image.values = image.values.map { $0 * 4 }
    default: break
    }
    for threshold: Float in [-1, 0, 0.05] {
      #expect(
        try search(image, thresholds: [threshold, threshold], limit: 50, block: 16)
          == reference(image, thresholds: [threshold, threshold], limit: 50),
        "\(order) above \(threshold), seed \(seed)")
    }
  }

  /// At the border the float32 score decides: every logit of thousands on both sides of the threshold's.
  @Test(arguments: [0.05, 0.5, 0.3, 0.999, 1e-6, 0.9999999] as [Float])
  func theBorderIsExact(threshold: Float) throws {
    let middle = Float(Foundation.log(Double(threshold) / (1 - Double(threshold))))
    var logits: [Float] = [middle]
    for step in 1...2000 {
      // Single units in the last place of numbers near 2, and further out.
      for unit: Float in [0x1p-22, 0x1p-10] {
        logits += [middle - Float(step) * unit, middle + Float(step) * unit]
      }
    }
    let image = PlainImage(channels: 1, height: 1, width: logits.count, values: logits)
    let found = try search(image, thresholds: [threshold], limit: 10_000, block: 16)
    #expect(found == reference(image, thresholds: [threshold], limit: 10_000))
    #expect(!found.isEmpty && found.count < logits.count)
  }

  @Test(arguments: [Float.nan, .infinity, -.infinity])
  func nonFiniteLogitsAreAnError(value: Float) throws {
    var generator = SeededGenerator(seed: 8)
    let image = randomImage(&generator, channels: 18, height: 9, width: 11) { $0 - 9 }
    // Anywhere: in whole groups, in the rest, in the last block, in a class nobody looks for.
    for place in [0, 5, 63, 64, image.values.count / 2, image.values.count - 1] {
      for thresholds in [[Float(0.05), 0.05], [.infinity, .infinity]] {
        for block in [8, 16] {
          var damaged = image
          damaged.values[place] = value
          #expect(throws: DetectionError.nonFiniteOutput(what: "class logits", level: 3)) {
            try search(damaged, thresholds: thresholds, limit: 10, block: block)
          }
        }
      }
    }
    #expect(try search(image, thresholds: [0.05], limit: 10, block: 16).isEmpty)
  }

  /// Very large logits whose sum overflows are finite all the same.
  @Test func hugeLogitsAreNoError() throws {
    let image = PlainImage(
      channels: 16, height: 8, width: 8, values: Array(repeating: 3e38, count: 1024))
    #expect(try search(image, thresholds: [0.5], limit: 3, block: 16).map(\.index) == [0, 1, 2])
  }
}

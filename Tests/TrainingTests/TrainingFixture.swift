import Foundation
import NeuralNetwork
import TestSupport
import Testing

@testable import Training

/// Reads what `scripts/make-training-fixtures.py` wrote, and makes its random inputs again.
enum TrainingFixture {
  /// A class loss as the fixtures name it.
  struct Loss: Decodable {
    let kind: String
    let gamma: Double?
    let beta: Double?
    let alpha: Double?

    var loss: ClassificationLoss {
      switch kind {
      case "focal": .focal(gamma: gamma ?? 0, alpha: alpha)
      case "focalStar": .focalStar(gamma: gamma ?? 0, beta: beta ?? 0, alpha: alpha)
      default: .crossEntropy(alpha: alpha)
      }
    }
  }

  static func read<Value: Decodable>(_ name: String, as type: Value.Type) throws -> Value {
    let url = Bundle.module.bundleURL.appending(path: "Fixtures/\(name).json")
    return try JSONDecoder().decode(type, from: Data(contentsOf: url))
  }

  /// float32 numbers in -scale/2 ..< scale/2.
  static func numbers(seed: UInt64, count: Int, scale: Double) -> [Float] {
    var generator = SeededGenerator(seed: seed)
    return (0..<count).map { _ in Float((Double(generator.unitFloat()) - 0.5) * scale) }
  }
}

/// Within `relative` of the expected number, or `absolute` where that is small.
func expectClose(
  _ actual: Double, _ expected: Double, relative: Double, absolute: Double,
  _ comment: Comment? = nil, sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(
    abs(actual - expected) <= max(absolute, relative * abs(expected)),
    comment ?? "\(actual) against \(expected)", sourceLocation: sourceLocation)
}

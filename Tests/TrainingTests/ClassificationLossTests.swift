import Glibc
import TestSupport
import Testing

@testable import Training

@Suite struct ClassificationLossTests {
  struct Answers: Decodable {
    struct Side: Decodable {
      let values: [Double]
      let derivatives: [Double]
    }
    struct Case: Decodable {
      let loss: TrainingFixture.Loss
      let object: Side
      let background: Side

      init(from decoder: any Decoder) throws {
        loss = try TrainingFixture.Loss(from: decoder)
        let container = try decoder.container(keyedBy: Keys.self)
        object = try container.decode(Side.self, forKey: .object)
        background = try container.decode(Side.self, forKey: .background)
      }
      enum Keys: String, CodingKey { case object, background }
    }
    let logits: [Double]
    let cases: [Case]
  }

  @Test func equalsPyTorchInFloat64() throws {
    let answers = try TrainingFixture.read("classification", as: Answers.self)
    #expect(answers.cases.count == 13)
    for expected in answers.cases {
      for (isObject, side) in [(true, expected.object), (false, expected.background)] {
        for (index, logit) in answers.logits.enumerated() {
          let (value, derivative) = expected.loss.loss.evaluate(logit: logit, isObject: isObject)
          let comment: Comment = "\(expected.loss.loss) at \(logit), object \(isObject)"
          expectClose(value, side.values[index], relative: 1e-9, absolute: 1e-300, comment)
          expectClose(
            derivative, side.derivatives[index], relative: 1e-9, absolute: 1e-300, comment)
        }
      }
    }
  }

  /// The vectors computed with torchvision for alpha 0.25, gamma 2.
  @Test func equalsTheRecordedVectors() {
    let ln99 = log(99.0)
    for (logit, isObject, value, derivative) in [
      (0, true, 0.0433216988, -0.0745716988), (0, false, 0.1299650964, 0.2237150964),
      (2, true, 4.5089070881e-4, -1.2177350488e-3), (2, false, 1.2375586346, 0.8075352978),
      (-ln99, false, 7.5377518901e-7, 2.2424748742e-6), (-ln99, true, 1.1283818248, -0.2651423865),
    ] {
      let actual = ClassificationLoss.focal().evaluate(logit: logit, isObject: isObject)
      expectClose(actual.value, value, relative: 1e-9, absolute: 1e-11)
      expectClose(actual.derivative, derivative, relative: 1e-9, absolute: 1e-11)
    }
  }

  static let losses: [ClassificationLoss] = [
    .crossEntropy(), .crossEntropy(alpha: 0.75), .focal(gamma: 0, alpha: 0.75), .focal(),
    .focal(gamma: 2, alpha: nil), .focal(gamma: 0.1, alpha: 0.75), .focal(gamma: 5),
    .focalStar(gamma: 2, beta: 1), .focalStar(gamma: 4, beta: 0, alpha: nil),
  ]

  @Test(arguments: losses)
  func derivativesAreThoseOfTheValues(_ loss: ClassificationLoss) {
    var generator = SeededGenerator(seed: 5)
    for _ in 0..<200 {
      let logit = Double(generator.unitFloat() - 0.5) * 20
      for isObject in [true, false] {
        let step = 1e-5
        let above = loss.evaluate(logit: logit + step, isObject: isObject).value
        let below = loss.evaluate(logit: logit - step, isObject: isObject).value
        let slope = loss.evaluate(logit: logit, isObject: isObject).derivative
        expectClose((above - below) / (2 * step), slope, relative: 1e-6, absolute: 1e-9)
      }
    }
  }

  /// Against the plain form in float64, at every magnitude there is.
  @Test(arguments: losses)
  func manyAtOnceEqualThePlainForm(_ loss: ClassificationLoss) {
    var logits: [Float] = [
      0, -0.0, 1e-30, -1e-30, 1e-7, -1e-7, 0.5, -0.5, 16.6, -16.6, 86.9, -86.9, 87.1, -87.1, 104,
      -104, 1e4, -1e4, 1e30, -1e30, .greatestFiniteMagnitude / 8, -.greatestFiniteMagnitude / 8,
      .leastNonzeroMagnitude, 3,
    ]
    logits += TrainingFixture.numbers(seed: 9, count: 1000, scale: 30)
    let labels = logits.indices.map { Float($0 % 3) - 1 }
    let scale = 0.125
    var gradient = labels
    let sum = loss.evaluate(logits, &gradient, scale: scale)
    var expectedSum = 0.0
    for (index, logit) in logits.enumerated() {
      guard labels[index] != 0 else {
        #expect(gradient[index] == 0)
        continue
      }
      let expected = loss.evaluate(logit: Double(logit), isObject: labels[index] > 0)
      expectedSum += expected.value
      // The exponent of a power is off by its own rounding.
      let exponent = loss.exponent * Double(abs(logit))
      expectClose(
        Double(gradient[index]), scale * expected.derivative, relative: 1e-6 + 1e-7 * exponent,
        absolute: 1e-37, "\(loss) at \(logit), label \(labels[index])")
    }
    expectClose(sum, expectedSum, relative: 1e-6, absolute: 0)
  }

  @Test func whatHasNoLabelAddsNothing() {
    let logits: [Float] = [.nan, .infinity, -.infinity, 1, 2, 3, 4, 5]
    var gradient: [Float] = [0, 0, 0, 1, 0, 0, 0, 0]
    let sum = ClassificationLoss.focal().evaluate(logits, &gradient, scale: 1)
    #expect(sum.isFinite && sum > 0)
    #expect(gradient.enumerated().allSatisfy { $0.offset == 3 ? $0.element < 0 : $0.element == 0 })
    // With a label, NaN shows in the sum.
    var labels = [Float](repeating: -1, count: 8)
    let broken = ClassificationLoss.crossEntropy().evaluate(logits, &labels, scale: 1)
    #expect(broken.isNaN)
  }

  @Test func exponentialAndLogarithm() {
    var worst = (exponential: 0.0, logarithm: 0.0)
    for index in 0..<5000 {
      let x = Float(index) * -0.0174
      let exact = exp(Double(x))
      let actual = Double(exponential(SIMD8(repeating: x))[0])
      worst.exponential = max(worst.exponential, abs(actual - exact) / Double(Float(exact).ulp))
      let y = index == 0 ? Float(0) : Float(exp(Double(x) / 4))
      let exactLogarithm = log1p(Double(y))
      let actualLogarithm = Double(logarithmOfOnePlus(SIMD8(repeating: y))[0])
      worst.logarithm = max(
        worst.logarithm,
        abs(actualLogarithm - exactLogarithm) / Double(Float(exactLogarithm).ulp))
    }
    #expect(worst.exponential <= 2 && worst.logarithm <= 3, "\(worst) units in the last place")
    let edges = exponential(SIMD8(0, -0.0, -87, -87.01, -1e30, -.infinity, .nan, -1e-30))
    #expect(edges[0] == 1 && edges[1] == 1 && edges[2] > 0 && edges[3] == 0 && edges[4] == 0)
    #expect(edges[5] == 0 && edges[6].isNaN && edges[7] == 1)
  }
}

extension ClassificationLoss {
  /// Of the factor that the logit's own power is.
  fileprivate var exponent: Double {
    switch self {
    case .crossEntropy: 0
    case .focal(let gamma, _), .focalStar(let gamma, _, _): gamma
    }
  }
}

extension ClassificationLoss {
  fileprivate func evaluate(
    _ logits: [Float], _ labels: inout [Float], scale: Double
  ) -> Double {
    var span = labels.mutableSpan
    return evaluate(logits.span, labels: &span, scale: scale)
  }
}

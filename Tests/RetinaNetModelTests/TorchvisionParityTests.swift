import BoxGeometry
import Testing

@testable import NeuralNetwork
@testable import RetinaNetModel

/// The three steps of the comparison with torchvision, on networks small enough to be kept with the tests. The
/// same on full-sized ones is `scripts/parity`'s.
@Suite struct TorchvisionParityTests {
  @Test(arguments: ModelFixture.allCases)
  func headOutputsAgree(_ model: ModelFixture) throws {
    try checkHeadOutputs(model, algorithm: .winograd)
    try checkHeadOutputs(model, algorithm: .direct)
  }

  /// (a) Raw outputs, within 1e-4 of their rms.
  private func checkHeadOutputs(_ model: ModelFixture, algorithm: ConvolutionAlgorithm) throws {
    let detector = try Detector(model: model.makeModel(), algorithm: algorithm)
    let worker = try detector.makeWorker()
    for fixture in try model.cases {
      #expect(detector.geometry(width: fixture.width, height: fixture.height) == fixture.geometry)
      let outputs = try worker.run(fixture.pixels.span, fixture.geometry) { outputs in
        outputs.logits.map { $0.plain() } + outputs.regressions.map { $0.plain() }
      }
      let expected = try fixture.headOutputs()
      #expect(outputs.count == 10)
      for half in [0..<5, 5..<10] {
        let differences = half.map { greatestDifference(outputs[$0], expected[$0].values) }
        let all = half.flatMap { expected[$0].values }
        let rms = (all.reduce(0) { $0 + $1 * $1 } / Float(all.count)).squareRoot()
        #expect(rms > 0.1)
        for difference in differences {
          #expect(difference <= 1e-4 * rms, "\(fixture.name), \(algorithm), rms \(rms)")
        }
      }
    }
  }

  private func greatestDifference(_ a: [Float], _ b: [Float]) -> Float {
    precondition(a.count == b.count, "\(a.count) and \(b.count) numbers")
    return zip(a, b).reduce(0) { max($0, $1.0 == $1.1 ? 0 : abs($1.0 - $1.1)) }
  }

  /// (b) Our decoding of torchvision's own head outputs: the same detections in the same order.
  @Test(arguments: ModelFixture.allCases, [8, 16])
  func decodingAgrees(_ model: ModelFixture, block: Int) throws {
    let description = try model.description
    let decoder = try OutputDecoder(description, .init())
    for fixture in try model.cases {
      let outputs = try PlainImage.blocked(try fixture.headOutputs(), block: block)
      let detections = try decoder.detections(HeadOutputs(outputs.images), fixture.geometry)
      let expected = try fixture.detections
      #expect(expected.count > 20, "\(fixture.name)")
      #expect(detections.map(\.classIndex) == expected.map(\.classIndex), "\(fixture.name)")
      #expect(detections.map(\.anchorIndex) == expected.map(\.anchorIndex), "\(fixture.name)")
      for (ours, theirs) in zip(detections, expected) {
        #expect(abs(ours.score - theirs.score) <= 1e-6)
        #expect(distance(ours.box, theirs.box) <= 1e-3)
      }
    }
  }

  /// (c) From pixels to detections.
  @Test(arguments: ModelFixture.allCases)
  func detectionsAgree(_ model: ModelFixture) throws {
    try Self.checkDetections(model)
  }

  /// The same without AVX-512: blocks of 8 channels.
  @Test func detectionsAgreeUnderAVX2() async {
    await #expect(processExitsWith: .success) {
      try InstructionSet.limit(to: .avx2)
      #expect(InstructionSet.effective == .avx2)
      for model in ModelFixture.allCases { try TorchvisionParityTests.checkDetections(model) }
    }
  }

  private static func checkDetections(_ model: ModelFixture) throws {
    let detector = try Detector(model: model.makeModel())
    let worker = try detector.makeWorker()
    for fixture in try model.cases {
      let ours = try worker.detect(fixture.pixels, width: fixture.width, height: fixture.height)
      let theirs = try fixture.detections
      #expect(ours.count == theirs.count, "\(fixture.name)")
      for (name, some, others) in [("ours", ours, theirs), ("theirs", theirs, ours)] {
        for detection in some {
          #expect(
            others.contains { isSame($0, detection) }, "\(fixture.name), only \(name): \(detection)"
          )
        }
      }
      for (first, second) in zip(ours, ours.dropFirst()) {
        #expect(
          (first.score, -first.classIndex, -first.anchorIndex)
            > (second.score, -second.classIndex, -second.anchorIndex))
      }
    }
  }

  /// Same label, score within 1e-3, box within 0.1 pixels or 1e-4 of its longer side.
  private static func isSame(_ a: Detection, _ b: Detection) -> Bool {
    let side = max(b.box.width, b.box.height)
    return a.classIndex == b.classIndex && abs(a.score - b.score) <= 1e-3
      && distance(a.box, b.box) <= max(0.1, 1e-4 * side)
  }
}

/// Greatest difference of two boxes' edges.
func distance(_ a: Box, _ b: Box) -> Float {
  [a.minX - b.minX, a.minY - b.minY, a.maxX - b.maxX, a.maxY - b.maxY].map(abs).max() ?? 0
}

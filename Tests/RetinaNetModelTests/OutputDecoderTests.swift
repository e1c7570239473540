import BoxGeometry
import Foundation
import TestSupport
import Testing

@testable import NeuralNetwork
@testable import RetinaNetModel

/// The choices of a run, on torchvision's head outputs of a fixture.
@Suite struct OutputDecoderTests {
  private static let model = ModelFixture.v1ResNet18

  private func detections(
    _ options: DetectionOptions,
    changing change: (inout ModelDescription, inout [PlainImage]) -> Void = { _, _ in }
  ) throws -> [Detection] {
    var description = try Self.model.description
    let fixture = try PictureFixture(model: Self.model, name: "landscape")
    var outputs = try fixture.headOutputs()
    change(&description, &outputs)
    let decoder = try OutputDecoder(description, options)
    let blocked = try PlainImage.blocked(outputs, block: 16)
    return try decoder.detections(HeadOutputs(blocked.images), fixture.geometry)
  }

  /// All that pass the threshold, before suppression and limits.
  private func everything(above threshold: Float = 0.05) throws -> [Detection] {
    try detections(
      .init(
        scoreThreshold: threshold, nmsThreshold: 1, maxDetections: .max, candidatesPerLevel: .max))
  }

  private func overlap(_ a: Detection, _ b: Detection) -> Float {
    a.box.intersectionOverUnion(b.box)
  }

  @Test func thresholdsByClassReplaceTheModels() throws {
    let all = try everything()
    #expect(all.count > 500)
    let some = try detections(
      .init(
        scoreThreshold: 0.4, classThresholds: ["green": 0.8], nmsThreshold: 1, maxDetections: .max,
        candidatesPerLevel: .max))
    #expect(some == all.filter { $0.score > ($0.classIndex == 1 ? 0.8 : 0.4) })
    #expect(some.contains { $0.classIndex == 1 } && some.contains { $0.score < 0.8 })
  }

  @Test func theModelsOwnClassThresholdsHoldUnlessOverruled() throws {
    func count(_ options: DetectionOptions) throws -> Int {
      try detections(options) { description, _ in
        description.postprocessing.classThresholds = ["blue": 0.9]
      }.count { $0.classIndex == 2 && $0.score <= 0.9 }
    }
    #expect(try count(.init()) == 0)
    #expect(try count(.init(scoreThreshold: 0.1)) > 0)
    #expect(try count(.init(classThresholds: ["blue": 0.2])) > 0)
    #expect(try count(.init(classThresholds: ["red": 0.2])) == 0)
  }

  /// Other classes take no place among the candidates: filtering before is more than filtering after.
  @Test func classesThatAreNotAskedForTakeNoPart() throws {
    let red = try detections(.init(classes: ["red"], maxDetections: 400, candidatesPerLevel: 20))
    let all = try detections(.init(maxDetections: 400, candidatesPerLevel: 20))
    #expect(red.allSatisfy { $0.classIndex == 0 })
    #expect(red.count > all.count { $0.classIndex == 0 })
  }

  @Test func columnsWithoutALabelAreNeverReported() throws {
    let found = try detections(.init()) { description, _ in description.classes[0] = nil }
    #expect(!found.isEmpty && found.allSatisfy { $0.classIndex > 0 })
  }

  @Test func limitsKeepTheBest() throws {
    let all = try detections(.init(maxDetections: .max))
    #expect(try detections(.init(maxDetections: 7)) == Array(all.prefix(7)))
    #expect(try detections(.init(maxDetections: 0)).isEmpty)
    let few = try detections(
      .init(scoreThreshold: 0, nmsThreshold: 1, maxDetections: .max, candidatesPerLevel: 3))
    // Three of each of five levels.
    #expect(few.count == 15)
  }

  @Test func suppressionFollowsItsThreshold() throws {
    for threshold in [0.2, 0.5] {
      let found = try detections(.init(nmsThreshold: threshold, maxDetections: .max))
      for (index, a) in found.enumerated() {
        for b in found[(index + 1)...] where a.classIndex == b.classIndex {
          // Boxes were scaled after suppression, which moves an IoU by rounding.
          #expect(overlap(a, b) < Float(threshold) + 1e-4)
        }
      }
    }
    let agnostic = try detections(.init(classAgnosticNMS: true, maxDetections: .max))
    // The same as the model's own wish, which an option can refuse.
    var description = try ModelFixture.v1ResNet18.description
    #expect(!description.postprocessing.classAgnosticNMS)
    description.postprocessing.classAgnosticNMS = true
    for (option, isAgnostic) in [(nil, true), (false, false), (true, true)] {
      let selection = try OutputSelection(.init(classAgnosticNMS: option), for: description)
      #expect(selection.classAgnosticNMS == isAgnostic)
    }
    let classwise = try detections(.init(maxDetections: .max))
    #expect(agnostic.count < classwise.count)
    for (index, a) in agnostic.enumerated() {
      for b in agnostic[(index + 1)...] { #expect(overlap(a, b) < 0.5 + 1e-4) }
    }
  }

  @Test func boxesLieInThePicture() throws {
    let all = try everything()
    #expect(all.contains { $0.box.maxX == 223 } && all.contains { $0.box.minX == 0 })
    for detection in all {
      let box = detection.box
      #expect(box.minX >= 0 && box.minX <= box.maxX && box.maxX <= 223)
      #expect(box.minY >= 0 && box.minY <= box.maxY && box.maxY <= 140)
    }
  }

  /// Suppression sees boxes clipped to the resized picture (152 wide here, padded to 160): of one box over the
  /// right edge and one before it, clipped at 152 the IoU is 0.6, at 160 it would be 0.33.
  @Test func boxesAreClippedBeforeSuppression() throws {
    let found = try detections(.init()) { _, outputs in
      for index in 0..<5 { outputs[index].values = outputs[index].values.map { _ in -20 } }
      // P5: 3x5 cells of 32 pixels; the cell centred on (128, 32); squares of 32 and 40, class 0.
      let (plane, cell) = (15, 9)
      for (anchor, logit, deltas) in [
        (3, 3, [1, 0, 0, 0]), (4, 2, [0.45, 0, log(Float(0.2)), log(Float(0.8))]),
      ] as [(Int, Float, [Float])] {
        outputs[2].values[anchor * 3 * plane + cell] = logit
        for (index, delta) in deltas.enumerated() {
          outputs[7].values[(anchor * 4 + index) * plane + cell] = delta
        }
      }
    }
    #expect(found.count == 1)
    let ratio: Float = 223.0 / 152
    #expect(abs((found.first?.box.minX ?? 0) - 144 * ratio) < 1e-3)
    #expect(found.first?.box.maxX == 223)
  }

  /// Equal scores: by class, then by anchor, whatever the level.
  @Test func equalScoresComeByClassThenAnchor() throws {
    let found = try detections(
      .init(nmsThreshold: 1, maxDetections: .max, candidatesPerLevel: 40)
    ) { _, outputs in
      for index in 0..<5 { outputs[index].values = outputs[index].values.map { _ in 1 } }
    }
    #expect(found.count == 5 * 40)
    #expect(Set(found.map(\.score)).count == 1)
    let keys = found.map { [$0.classIndex, $0.anchorIndex] }
    #expect(keys == keys.sorted { ($0[0], $0[1]) < ($1[0], $1[1]) })
  }

  @Test(arguments: [Float.nan, .infinity])
  func boxesThatAreNotFiniteAreAnErrorWhereTheyMatter(value: Float) throws {
    // A box regression of P5 goes wrong: dx everywhere.
    func damage(_: inout ModelDescription, _ outputs: inout [PlainImage]) {
      let plane = outputs[7].height * outputs[7].width
      for anchor in 0..<9 {
        for pixel in 0..<plane { outputs[7].values[anchor * 4 * plane + pixel] = value }
      }
    }
    #expect(throws: DetectionError.nonFiniteOutput(what: "box regressions", level: 5)) {
      try detections(.init(), changing: damage)
    }
    // Where nothing scores, its boxes do not matter.
    #expect(try detections(.init(scoreThreshold: 0.99999), changing: damage).isEmpty)
  }

  @Test func unknownLabelsAreListed() throws {
    #expect(
      throws: UnknownLabelError(label: "grey", labels: ["red", "green", "blue"])
    ) { try detections(.init(classes: ["red", "grey"])) }
    #expect(throws: UnknownLabelError.self) { try detections(.init(classThresholds: ["x": 1])) }
  }
}

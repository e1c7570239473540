import Datasets
import TestSupport
import Testing

@testable import Evaluation

/// Which detections are true and which objects missed, against the numbers that equal pycocotools'.
struct COCOMatchesTests {
  /// At the threshold that an evaluation suggests, precision and recall are the evaluation's.
  @Test(arguments: 1...20)
  func agreesWithTheEvaluation(_ seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    func box() -> COCOBox {
      .init(
        x: Double(generator.below(60)), y: Double(generator.below(60)),
        width: Double(20 + generator.below(40)), height: Double(20 + generator.below(40)))
    }
    let annotations = COCOAnnotations(
      images: (1...8).map { .init(id: $0, fileName: "\($0)") },
      categories: [.init(id: 1, name: "a")],
      objects: (1...25).map {
        .init(
          id: $0, imageID: 1 + generator.below(8), categoryID: 1, box: box(),
          isCrowd: generator.below(8) == 0)
      })
    let detections = (0..<60).map { index -> COCODetection in
      // Half of them near an object.
      let object = annotations.objects[generator.below(25)]
      var near = object.box
      near.x += Double(generator.below(10))
      return .init(
        imageID: index % 2 == 0 ? object.imageID : 1 + generator.below(8), categoryID: 1,
        score: Double(generator.below(10_000)) / 10_000, box: index % 2 == 0 ? near : box())
    }
    let own = COCOEvaluation(annotations: annotations, detections: detections).classes[0]
    let best = try #require(own.suggestion)
    let images = COCOMatches(
      annotations: annotations, detections: detections, threshold: best.threshold
    ).images
    let right = images.reduce(0) { $0 + $1.right.count }
    let wrong = images.reduce(0) { $0 + $1.wrong.count }
    let missed = images.reduce(0) { $0 + $1.missed.count }
    #expect(right > 0 && wrong > 0)
    #expect(Double(right) / Double(right + wrong) == best.precision)
    #expect(Double(right) / Double(own.objectCount) == best.recall)
    #expect(right + missed == own.objectCount)
  }
}

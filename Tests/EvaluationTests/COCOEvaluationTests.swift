import Datasets
import Foundation
import TestSupport
import Testing

@testable import Evaluation

/// The numbers must be pycocotools'.
struct COCOEvaluationTests {
  @Test(arguments: try EvaluationFixture.all())
  func equalsPycocotools(_ fixture: EvaluationFixture) throws {
    let evaluation = try fixture.evaluation()
    #expect(
      evaluation.classes.map { String($0.category.id) }.sorted()
        == fixture.expected.classes.keys.sorted())
    for metric in COCOMetric.allCases {
      let ours = evaluation[metric] ?? -1
      let theirs = fixture.expected.total[metric.rawValue]
      #expect(abs(ours - theirs) <= 1e-9, "\(metric.name): \(ours), pycocotools \(theirs)")
      for entry in evaluation.classes {
        let ours = entry[metric] ?? -1
        let theirs = fixture.expected.classes[String(entry.category.id)]?[metric.rawValue] ?? .nan
        #expect(
          abs(ours - theirs) <= 1e-9,
          "\(metric.name) of \(entry.category.name): \(ours), pycocotools \(theirs)")
      }
    }
  }

  /// Numbers that are all 0, 1 or absent would let much pass.
  @Test func fixturesSayMuch() throws {
    let values = try EvaluationFixture.all().flatMap(\.expected.total)
    #expect(values.count >= 12 * 38)
    #expect(Set(values.filter { $0 > 0 && $0 < 1 }).count > values.count / 3)
  }

  /// numpy.linspace(.5, .95, 10) and linspace(0, 1, 101) as numpy 2 prints their bits.
  @Test func thresholdsHaveNumpysBits() {
    #expect(
      COCOProtocol.overlapThresholds == [
        0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.8999999999999999, 0.95,
      ])
    #expect(COCOProtocol.recallThresholds.count == 101)
    let inexact = COCOProtocol.recallThresholds.enumerated()
      .filter { $0.element != Double($0.offset) / 100 }.map(\.offset)
    #expect(inexact == [35, 41, 47, 57, 69, 70, 82, 83, 94, 95])
    #expect(COCOProtocol.recallThresholds[57] == 0.5700000000000001)
  }

  /// Of one image and category the 100 best count: not those of the whole image, not more.
  @Test func keepsAHundredDetectionsPerImageAndCategory() {
    let box = COCOBox(x: 0, y: 0, width: 10, height: 10)
    let away = COCOBox(x: 500, y: 0, width: 10, height: 10)
    func ap(wrongBefore count: Int) -> Double? {
      let annotations = COCOAnnotations(
        images: [.init(id: 1, fileName: "")],
        categories: [.init(id: 1, name: "a"), .init(id: 2, name: "b")],
        objects: [.init(id: 1, imageID: 1, categoryID: 1, box: box)])
      let wrong = (0..<count).flatMap { _ in
        [1, 2].map { COCODetection(imageID: 1, categoryID: $0, score: 0.9, box: away) }
      }
      let right = COCODetection(imageID: 1, categoryID: 1, score: 0.5, box: box)
      return COCOEvaluation(annotations: annotations, detections: wrong + [right])[.ap]
    }
    #expect(abs((ap(wrongBefore: 99) ?? -1) - 0.01) < 1e-12)
    #expect(ap(wrongBefore: 100) == 0)
  }

  @Test func nothingToFindIsNil() {
    let empty = COCOEvaluation(
      annotations: COCOAnnotations(images: [], categories: [], objects: []), detections: [])
    for metric in COCOMetric.allCases { #expect(empty[metric] == nil) }
    #expect(empty.meanPrecision(overlap: 0) == nil)
  }
}

import Datasets
import Evaluation
import Foundation
import FoundationXML
import Testing

struct ReportTests {
  /// Two classes of which one has a name that XML must escape, and a third without objects.
  private static let evaluation = {
    let box = COCOBox(x: 10, y: 10, width: 50, height: 50)
    let annotations = COCOAnnotations(
      images: [.init(id: 1, fileName: "a"), .init(id: 2, fileName: "b")],
      categories: [
        .init(id: 1, name: "cell"), .init(id: 2, name: "a<b>&c"), .init(id: 3, name: "none"),
      ],
      objects: [
        .init(id: 1, imageID: 1, categoryID: 1, box: box),
        .init(id: 2, imageID: 2, categoryID: 1, box: box),
        .init(id: 3, imageID: 2, categoryID: 2, box: box),
      ])
    return COCOEvaluation(
      annotations: annotations,
      detections: [
        .init(imageID: 1, categoryID: 1, score: 0.9, box: box),
        .init(imageID: 1, categoryID: 1, score: 0.3, box: box),
        .init(
          imageID: 2, categoryID: 2, score: 0.7, box: COCOBox(x: 10, y: 10, width: 50, height: 30)),
      ])
  }()

  @Test func printsPycocotoolsLines() throws {
    let fixtures = try EvaluationFixture.all().filter { $0.expected.printed != nil }
    #expect(fixtures.count >= 6)
    for fixture in fixtures {
      #expect(try fixture.evaluation().summaryLines == fixture.expected.printed)
    }
  }

  @Test func printsALineForEachClass() {
    #expect(
      Self.evaluation.classLines == [
        " class   objects  detections     AP   AP50   AP75  AR100  threshold  precision  recall     F1",
        " cell          2           2  0.505  0.505  0.505  0.500     0.6000      1.000   0.500  0.667",
        " a<b>&c        1           1  0.300  1.000  0.000  0.300     0.6999      1.000   1.000  1.000",
        " none          0           0      -      -      -      -          -          -       -      -",
      ])
  }

  @Test func drawsCurves() throws {
    let reader = ElementReader()
    let svg = PrecisionRecallChart.svg(of: Self.evaluation, title: "A & B")
    let parser = XMLParser(data: Data(svg.utf8))
    parser.delegate = reader
    #expect(parser.parse(), "\(String(describing: parser.parserError))")
    // Ten overlaps of all classes, two of each class with objects.
    #expect(reader.counts["polyline"] == 14)
    #expect(reader.counts["circle"] == 3)
    for text in [
      "A & B", "cell", "a<b>&c", "0.60", "0.70", "Without objects: \"none\"",
      "AP 0.402 · AP50 0.752",
    ] {
      #expect(reader.texts.contains { $0.contains(text) }, "\(text) is not in the picture")
    }
    #expect(reader.points.allSatisfy { $0.isFinite && $0 >= 0 && $0 <= 1200 })
    #expect(reader.points.count > 1000)
  }
}

/// Counts the elements of an XML text and collects its texts and coordinates.
private final class ElementReader: NSObject, XMLParserDelegate {
  var counts: [String: Int] = [:]
  var texts: [String] = []
  var points: [Double] = []

  func parser(
    _ parser: XMLParser, didStartElement name: String, namespaceURI: String?,
    qualifiedName: String?, attributes: [String: String]
  ) {
    counts[name, default: 0] += 1
    texts.append("")
    let numbers = attributes["points"]?.split { $0 == " " || $0 == "," } ?? []
    points += numbers.map { Double($0) ?? .nan }
  }

  func parser(_ parser: XMLParser, foundCharacters text: String) {
    texts[texts.count - 1] += text
  }
}

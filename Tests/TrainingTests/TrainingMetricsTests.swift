import Foundation
import FoundationXML
import SystemPackage
import TestSupport
import Testing

@testable import Training

/// `metrics.jsonl` and the curves that are drawn of it.
@Suite struct TrainingMetricsTests {
  private func step(_ iteration: Int, loss: Double = 1) -> TrainingRecord {
    .step(
      .init(
        iteration: iteration, epoch: Double(iteration) / 30, classLoss: loss, boxLoss: loss / 2,
        learningRate: 0.01, gradientNorm: 1, objectAnchors: 1, ignoredAnchors: 1, anchors: 10,
        images: 8, seconds: 1))
  }

  /// Well-formed, and every series is drawn.
  @Test func curvesAreDrawn() throws {
    var lines: [String] = []
    for iteration in 1...300 {
      lines.append(
        TrainingRecord.step(
          .init(
            iteration: iteration, epoch: Double(iteration) / 30, classLoss: 2 / Double(iteration),
            boxLoss: 0.5, learningRate: 0.01, gradientNorm: 1, objectAnchors: 1,
            ignoredAnchors: 1, anchors: 10, images: 8, seconds: 1)
        ).line)
      if iteration % 60 == 0 {
        let ap = Double(iteration) / 600
        lines.append(
          TrainingRecord.evaluation(
            .init(
              iteration: iteration, metrics: [("AP", ap), ("AP50", 2 * ap), ("AP75", ap)],
              classes: [], seconds: 1)
          ).line)
      }
    }
    lines.append("{\"iteration\":301,\"lo")
    for text in [lines.joined(separator: "\n"), lines[0], ""] {
      let svg = TrainingCurves(metrics: text).svg()
      #expect(XMLParser(data: Data(svg.utf8)).parse())
      #expect(!svg.contains("nan") && !svg.contains("inf"))
    }
    let svg = TrainingCurves(metrics: lines.joined(separator: "\n")).svg()
    #expect(svg.components(separatedBy: "<polyline").count == 7)
    #expect(svg.components(separatedBy: "<circle").count == 16)
    #expect(svg.contains("best AP 0.5, AP50 1 at iteration 300"))
  }

  /// The places of a curve's points.
  private func points(_ svg: String, color: String) throws -> [[Double]] {
    let line = try #require(
      svg.split(separator: "\n").first { $0.contains("<polyline") && $0.contains(color) })
    let list = try #require(line.firstMatch(of: /points="([^"]*)"/)).1
    return list.split(separator: " ").map { $0.split(separator: ",").compactMap { Double($0) } }
  }

  /// However many steps there are, a bounded number of means stands for them, and they are the same means.
  @Test func curvesOfManyStepsAreThoseOfAll() throws {
    var curves = TrainingCurves()
    let count = 50_000
    // Slowly enough that a mean over a thousandth of the training is near each of its numbers.
    func loss(_ iteration: Int) -> Double { 2 + sin(Double(iteration) / 8000) }
    for iteration in 1...count {
      Array(step(iteration, loss: loss(iteration)).line.utf8).withUnsafeBytes { curves.add($0) }
    }
    #expect((1000...2048).contains(curves.spans.count), "\(curves.spans.count)")
    #expect(curves.spans.reduce(0) { $0 + $1.count } == count)
    let drawn = try points(curves.svg(), color: "#d1495b")
    #expect((200...900).contains(drawn.count), "\(drawn.count)")
    let (left, width, bottom, height) = (76.0, 780.0, 368.0, 260.0)
    // What nine of ten are below is shown, and a quarter more: of three curves the sum is the highest.
    let greatest = (bottom - 108) / height
    #expect(greatest == 1)
    var scale: Double?
    for point in drawn.dropFirst(20) {
      let iteration = (point[0] - left) / width * Double(count)
      // The running mean lies half a window, a hundredth of the training, behind.
      let expected = loss(Int(iteration) - count / 100)
      let value = bottom - point[1]
      scale = scale ?? value / expected
      #expect(abs(value / (scale ?? 1) - expected) < 0.05, "\(iteration)")
    }
    #expect(drawn.last?[0] == left + width)
  }

  /// More than 64 MiB, of which a resumed training keeps what was before its state.
  @Test func longFilesGoOn() throws {
    let folder = try TemporaryFolder()
    let path = folder.path.appending("metrics.jsonl")
    let filling = String(repeating: "x", count: 1 << 16)
    let lines = (1...1100).map { iteration in
      step(iteration).line.replacing(
        "{\"iteration\":\(iteration),", with: "{\"iteration\":\(iteration),\"note\":\"\(filling)\","
      )
    }
    let kept = lines[..<1080].joined(separator: "\n") + "\n"
    #expect(kept.utf8.count > 64 << 20)
    try Data((kept + lines[1080...].joined(separator: "\n") + "\n{\"iter").utf8)
      .write(to: URL(filePath: path.string))
    let file = try MetricsFile(path, keepingUpTo: 1080)
    #expect(file.curves.svg().contains("iteration 1080"))
    try file.append(step(1081))
    let text = try Data(contentsOf: URL(filePath: path.string))
    #expect(text == Data((kept + step(1081).line + "\n").utf8))
    #expect(file.curves.svg().contains("iteration 1081"))
    // A file of something else is no reason to read all of it: it is cut off.
    try Data(repeating: UInt8(ascii: "x"), count: 20 << 20).write(to: URL(filePath: path.string))
    try MetricsFile(path, keepingUpTo: 5).append(step(6))
    #expect(try Data(contentsOf: URL(filePath: path.string)) == Data((step(6).line + "\n").utf8))
  }
}

import Foundation
import Synchronization
import Testing

@testable import NeuralNetwork
@testable import RetinaNetModel

@Suite struct DetectorTests {
  /// Four workers on one detector, pictures of several sizes at once: what each picture gives does not depend
  /// on who else is at work.
  @Test func workersDoNotDisturbEachOther() throws {
    let detector = try Detector(model: ModelFixture.v1ResNet18.makeModel())
    let fixtures = try ModelFixture.v1ResNet18.cases
    let worker = try detector.makeWorker()
    let alone = try fixtures.map {
      try worker.detect($0.pixels, width: $0.width, height: $0.height)
    }
    #expect(alone.allSatisfy { !$0.isEmpty })
    let pictures = fixtures.map { ($0.pixels, $0.width, $0.height) }
    let results = Mutex<[(Int, [Detection])]>([])
    let group = DispatchGroup()
    for thread in 0..<4 {
      group.enter()
      Thread.detachNewThread {
        defer { group.leave() }
        do {
          let worker = try detector.makeWorker()
          for round in 0..<8 {
            let index = (thread + round) % pictures.count
            let (pixels, width, height) = pictures[index]
            let found = try worker.detect(pixels, width: width, height: height)
            results.withLock { $0.append((index, found)) }
          }
        } catch {
          Issue.record(error)
        }
      }
    }
    group.wait()
    let all = results.withLock { $0 }
    #expect(all.count == 32)
    for (index, found) in all { #expect(found == alone[index]) }
  }

  @Test func picturesAreGivenOutOnceUntilOneFails() throws {
    struct Broken: Error {}
    let detector = try Detector(model: ModelFixture.v1ResNet18.makeModel())
    let seen = Mutex<[Int]>([])
    try detector.forEachPicture(count: 50, workers: 3) { number, _ in
      seen.withLock { $0.append(number) }
    }
    #expect(seen.withLock { $0.sorted() } == Array(0..<50))
    let calls = Mutex(0)
    #expect(throws: Broken.self) {
      try detector.forEachPicture(count: 5000, workers: 2) { number, _ in
        calls.withLock { $0 += 1 }
        if number == 0 { throw Broken() }
        Thread.sleep(forTimeInterval: 0.001)
      }
    }
    #expect(calls.withLock { $0 } < 5000)
  }

  @Test func memoryIsThatOfThePreparedPlan() throws {
    let detector = try Detector(model: ModelFixture.v2ResNet18.makeModel())
    let memory = try detector.memory(width: 223, height: 140)
    let plan = try detector.plan(for: detector.geometry(width: 223, height: 140))
    #expect(memory == (plan.memory.perWorker, plan.memory.weights))
    #expect(memory.perWorker > 3 * 96 * 160 * 4 && memory.shared > 500_000)
  }

  @Test func whatIsPreparedIsNotMadeAgain() throws {
    let model = try ModelFixture.v1ResNet18.makeModel()
    let loads = Mutex(0)
    let detector = try Detector(description: model.description) { name in
      loads.withLock { $0 += 1 }
      return try model.values(name)
    }
    #expect(loads.withLock { $0 } == 0)
    try detector.prepare(width: 223, height: 140)
    let prepared = loads.withLock { $0 }
    #expect(prepared > 0)
    let fixture = try PictureFixture(model: .v1ResNet18, name: "landscape")
    _ = try detector.makeWorker().detect(fixture.pixels, width: 223, height: 140)
    #expect(loads.withLock { $0 } == prepared)
  }

  /// Boxes computed where candidates are make the detections, bit for bit, that all boxes make; few candidates and many,
  /// of the picture and of its mirror image, by every way of choosing them.
  @Test(arguments: ModelFixture.allCases)
  func boxesWhereCandidatesAreGiveTheSame(_ fixture: ModelFixture) throws {
    let model = try fixture.makeModel()
    let best = try fixture.cases.map { try $0.detections.first?.score ?? 1 }.max() ?? 1
    let choices: [DetectionOptions] = [
      .init(), .init(scoreThreshold: best.nextDown), .init(scoreThreshold: 0.97 * best),
      .init(scoreThreshold: 0, candidatesPerLevel: 3), .init(scoreThreshold: 0),
      .init(scoreThreshold: 1), .init(softNMS: .gaussian(sigma: 0.5)),
      .init(classes: ["green"], shorterSide: 150),
    ]
    var counts: [Int] = []
    for options in choices {
      let detector = try Detector(model: model, options: options)
      let worker = try detector.makeWorker()
      for picture in try fixture.cases {
        let geometry = detector.geometry(width: picture.width, height: picture.height)
        for isMirrored in [false, true] {
          let all = try worker.run(
            picture.pixels.span, geometry, isMirrored: isMirrored
          ) { outputs in
            try detector.decoder.detections(outputs, geometry)
          }
          // What lies in the worker's memory is of another picture.
          let noise = picture.pixels.indices.map { UInt8(truncatingIfNeeded: $0 &* 97) }
          _ = try worker.run(noise.span, geometry) { _ in }
          let found = try worker.detections(
            picture.pixels.span, nil, geometry, isMirrored: isMirrored)
          #expect(found == all, "\(picture.name), \(options)")
          counts.append(found.count)
        }
      }
    }
    #expect(counts.contains(0) && counts.contains { $0 > 10 })
  }

  /// Weights so large that activations overflow: no detections to report, and a reason.
  @Test func overflowIsAnError() throws {
    let model = try ModelFixture.v1ResNet18.makeModel()
    let detector = try Detector(description: model.description) { name in
      let values = try model.values(name)
      return name == "head.classification_head.cls_logits.weight"
        ? values.map { $0 < 0 ? -1e38 : 1e38 } : values
    }
    let fixture = try PictureFixture(model: .v1ResNet18, name: "landscape")
    let worker = try detector.makeWorker()
    #expect(throws: DetectionError.self) {
      try worker.detect(fixture.pixels, width: fixture.width, height: fixture.height)
    }
  }

  @Test func optionsAreCheckedBeforeAnythingIsLoaded() throws {
    let model = try ModelFixture.v1ResNet18.makeModel()
    #expect(throws: UnknownLabelError.self) {
      try Detector(model: model, options: .init(classes: ["purple"]))
    }
  }

  @Test func errorsAreOneLine() {
    #expect(
      "\(DetectionError.nonFiniteOutput(what: "class logits", level: 4))"
        == "the network's class logits of level P4 are not finite: the model's weights do not fit "
        + "or are damaged")
  }
}

import BoxGeometry
import Checkpoints
import Datasets
import Drawing
import Evaluation
import Foundation
import FoundationXML
import Media
import NeuralNetwork
import RetinaNetModel
import SystemPackage
import TestSupport
import Testing
import Workers

@testable import Training

/// A dataset of bright squares on noise, small enough to train on in a test.
struct SquaresFixture {
  let folder: TemporaryFolder
  let dataset: TrainingDataset

  static let side = 64

  init(count: Int, classes: [String] = ["light", "dark"]) throws {
    folder = try TemporaryFolder()
    var objects: [COCOAnnotations.Object] = []
    for index in 0..<count {
      try folder.write("", to: "\(index).png")
      let (x, y, size, kind) = Self.square(index)
      objects.append(
        .init(
          id: index + 1, imageID: index + 1, categoryID: kind + 1,
          box: COCOBox(x: Double(x), y: Double(y), width: Double(size), height: Double(size))))
    }
    let annotations = COCOAnnotations(
      images: (0..<count).map {
        .init(id: $0 + 1, fileName: "\($0).png", width: Self.side, height: Self.side)
      }, categories: classes.enumerated().map { .init(id: $0 + 1, name: $1) }, objects: objects)
    dataset = try TrainingDataset(annotations, folder: folder.path, place: "squares")
  }

  private static func square(_ index: Int) -> (x: Int, y: Int, size: Int, kind: Int) {
    var generator = SeededGenerator(seed: UInt64(index) + 77)
    let size = 14 + generator.below(16)
    return (
      generator.below(side - size), generator.below(side - size), size, index % 2
    )
  }

  static let load: LoadedPicture.Loader = { path in
    let index = Int(path.stem ?? "") ?? 0
    let (x, y, size, kind) = square(index)
    var generator = SeededGenerator(seed: UInt64(index))
    var pixels = (0..<side * side * 3).map { _ in UInt8(100 + generator.below(50)) }
    for row in y..<y + size {
      for column in x..<x + size {
        for channel in 0..<3 { pixels[(row * side + column) * 3 + channel] = kind == 0 ? 250 : 5 }
      }
    }
    return LoadedPicture(RGBPicture(width: side, height: side, pixels: pixels))
  }

  static func description(_ classes: [String] = ["light", "dark"]) -> ModelDescription {
    ModelDescription(
      architecture: .init(
        backbone: .resnet18, baseWidth: 16, pyramidChannels: 16, headDepth: 1),
      classes: classes, preprocessing: .init(minSize: 64, maxSize: 64),
      anchors: .init(
        sizes: [[12, 16], [20, 26], [32, 40], [64, 80], [128, 160]], aspectRatios: [1]),
      postprocessing: .init())
  }

  static func configuration(iterations: Int, workers: Int = 2) -> TrainingConfiguration {
    TrainingConfiguration(
      description: description(),
      trained: TrainedParameters(frozenStages: 0, batchNorm: .trained),
      rule: .adamW(), weightDecay: 1e-4,
      schedule: .init(base: 3e-3, shape: .cosine(), warmUp: 3, iterations: iterations),
      clipNorm: 10, averageDecay: 0.9, batchSize: 2, accumulation: 2, imagesPerCall: 2,
      sizes: [64], augmentation: Augmentation(flip: 0.5, brightness: 0.1), seed: 5,
      evaluationInterval: 4, checkpointInterval: 3, workers: workers, dataThreads: 2)
  }
}

/// Everything that a training said.
final class EventLog: Sendable {
  private let monitor = Monitor<[TrainingEvent]>([])

  var events: [TrainingEvent] { monitor.read { $0 } }
  var steps: [TrainingRecord.Step] {
    events.compactMap { if case .step(let step) = $0 { step } else { nil } }
  }
  var remarks: [String] {
    events.compactMap { if case .remark(let text) = $0 { text } else { nil } }
  }

  func take(_ event: TrainingEvent) { monitor.withLock { $0.append(event) } }
}

@Suite struct TrainerTests {
  private func bytes(_ path: FilePath) throws -> Data {
    try Data(contentsOf: URL(filePath: path.string))
  }

  /// The lines of `metrics.jsonl` without the times.
  private func metrics(_ folder: TrainingFolder) throws -> [String] {
    String(decoding: try bytes(folder.metrics), as: UTF8.self).split(separator: "\n").map {
      String($0.prefix(upTo: $0.range(of: ",\"seconds\":")?.lowerBound ?? $0.endIndex))
    }
  }

  @Test func stoppedAndResumedTrainingsEndAsOthersDo() throws {
    let squares = try SquaresFixture(count: 11)
    let place = try TemporaryFolder()
    func train(
      _ name: String, start: StartingWeights?, stopAfter: Int?, workers: Int
    ) throws -> (TrainingOutcome, EventLog) {
      let log = EventLog()
      let stop = CancellationToken()
      let trainer = try Trainer(
        SquaresFixture.configuration(iterations: 6, workers: workers), start: start,
        training: squares.dataset, validation: squares.dataset,
        folder: TrainingFolder(place.path.appending(name)), load: SquaresFixture.load
      ) { event in
        log.take(event)
        if case .step(let step) = event, step.iteration == stopAfter { stop.cancel() }
      }
      return (try trainer.run(stop: stop), log)
    }
    let whole = try train("whole", start: .nothing, stopAfter: nil, workers: 2)
    #expect(whole.0 == .finished)
    #expect(whole.1.steps.map(\.iteration) == Array(1...6))
    // After four iterations, and the last.
    let evaluations = whole.1.events.filter { if case .evaluation = $0 { true } else { false } }
    #expect(evaluations.count == 2)

    #expect(
      try train("parts", start: .nothing, stopAfter: 2, workers: 1).0 == .stopped(iteration: 2))
    #expect(try train("parts", start: nil, stopAfter: 5, workers: 2).0 == .stopped(iteration: 5))
    let folders = ["whole", "parts"].map { TrainingFolder(place.path.appending($0)) }
    // What was done after the state that is resumed, a torn line too, is done again.
    let file = try FileHandle(forWritingTo: URL(filePath: folders[1].metrics.string))
    try file.seekToEnd()
    try file.write(contentsOf: Data("{\"iteration\":6,\"loss\":1}\n{\"iterat".utf8))
    try file.close()
    let end = try train("parts", start: nil, stopAfter: nil, workers: 3)
    #expect(end.0 == .finished && end.1.steps.map(\.iteration) == [6])
    for file in [\TrainingFolder.lastModel, \.bestModel, \.state, \.predictions] {
      #expect(try bytes(folders[0][keyPath: file]) == bytes(folders[1][keyPath: file]), "\(file)")
    }
    #expect(try metrics(folders[0]) == metrics(folders[1]))
    #expect(try metrics(folders[0]).count == 8)
    // And another seed does not.
    var other = SquaresFixture.configuration(iterations: 6)
    other.seed = 6
    let folder = TrainingFolder(place.path.appending("other"))
    _ = try Trainer(
      other, start: .nothing, training: squares.dataset, validation: nil, folder: folder,
      load: SquaresFixture.load, observe: { _ in }
    ).run(stop: CancellationToken())
    #expect(try bytes(folders[0].lastModel) != bytes(folder.lastModel))
    // Without pictures to measure on, the last model is the one to take.
    #expect(try bytes(folder.bestModel) == bytes(folder.lastModel))
  }

  @Test func aTrainingLearns() throws {
    let squares = try SquaresFixture(count: 8)
    let place = try TemporaryFolder()
    var configuration = SquaresFixture.configuration(iterations: 100)
    configuration.accumulation = 1
    configuration.batchSize = 4
    configuration.imagesPerCall = 2
    configuration.evaluationInterval = 100
    let log = EventLog()
    _ = try Trainer(
      configuration, start: .nothing, training: squares.dataset, validation: squares.dataset,
      folder: TrainingFolder(place.path), load: SquaresFixture.load, observe: log.take
    ).run(stop: CancellationToken())
    func mean(_ steps: ArraySlice<TrainingRecord.Step>) -> Double {
      steps.reduce(0) { $0 + $1.loss } / Double(steps.count)
    }
    let (first, last) = (mean(log.steps[..<5]), mean(log.steps[95...]))
    #expect(last < 0.5 * first, "\(first) to \(last)")
    let ap50 = log.events.compactMap { event in
      if case .evaluation(let evaluation, _) = event { evaluation.ap50 } else { nil }
    }
    #expect(ap50.count == 1 && ap50[0] > 0.5, "\(ap50)")
    #expect(log.steps.allSatisfy { $0.objectAnchors > 0 && $0.anchors > $0.objectAnchors })
  }

  @Test func foldersAreNotMixedUp() throws {
    let squares = try SquaresFixture(count: 4)
    let place = try TemporaryFolder()
    func make(
      _ start: StartingWeights?, _ change: (inout TrainingConfiguration) -> Void = { _ in }
    ) throws -> Trainer {
      var configuration = SquaresFixture.configuration(iterations: 1)
      change(&configuration)
      return try Trainer(
        configuration, start: start, training: squares.dataset, validation: nil,
        folder: TrainingFolder(place.path), load: SquaresFixture.load, observe: { _ in })
    }
    let none = #expect(throws: TrainingError.self) { _ = try make(nil) }
    #expect(
      none?.description
        == "\(place.path): holds no training to resume (no resume/state.safetensors)")
    _ = try make(.nothing).run(stop: CancellationToken())
    let there = #expect(throws: TrainingError.self) { _ = try make(.nothing) }
    #expect(
      there?.description
        == "\(place.path): holds a training already: resume it, or name another folder")
    let other = #expect(throws: TrainingError.self) { _ = try make(nil) { $0.clipNorm = 9 } }
    #expect(other?.description.contains("was begun with other settings") == true)
    // How it runs does not matter.
    _ = try make(nil) {
      $0.workers = 7
      $0.evaluationInterval = 100
    }
  }

  @Test func weightsComeFromModelsAndBackbones() throws {
    let squares = try SquaresFixture(count: 4)
    let place = try TemporaryFolder()
    let first = TrainingFolder(place.path.appending("first"))
    _ = try Trainer(
      SquaresFixture.configuration(iterations: 1), start: .nothing, training: squares.dataset,
      validation: nil, folder: first, load: SquaresFixture.load, observe: { _ in }
    ).run(stop: CancellationToken())
    let model = try DetectionModel(contentsOf: first.lastModel)

    func start(
      _ start: StartingWeights, _ description: ModelDescription
    ) throws -> (ParameterSlab, [String]) {
      let slab = try ParameterSlab(ParameterLayout(description.makeNetwork()))
      return (slab, try start.fill(slab, description, initial: InitialParameters(seed: 1)))
    }
    let (same, sameRemarks) = try start(.model(model), SquaresFixture.description())
    for entry in same.layout.entries {
      #expect(try same[entry.parameter.name] == model.values(entry.parameter.name))
    }
    #expect(sameRemarks == ["\(first.lastModel): \(same.layout.entries.count) tensors taken"])

    let three = SquaresFixture.description(["a", "b", "c"])
    let (more, moreRemarks) = try start(.model(model), three)
    let last = "head.classification_head.cls_logits"
    #expect(more["\(last).bias"].count == 6 && more["\(last).bias"][0] < -4.5)
    #expect(
      moreRemarks[1] == "starting from random weights: \(last).weight, \(last).bias")
    #expect(try more["backbone.body.conv1.weight"] == model.values("backbone.body.conv1.weight"))
    // As many classes, but others.
    let (renamed, _) = try start(.model(model), SquaresFixture.description(["x", "y"]))
    #expect(try renamed["\(last).weight"] != model.values("\(last).weight"))

    // A classifier with torchvision's names.
    let backbone = place.path.appending("backbone.safetensors")
    let prefix = "backbone.body."
    try SafetensorsFile.write(
      try same.layout.entries.filter { $0.parameter.name.hasPrefix(prefix) }.map { entry in
        let values = try model.values(entry.parameter.name)
        return .init(
          name: String(entry.parameter.name.dropFirst(prefix.count)), shape: entry.parameter.shape
        ) { values }
      } + [.init(name: "fc.weight", shape: [1, 2]) { [1, 2] }], to: backbone)
    let bare = try #require(try BackboneWeights(contentsOf: backbone))
    #expect(bare.architecture == .init(backbone: .resnet18, baseWidth: 16))
    #expect(bare.preset == .torchvision)
    #expect(try BackboneWeights(contentsOf: first.lastModel) == nil)
    let (body, bodyRemarks) = try start(.backbone(bare), SquaresFixture.description())
    #expect(
      try body["backbone.body.layer4.1.bn2.running_var"]
        == model.values("backbone.body.layer4.1.bn2.running_var"))
    #expect(
      bodyRemarks[1]
        == "starting from random weights: backbone.fpn, head.classification_head, head.regression_head"
    )
    var wide = SquaresFixture.description()
    wide.architecture.baseWidth = 32
    let misfit = #expect(throws: TrainingError.self) { _ = try start(.backbone(bare), wide) }
    #expect(
      misfit?.description
        == "\(backbone): its backbone does not fit the network: no tensor for "
        + "'backbone.body.conv1.weight' of shape [32, 3, 7, 7]")
  }

  /// What no reader would take is refused before anything is trained.
  @Test func aModelHasToBeReadable() throws {
    let classes = ["light", ""]
    let squares = try SquaresFixture(count: 4, classes: classes)
    var configuration = SquaresFixture.configuration(iterations: 1)
    configuration.description = SquaresFixture.description(classes)
    let place = try TemporaryFolder()
    let folder = TrainingFolder(place.path.appending("run"))
    func begin() throws {
      _ = try Trainer(
        configuration, start: .nothing, training: squares.dataset, validation: nil, folder: folder,
        load: SquaresFixture.load
      ) { _ in
      }
    }
    let error = #expect(throws: ModelError.self) { try begin() }
    #expect(error?.description.contains("'classes[1]' has to be a label of 1 to 256") == true)
    #expect(!FileManager.default.fileExists(atPath: folder.path.string))
  }

  @Test func recordsAreLines() {
    let step = TrainingRecord.step(
      .init(
        iteration: 12, epoch: 0.34567891, classLoss: 0.25, boxLoss: 0.5, learningRate: 1e-4,
        gradientNorm: 123456.7, objectAnchors: 3, ignoredAnchors: 4, anchors: 500, images: 8,
        seconds: 0))
    #expect(
      step.line
        == "{\"iteration\":12,\"epoch\":0.345679,\"loss\":0.75,\"classLoss\":0.25,\"boxLoss\":0.5,"
        + "\"learningRate\":0.0001,\"gradientNorm\":123457.0,\"objectAnchors\":3,"
        + "\"ignoredAnchors\":4,\"anchors\":500,\"images\":8,\"seconds\":0}")
    let tiny = TrainingRecord.step(
      .init(
        iteration: 1, epoch: 1, classLoss: 0, boxLoss: -.leastNormalMagnitude, learningRate: 1e-301,
        gradientNorm: .leastNonzeroMagnitude, objectAnchors: 0, ignoredAnchors: 0, anchors: 0,
        images: 1, seconds: 0))
    #expect(
      tiny.line.contains("\"boxLoss\":0,\"learningRate\":0,\"gradientNorm\":0,"),
      "\(tiny.line)"
    )
    let evaluation = TrainingRecord.evaluation(
      .init(
        iteration: 3, metrics: [("AP", 0.5), ("APsmall", nil)],
        classes: [("a \"b\"\n", 0.25), ("c", nil)], seconds: 2))
    #expect(
      evaluation.line
        == "{\"iteration\":3,\"AP\":0.5,\"APsmall\":null,"
        + "\"classes\":{\"a \\\"b\\\"\\n\":0.25,\"c\":null},\"seconds\":2.0}")
  }

  @Test func predictionsAreDrawn() throws {
    let squares = try SquaresFixture(count: 5)
    let truth = squares.dataset.images.map { $0.objects[0] }
    func detection(_ object: LabelledBox, moved: Float = 0, score: Float = 0.9) -> Detection {
      var box = object.box
      box.minX += moved
      box.maxX += moved
      return Detection(
        classIndex: object.classIndex, score: score, box: box, anchorIndex: 0)
    }
    let sheet = PredictionSheet(
      dataset: squares.dataset,
      detections: [
        [detection(truth[0], moved: 1)], [detection(truth[1], moved: 40)], [],
        [detection(truth[3], score: 0.1)], nil,
      ], load: SquaresFixture.load)
    let svg = sheet.svg()
    #expect(XMLParser(data: Data(svg.utf8)).parse())
    #expect(svg.components(separatedBy: "<image").count == 5)
    // Beside the key: one right, one wrong, three missed.
    #expect(svg.components(separatedBy: "stroke=\"#1a9850\"").count == 3)
    #expect(svg.components(separatedBy: "stroke=\"#d73027\"").count == 3)
    #expect(svg.components(separatedBy: "stroke=\"#fdae61\"").count == 5)
  }

  @Test func picturesShrinkAndBecomePNG() {
    let picture = RGBPicture(
      width: 4, height: 2, pixels: (0..<24).map { UInt8($0 * 10) })
    #expect(picture.shrunk(toWidth: 4) == picture)
    let small = picture.shrunk(toWidth: 2)
    #expect(small.width == 2 && small.height == 1)
    #expect(small.pixels == [75, 85, 95, 135, 145, 155])
    // Made with Python's zlib: the checksums of these very bytes.
    #expect(
      PNGFile.bytes(rgb: small.pixels, width: 2, height: 1).map { String($0, radix: 16) }.joined(
        separator: " ")
        == Self.png)
  }

  private static let png =
    "89 50 4e 47 d a 1a a 0 0 0 d 49 48 44 52 0 0 0 2 "
    + "0 0 0 1 8 2 0 0 0 7b 40 e8 dd 0 0 0 12 49 44 41 "
    + "54 78 1 1 7 0 f8 ff 0 4b 55 5f 87 91 9b 8 40 2 b3 ed "
    + "6f 77 2e 0 0 0 0 49 45 4e 44 ae 42 60 82"
}

import BoxGeometry
import Checkpoints
import Evaluation
import Foundation
import NeuralNetwork
import RetinaNetModel
import SystemPackage
import TestSupport
import Testing
import Workers

@testable import Training

/// What a state says of its training, and what its fingerprint follows from.
@Suite struct TrainingStateTests {
  private func train(
    _ folder: TrainingFolder, _ start: StartingWeights?, _ squares: SquaresFixture,
    iterations: Int = 2, stopAfter: Int? = nil
  ) throws -> EventLog {
    let log = EventLog()
    let stop = CancellationToken()
    let trainer = try Trainer(
      SquaresFixture.configuration(iterations: iterations), start: start,
      training: squares.dataset, validation: nil, folder: folder, load: SquaresFixture.load
    ) { event in
      log.take(event)
      if case .step(let step) = event, step.iteration == stopAfter { stop.cancel() }
    }
    _ = try trainer.run(stop: stop)
    return log
  }

  /// The state as the first version of this program wrote it.
  private func makeFirstVersion(_ folder: TrainingFolder) throws {
    let state = try Checkpoint(contentsOf: folder.state)
    var metadata = state.metadata
    metadata["trainingState"] = "1"
    metadata["fingerprint"] = "of the names of fields"
    metadata["model"] = nil
    let tensors = try state.tensors.map { name, tensor in
      let values = try tensor.floats()
      return SafetensorsFile.Tensor(name: name, shape: tensor.shape) { values }
    }
    try SafetensorsFile.write(tensors, metadata: metadata, to: folder.state)
  }

  @Test func statesOfTheFirstVersionAreTakenOver() throws {
    let squares = try SquaresFixture(count: 4)
    let place = try TemporaryFolder()
    let folders = ["whole", "old"].map { TrainingFolder(place.path.appending($0)) }
    _ = try train(folders[0], .nothing, squares)
    _ = try train(folders[1], .nothing, squares, stopAfter: 1)
    try makeFirstVersion(folders[1])
    let saved = try SavedTraining(contentsOf: folders[1].path)
    #expect(saved.iteration == 1)
    #expect(try saved.description() == SquaresFixture.description())
    let log = try train(folders[1], nil, squares)
    #expect(log.remarks.count == 2 && log.remarks[0].contains("first version is taken over"))
    #expect(log.steps.map(\.iteration) == [2])
    for file in [\TrainingFolder.state, \.lastModel] {
      let bytes = try folders.map { try Data(contentsOf: URL(filePath: $0[keyPath: file].string)) }
      #expect(bytes[0] == bytes[1], "\(file)")
    }
  }

  /// Pictures can be fewer than when it was begun, which a state of the first version does not tell.
  @Test func aStateBeyondTheEndIsRefused() throws {
    let squares = try SquaresFixture(count: 4)
    let place = try TemporaryFolder()
    let folder = TrainingFolder(place.path)
    _ = try train(folder, .nothing, squares)
    try makeFirstVersion(folder)
    let error = #expect(throws: TrainingError.self) {
      _ = try train(folder, nil, squares, iterations: 1)
    }
    #expect(error?.description == "\(folder.state): is of iteration 2 of 1")
  }

  @Test func aStateSaysWhatIsTrained() throws {
    let squares = try SquaresFixture(count: 4)
    let place = try TemporaryFolder()
    let folder = TrainingFolder(place.path)
    let missing = #expect(throws: TrainingError.self) {
      _ = try SavedTraining(contentsOf: folder.path)
    }
    #expect(
      missing?.description
        == "\(folder.path): holds no training to resume (no resume/state.safetensors)")
    _ = try train(folder, .nothing, squares)
    try FileManager.default.removeItem(atPath: folder.lastModel.string)
    for path in [folder.path, folder.state] {
      let saved = try SavedTraining(contentsOf: path)
      #expect(saved.path == folder.state && saved.iteration == 2)
      #expect(try saved.description() == SquaresFixture.description())
    }
    let model = #expect(throws: TrainingError.self) {
      _ = try SavedTraining(contentsOf: folder.bestModel)
    }
    #expect(
      model?.description
        == "\(folder.bestModel): is not a training's state: it does not say 'trainingState'")
  }

  /// Names in the program may change, these lines may not: states of trainings that go on depend on them.
  @Test func theFingerprintsTextStays() throws {
    let fields = SquaresFixture.configuration(iterations: 6).fields
    #expect(
      fields.map { "\($0.name) = \($0.value)" }.joined(separator: "\n") == """
        backbone = resnet18
        base width = 16
        norm epsilon = 1e-05
        pyramid channels = 16
        p6 source = p5
        head depth = 1
        head norm = none
        classes = 5:light 4:dark
        shorter side = 64
        longer side = 64
        mean = 0.485 0.456 0.406
        standard deviation = 0.229 0.224 0.225
        anchor sizes = 12 16, 20 26, 32 40, 64 80, 128 160
        anchor ratios = 1.0
        score threshold = 0.05
        class thresholds =\u{20}
        candidates = 1000
        nms threshold = 0.5
        detections = 300
        frozen stages = 0
        batch norm = trained
        class loss = focal gamma 2.0 alpha 0.25
        examples = all
        box loss = l1
        box weight = 1.0
        normalization = image
        match from = 0.5
        ignore from = 0.4
        low quality matches = true
        prior = 0.01
        rule = adamw beta1 0.9 beta2 0.999 epsilon 1e-08
        weight decay = 0.0001
        norm weight decay = none
        rate = 0.003
        rate shape = cosine to 0.0
        warm-up = 3 from 0.001
        iterations = 6
        clip norm = 10.0
        average decay = 0.9
        statistics momentum = 0.1
        batch size = 2
        accumulation = 2
        images per call = 2
        sizes = 64
        flip = 0.5
        quarter turns = false
        crop = 0.0 from 0.5
        brightness = 0.1
        contrast = 0.0
        saturation = 0.0
        scale = 1.0 to 1.0
        seed = 5
        algorithm = winograd
        """)
    let image = TrainingDataset.Image(
      id: 3, path: "a/b.png", size: nil,
      objects: [LabelledBox(classIndex: 1, box: Box(minX: 1, minY: 2.5, maxX: 3, maxY: 4))])
    #expect(
      TrainingFingerprint.line(image, of: "training")
        == "training: a/b.png 1 [1.0, 2.5, 3.0, 4.0]\n")
  }

  /// torchvision's rule: 128 pixels between rows of P7 at 512, 114 at 800, 106 at 320. True strides are the same.
  @Test func anchorsThatMoveWithTheSizeAreRemarkedUpon() throws {
    var configuration = SquaresFixture.configuration(iterations: 1)
    configuration.augmentation = .none
    func remark(_ sizes: [Int], detectingAt size: Int) -> String? {
      configuration.sizes = sizes
      configuration.description.preprocessing = .init(minSize: size, maxSize: 2 * size)
      return configuration.strideRemark
    }
    #expect(
      remark([512], detectingAt: 800)?.hasPrefix(
        "anchors of P7 are 128 pixels apart at a size of 512, which is trained at, and 114 at 800,")
        == true)
    #expect(
      remark([320, 512], detectingAt: 512)?.contains("are 106 pixels apart at a size of 320")
        == true)
    #expect(remark([512, 640], detectingAt: 768) == nil)
    #expect(remark([800], detectingAt: 800) == nil)
    configuration.description.conventions = .trainedHere
    #expect(remark([320, 512], detectingAt: 800) == nil)
  }

  /// Whatever the weights follow from changes the fingerprint, and how it runs does not.
  @Test func everyFieldCounts() throws {
    let squares = try SquaresFixture(count: 2)
    let others = try SquaresFixture(count: 3)
    func digest(
      _ validation: TrainingDataset? = nil, _ change: (inout TrainingConfiguration) -> Void
    ) -> String {
      var configuration = SquaresFixture.configuration(iterations: 6)
      change(&configuration)
      return TrainingFingerprint.digest(configuration, squares.dataset, validation)
    }
    let changes: [(inout TrainingConfiguration) -> Void] = [
      { _ in }, { $0.description.architecture.backbone = .resnet34 },
      { $0.description.architecture.baseWidth = 8 },
      { $0.description.conventions.network.normEpsilon = 0 },
      { $0.description.architecture.pyramidChannels = 8 },
      { $0.description.conventions.network.p6Source = .c5 },
      { $0.description.architecture.headDepth = 2 },
      { $0.description.architecture.headNorm = .groupNorm },
      { $0.description.classes = ["light", "black"] },
      { $0.description.preprocessing.minSize = 32 }, { $0.description.preprocessing.maxSize = 96 },
      { $0.description.conventions.input.mean[1] = 0 },
      { $0.description.conventions.input.standardDeviation[2] = 1 },
      { $0.description.conventions.anchors.strides = .powersOfTwo },
      { $0.description.anchors.sizes[3] = [1, 2] }, { $0.description.anchors.aspectRatios = [2] },
      { $0.description.postprocessing.scoreThreshold = 0.1 },
      { $0.description.postprocessing.classThresholds["dark"] = 0.1 },
      { $0.description.postprocessing.candidatesPerLevel = 1 },
      { $0.description.postprocessing.nmsThreshold = 0.1 },
      { $0.description.postprocessing.detectionsPerImage = 1 },
      { $0.trained.frozenStages = 1 }, { $0.trained.batchNorm = .frozen },
      { $0.loss.classification = .focal(gamma: 1) },
      { $0.loss.classification = .focal(alpha: nil) },
      { $0.loss.classification = .crossEntropy() },
      { $0.loss.classification = .focalStar(gamma: 2, beta: 1) },
      { $0.loss.classification = .focalStar(gamma: 2, beta: 0) },
      { $0.loss.examples = .hardest(count: 9, nmsThreshold: 0.5) },
      { $0.loss.examples = .hardest(count: 9, nmsThreshold: 0.5, keepsOneToThree: true) },
      { $0.loss.box = .giou }, { $0.loss.box = .smoothL1(beta: 0.1) }, { $0.loss.boxWeight = 2 },
      { $0.loss.normalization = .batch }, { $0.matcher.highThreshold = 0.6 },
      { $0.matcher.lowThreshold = 0.3 }, { $0.matcher.allowsLowQualityMatches = false },
      { $0.prior = nil }, { $0.rule = .sgd() }, { $0.rule = .adamW(beta1: 0.8) },
      { $0.weightDecay = 0 }, { $0.normWeightDecay = 0 }, { $0.schedule.base = 1 },
      { $0.schedule.shape = .steps(at: [3]) }, { $0.schedule.shape = .steps(at: [3, 4]) },
      { $0.schedule.shape = .cosine(final: 0.1) }, { $0.schedule.warmUp = 1 },
      { $0.schedule.warmUpFactor = 1 }, { $0.schedule.iterations = 7 }, { $0.clipNorm = nil },
      { $0.averageDecay = nil }, { $0.statisticsMomentum = 1 }, { $0.batchSize = 4 },
      { $0.accumulation = 1 }, { $0.imagesPerCall = 1 }, { $0.sizes = [64, 32] },
      { $0.augmentation.flip = 0 }, { $0.augmentation.quarterTurns = true },
      { $0.augmentation.crop = 1 }, { $0.augmentation.smallestCrop = 1 },
      { $0.augmentation.brightness = 0 }, { $0.augmentation.contrast = 1 },
      { $0.augmentation.saturation = 1 }, { $0.augmentation.scale = 1...2 }, { $0.seed = 6 },
      { $0.algorithm = .direct },
    ]
    var digests = changes.map { digest(nil, $0) }
    digests += [digest(others.dataset) { _ in }, digest(squares.dataset) { _ in }]
    #expect(Set(digests).count == digests.count)
    let same = digest {
      $0.workers = 9
      $0.dataThreads = 9
      $0.evaluationInterval = 9
      $0.checkpointInterval = 9
    }
    #expect(same == digests[0])
  }
}

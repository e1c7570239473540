import BoxGeometry
import Checkpoints
import Evaluation
import Foundation
import Media
import NeuralNetwork
import RetinaNetModel
import SystemPackage
import TestSupport
import Testing
import Workers

@testable import Training

/// Numbers that cease to be finite, and what is left to go on from.
@Suite struct DivergenceTests {
  /// A training whose rate is 1e-3, and from an iteration on out of all bounds.
  private func configuration(
    breakingAt iteration: Int, iterations: Int = 20, factor: Double = 1e33
  ) -> TrainingConfiguration {
    var configuration = SquaresFixture.configuration(iterations: iterations)
    configuration.clipNorm = nil
    configuration.averageDecay = nil
    configuration.rule = .sgd(momentum: 0)
    configuration.schedule = .init(
      base: 1e-3, shape: .steps(at: [iteration], factor: factor), iterations: iterations)
    return configuration
  }

  private func diverge(
    _ configuration: TrainingConfiguration, in folder: TrainingFolder, validation: Bool = false
  ) throws -> (iteration: Int, place: String, image: String?, state: FilePath?) {
    let squares = try SquaresFixture(count: 4)
    let trainer = try Trainer(
      configuration, start: .nothing, training: squares.dataset,
      validation: validation ? squares.dataset : nil, folder: folder, load: SquaresFixture.load,
      observe: { _ in })
    let error = #expect(throws: TrainingError.self) {
      _ = try trainer.run(stop: CancellationToken())
    }
    guard case .diverged(let iteration, let place, let image, let state) = try #require(error)
    else {
      throw try #require(error)
    }
    return (iteration, place, image, state)
  }

  /// Every number of a state's tensors.
  private func expectFinite(_ state: Checkpoint) throws {
    #expect(state.tensors.count > 100)
    for (name, tensor) in state.tensors {
      #expect(try tensor.floats().allSatisfy(\.isFinite), "\(name)")
    }
  }

  @Test func divergenceNamesItsPlaceAndLeavesAGoodState() throws {
    let place = try TemporaryFolder()
    let folder = TrainingFolder(place.path.appending("run"))
    var configuration = configuration(breakingAt: 3)
    configuration.checkpointInterval = 3
    let error = try diverge(configuration, in: folder)
    #expect(error.iteration == 4 || error.iteration == 5)
    #expect(error.image?.hasSuffix(".png") == true && !error.place.isEmpty, "\(error)")
    #expect(error.state == folder.path)
    let saved = try SavedTraining(contentsOf: folder.path)
    #expect(saved.iteration == 3)
    try expectFinite(saved.file)

    // A new training goes on from there, with other options and in another folder.
    let squares = try SquaresFixture(count: 4)
    func restart(_ name: String, _ configuration: TrainingConfiguration) throws -> TrainingFolder {
      let other = TrainingFolder(place.path.appending(name))
      let log = EventLog()
      let trainer = try Trainer(
        configuration, start: .training(saved), training: squares.dataset, validation: nil,
        folder: other, load: SquaresFixture.load, observe: log.take)
      #expect(try trainer.run(stop: CancellationToken()) == .finished)
      let count = configuration.description.makeNetwork().parameters.count
      #expect(log.remarks == ["\(saved.path): \(count) tensors taken"])
      #expect(log.steps.map(\.iteration) == [1, 2])
      return other
    }
    var better = self.configuration(breakingAt: 3, iterations: 2)
    better.clipNorm = 1
    let other = try restart("better", better)
    try expectFinite(SavedTraining(contentsOf: other.path).file)
    // With a rate of 0 they are the state's own weights.
    better.schedule.base = 0
    let same = try SavedTraining(contentsOf: try restart("same", better).state)
    for name in ["backbone.body.layer1.0.conv1.weight", "head.regression_head.bbox_reg.bias"] {
      #expect(try same.weight(name)?.floats() == saved.weight(name)?.floats())
      #expect(try saved.weight(name)?.floats().contains { $0 != 0 } == true)
    }
  }

  /// A step whose loss and gradients are finite, and whose weights are not: no state is made of it, and no model.
  @Test(arguments: [true, false]) func brokenWeightsAreNotSaved(_ evaluates: Bool) throws {
    let place = try TemporaryFolder()
    let folder = TrainingFolder(place.path)
    var configuration = configuration(breakingAt: 3, factor: 1e60)
    configuration.checkpointInterval = evaluates ? 3 : 2
    configuration.evaluationInterval = evaluates ? 4 : 100
    if evaluates { configuration.checkpointInterval = 2 }
    let error = try diverge(configuration, in: folder, validation: evaluates)
    #expect(error.iteration == 4 && error.image == nil, "\(error)")
    #expect(error.place.hasPrefix("weights of backbone."), "\(error)")
    let saved = try SavedTraining(contentsOf: folder.path)
    #expect(saved.iteration == 2)
    try expectFinite(saved.file)
    try expectFinite(Checkpoint(contentsOf: folder.lastModel))
  }

  @Test func withoutAStateThereIsNothingToGoOnFrom() throws {
    let place = try TemporaryFolder()
    let folder = TrainingFolder(place.path)
    var configuration = configuration(breakingAt: 1)
    configuration.checkpointInterval = 100
    let error = try diverge(configuration, in: folder)
    #expect(error.state == nil)
    // The folder may be used again.
    let squares = try SquaresFixture(count: 4)
    _ = try Trainer(
      configuration, start: .nothing, training: squares.dataset, validation: nil, folder: folder,
      load: SquaresFixture.load, observe: { _ in })
  }

  @Test func theRemedyIsSaid() {
    let without = TrainingError.diverged(
      iteration: 7, at: "relu of layer1", image: "a.png", state: nil)
    #expect(
      without.description
        == "iteration 7 diverged: not finite at relu of layer1, image a.png: begin again with a lower --learning-rate "
        + "or with --clip-norm")
    let with = TrainingError.diverged(iteration: 7, at: "weights of x", image: nil, state: "run")
    #expect(
      with.description
        == "iteration 7 diverged: not finite at weights of x: begin a new training with a lower --learning-rate or with "
        + "--clip-norm, from the last state: --restart-from run")
  }

  /// A model whose outputs are finite for a black picture only.
  private func fragileModel(_ path: FilePath) throws -> DetectionModel {
    var description = SquaresFixture.description()
    description.conventions.input.mean = [0, 0, 0]
    let initial = InitialParameters(seed: 3)
    let parameters = Dictionary(
      uniqueKeysWithValues: description.makeNetwork().parameters.map { ($0.name, $0) })
    try ModelFile.write(description, to: path) { name in
      let values = initial.values(try #require(parameters[name]))
      return name.hasSuffix("cls_logits.weight") ? values.map { $0 < 0 ? -1e38 : 1e38 } : values
    }
    return try DetectionModel(contentsOf: path)
  }

  /// Outputs that are not finite for one picture are that picture's; for all of them, the model's.
  @Test func onePicturesOutputsEndNoEvaluation() throws {
    let squares = try SquaresFixture(count: 2)
    let folder = try TemporaryFolder()
    let model = try fragileModel(folder.path.appending("m.safetensors"))
    let log = Monitor<[PictureRemark]>([])
    func evaluate(bright: Set<String>) throws -> DetectorEvaluation {
      try DetectorEvaluation(
        Detector(model: model), on: squares.dataset, workers: 2,
        load: { path in
          let value: UInt8 = bright.contains(path.stem ?? "") ? 255 : 0
          return LoadedPicture(
            RGBPicture(
              width: 64, height: 64, pixels: [UInt8](repeating: value, count: 64 * 64 * 3)))
        }, remark: { remark in log.withLock { $0.append(remark) } })
    }
    let result = try evaluate(bright: ["1"])
    #expect(result.detections[0] != nil && result.detections[1] == nil)
    #expect(result.evaluation.imageCount == 2)
    let remarks = log.read { $0 }.map(\.description)
    #expect(
      remarks.count == 1 && remarks[0].hasPrefix("\(squares.folder.path)/1.png: the network's"))
    #expect(remarks[0].hasSuffix(": left out"), "\(remarks)")
    #expect(throws: DetectionError.self) { _ = try evaluate(bright: ["0", "1"]) }
  }

  /// A validation picture that was annotated at another size is measured, with a warning.
  @Test func damagedAndTurnedPicturesAreRemarkedOn() throws {
    let squares = try SquaresFixture(count: 1)
    let folder = try TemporaryFolder()
    let model = try fragileModel(folder.path.appending("m.safetensors"))
    let log = Monitor<[PictureRemark]>([])
    _ = try DetectorEvaluation(
      Detector(model: model), on: squares.dataset, workers: 1,
      load: { _ in
        LoadedPicture(
          RGBPicture(width: 32, height: 64, pixels: [UInt8](repeating: 0, count: 32 * 64 * 3)),
          isDamaged: true)
      }, remark: { remark in log.withLock { $0.append(remark) } })
    let path = squares.dataset.images[0].path
    #expect(
      Set(log.read { $0 }) == [
        .damaged(file: path), .otherSize(file: path, annotated: "64x64", actual: "32x64"),
      ])
  }
}

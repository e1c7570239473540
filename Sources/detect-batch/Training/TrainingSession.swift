import Checkpoints
import DetectionPipeline
import DetectionRecords
import Evaluation
import Foundation
import FrameDecoding
import RetinaNetModel
import SystemPackage
import Training
import Workers

/// One training from the command line: what was typed becomes a trainer, and signals stop it.
enum TrainingSession {
  /// What a folder remembers of how its training was begun.
  private struct Beginning: Codable {
    var directory: String
    var arguments: [String]
    var pipeline: String?
  }

  /// Starts a training.
  static func begin(
    data: String, folder: TrainingFolder, pipeline: String?, typed: TrainOptions
  ) throws -> ExitStatus {
    let text = try pipeline.map { name in
      let path = try Places().find(.pipeline, name)
      return (name: path.string, text: try TextFile.read(path))
    }
    return try run(data: data, folder: folder, pipeline: text, typed: typed) {
      try remember(folder, pipeline: text?.text)
    }
  }

  /// Goes on with a training, with the options that it was begun with.
  static func resume(_ path: FilePath, _ typed: TrainOptions) throws -> ExitStatus {
    let folder = TrainingFolder(absolute(path))
    let file = beginning(folder)
    let beginning: Beginning
    do {
      beginning = try JSONDecoder().decode(
        Beginning.self, from: Data(contentsOf: URL(filePath: file.string)))
    } catch {
      throw RunError(
        .noInput,
        "\(path): holds no training to resume (\(file.lastComponent?.string ?? "")): "
          + error.localizedDescription)
    }
    guard FileManager.default.changeCurrentDirectoryPath(beginning.directory) else {
      throw RunError(
        .noInput, "\(path): the training was begun in \(beginning.directory), which is not there")
    }
    let command = try DetectBatch.parseAsRoot(beginning.arguments)
    guard var command = command as? TrainCommand, let data = command.data else {
      throw RunError(.unusableModel, "\(file): does not say how the training was begun")
    }
    // How much is said, and how many threads there are, may differ from time to time.
    command.options.report = typed.report
    command.options.run.workers = typed.run.workers ?? command.options.run.workers
    command.options.run.decoders = typed.run.decoders ?? command.options.run.decoders
    return try run(
      data: data, folder: folder,
      pipeline: beginning.pipeline.map { ("\(folder.path) (its pipeline)", $0) },
      typed: command.options, remember: nil)
  }

  private static func run(
    data: String, folder: TrainingFolder, pipeline: (name: String, text: String)?,
    typed: TrainOptions, remember: (() throws -> Void)?
  ) throws -> ExitStatus {
    var options = typed
    Log.configure(options.report)
    if let pipeline {
      try options.fill(from: PipelineFile(text: pipeline.text, name: pipeline.name))
    }
    Log.configure(options.report)

    let datasets = try TrainingData(data, options.data)
    let start = try TrainingStart(options.network.start)
    for remark in datasets.remarks + start.remarks { Log.logger.notice("\(remark)") }
    let description = options.description(
      classes: datasets.training.classes, start: start.description)
    let configuration = try options.configuration(
      description, imageCount: datasets.training.images.count,
      startsFromWeights: start.description != nil)
    let showsProgress = Console.standardError.isTerminal && !options.report.quiet
    let reporter = TrainingReporter(
      logger: Log.logger, showsProgress: showsProgress,
      iterations: configuration.schedule.iterations)
    reporter.begin(configuration, datasets)
    let lock = try lock(folder)
    defer { lock.release() }
    let trainer = try Trainer(
      configuration, start: remember == nil ? nil : start.weights, training: datasets.training,
      validation: datasets.validation, folder: folder, load: loadPicture,
      observe: reporter.observe)
    try remember?()
    let stop = CancellationToken()
    let status = Monitor(ExitStatus.done)
    SignalHandling.onFirst { cause in
      status.withLock { $0 = cause }
      stop.cancel()
      return true
    }
    let outcome = try trainer.run(stop: stop)
    reporter.end(outcome, folder)
    return outcome == .finished ? .done : status.read { $0 }
  }

  /// Keeps other trainings out of the folder.
  private static func lock(_ folder: TrainingFolder) throws -> FileLock {
    try folder.make()
    do { return try FileLock(folder.lock, of: folder.path) } catch .locked(_, let holder) {
      throw RunError(
        .locked,
        "\(folder.path) is in use by \(holder); wait until it ends, or name another folder")
    }
  }

  private static let loadPicture: TrainingPicture.Loader = { path in
    guard let frame = try MediaReader(path: path).nextFrame() else {
      throw MediaError(.data, "it holds no picture")
    }
    let picture = frame.picture
    return TrainingPicture(width: picture.width, height: picture.height, pixels: picture.pixels)
  }

  private static func beginning(_ folder: TrainingFolder) -> FilePath {
    folder.path.appending("resume/beginning.json")
  }

  private static func remember(_ folder: TrainingFolder, pipeline: String?) throws {
    let beginning = Beginning(
      directory: FileManager.default.currentDirectoryPath, arguments: ArgumentBytes.ofProcess(),
      pipeline: pipeline)
    let text = String(decoding: try JSONEncoder().encode(beginning), as: UTF8.self)
    try TextFile.write(text, to: self.beginning(folder))
  }

  private static func absolute(_ path: FilePath) -> FilePath {
    path.isAbsolute
      ? path : FilePath(FileManager.default.currentDirectoryPath).appending(path.components)
  }
}

/// The datasets that were named.
struct TrainingData {
  let training: TrainingDataset
  let validation: TrainingDataset?

  var remarks: [String] { training.remarks + (validation?.remarks ?? []) }

  init(_ data: String, _ options: TrainDataOptions) throws {
    let path = ArgumentBytes.path(data)
    guard FileManager.default.fileExists(atPath: path.string) else {
      throw RunError(.noInput, "\(path): there is no such folder or file")
    }
    let labels = options.classes.flatMap { $0 }
    let chosen = labels.isEmpty ? nil : labels
    if data.lowercased().hasSuffix(".json") {
      training = try Self.coco(path, images: options.images, classes: chosen)
      // Of one that is measured alone, classes without a box there count all the same.
      let classes = training.classes
      validation = try options.validation.map {
        try Self.coco(
          ArgumentBytes.path($0), images: options.validationImages ?? options.images,
          classes: classes)
      }
      return
    }
    func read(_ split: String, _ classes: [String]?) throws -> TrainingDataset {
      let folder = try PascalVOCFolder(path, split: split, classes: classes)
      return try TrainingDataset(
        folder.annotations, folder: path, classes: classes, place: "\(data) (\(split))")
    }
    training = try read(options.split ?? "train", chosen)
    let classes = training.classes
    validation = try options.validation.map { try read($0, classes) }
  }

  private static func coco(
    _ path: FilePath, images: String?, classes: [String]?
  ) throws -> TrainingDataset {
    let file = try COCOAnnotationsFile(contentsOf: path)
    return try TrainingDataset(
      file.annotations, folder: images.map(ArgumentBytes.path) ?? path.removingLastComponent(),
      classes: classes, place: path.string, remarks: file.remarks)
  }
}

/// What a training starts from, by the file that was named.
struct TrainingStart {
  let weights: StartingWeights
  /// Of the network the weights are of; nil without weights.
  let description: ModelDescription?
  let remarks: [String]

  init(_ argument: String?) throws {
    guard let argument else {
      weights = .nothing
      description = nil
      remarks = []
      return
    }
    let path = try Places().find(.model, argument)
    if let architecture = try StartingWeights.backboneArchitecture(of: path) {
      weights = .backbone(path)
      description = ModelDescription(
        architecture: architecture, classes: [],
        preprocessing: .init(minSize: 512, maxSize: 853), anchors: .init(), postprocessing: .init())
      remarks = ["\(path): a \(architecture.backbone.rawValue) that tells pictures apart"]
    } else {
      let model = try DetectionModel(contentsOf: path)
      weights = .model(model)
      description = model.description
      remarks = model.remarks
    }
  }
}

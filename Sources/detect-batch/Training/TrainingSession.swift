import DetectionPipeline
import DetectionRecords
import Files
import Foundation
import FrameDecoding
import Media
import RetinaNetModel
import SystemPackage
import Training
import Workers

/// One training from the command line: what was typed becomes a trainer, and signals stop it.
enum TrainingSession {
  /// Starts a training, with the weights of another one's state where one is named.
  static func begin(
    _ folder: TrainingFolder, pipeline: String?, restartFrom: FilePath?, _ typed: TrainOptions
  ) throws -> ExitStatus {
    Log.configure(typed.report)
    let path = try pipeline.map { try Places().find(.pipeline, $0) }
    let saved = try restartFrom.map { try SavedTraining(contentsOf: $0) }
    let beginning = TrainingBeginning.now(
      pipeline: try path.map { try TextFile.read($0) }, earlier: try saved.flatMap(earlier))
    let choices = try beginning.choices(
      typed.report, pipelineName: path?.string ?? "", file: saved?.path ?? folder.path)
    Log.configure(choices.options.report)
    guard let data = choices.data else {
      throw Fault(
        .usage,
        "\(saved?.path ?? folder.path): nothing beside it says what it was trained on: name <data>")
    }
    try typed.requireUse(in: choices.options, of: data)
    try Decoders.choose(choices.options.run.decoding)
    let datasets = try TrainingData(data, choices.options.data)
    let start = try saved.map(TrainingStart.init) ?? TrainingStart(choices.options.network.start)
    for remark in datasets.remarks + start.remarks { Log.logger.notice("\(remark)") }
    let description = choices.options.description(
      classes: datasets.training.classes, start: start.description)
    return try run(choices, description, start.weights, datasets, folder) {
      try beginning.write(to: TrainingBeginning.file(besideState: folder.state))
    }
  }

  /// Goes on with a training, with the options that it was begun with.
  static func resume(_ path: FilePath, _ typed: TrainOptions) throws -> ExitStatus {
    Log.configure(typed.report)
    let folder = TrainingFolder(absolute(path))
    let file = TrainingBeginning.file(besideState: folder.state)
    let beginning: TrainingBeginning
    do { beginning = try .read(file) } catch {
      throw Fault(
        .noInput,
        "\(path): holds no training to resume (\(file.lastComponent?.string ?? "")): "
          + "\(error)")
    }
    guard FileManager.default.changeCurrentDirectoryPath(beginning.directory) else {
      throw Fault(
        .noInput, "\(path): the training was begun in \(beginning.directory), which is not there")
    }
    var choices = try beginning.choices(
      typed.report, pipelineName: "\(folder.path) (its pipeline)", file: file)
    Log.configure(choices.options.report)
    // How many threads there are may differ from time to time.
    choices.options.run.workers = typed.run.workers ?? choices.options.run.workers
    choices.options.run.decoders = typed.run.decoders ?? choices.options.run.decoders
    choices.options.run.decoding.isolation =
      typed.run.decoding.isolation ?? choices.options.run.decoding.isolation
    guard let data = choices.data else {
      throw Fault(.unusableInput, "\(file): does not say what is trained on")
    }
    try Decoders.choose(choices.options.run.decoding)
    let datasets = try TrainingData(data, choices.options.data)
    for remark in datasets.remarks { Log.logger.notice("\(remark)") }
    // What it started from is not asked for again: it may be gone.
    let saved = try SavedTraining(contentsOf: folder.path)
    let description = try saved.description()
    guard description.classes == datasets.training.classes else {
      throw Fault(
        .unusableInput,
        "\(saved.path): is of the classes \(description.classes.compactMap { $0 }.joined(separator: ", ")), and \(data) "
          + "now has \(datasets.training.classes.joined(separator: ", "))")
    }
    return try run(choices, description, nil, datasets, folder) {}
  }

  /// The beginning of the training whose state this is; nil where the state stands alone.
  private static func earlier(_ saved: SavedTraining) throws -> TrainingBeginning? {
    let file = TrainingBeginning.file(besideState: saved.path)
    guard Places.isFile(file) else { return nil }
    do { return try .read(file) } catch {
      throw Fault(
        .unusableInput,
        "\(file): does not say how the training was begun: "
          + "\(error)")
    }
  }

  /// Trains.
  ///
  /// - Parameters:
  ///   - choices: all of them.
  ///   - description: what is trained.
  ///   - start: what it begins with; nil: the state in the folder.
  ///   - datasets: what is learnt, and what it is measured on.
  ///   - folder: of this training.
  ///   - remember: called once it is certain that there is something to train.
  /// - Returns: done, or the signal that stopped it.
  /// - Throws: what the trainer throws, `Fault`.
  private static func run(
    _ choices: TrainingBeginning.Choices, _ description: ModelDescription,
    _ start: StartingWeights?, _ datasets: TrainingData, _ folder: TrainingFolder,
    remember: () throws -> Void
  ) throws -> ExitStatus {
    let configuration = try choices.options.configuration(
      description, imageCount: datasets.training.images.count,
      startsFromWeights: choices.startsFromWeights)
    if let remark = configuration.strideRemark { Log.logger.warning("\(remark)") }
    let showsProgress = Console.standardError.isTerminal && !choices.options.report.quiet
    let reporter = TrainingReporter(
      logger: Log.logger, showsProgress: showsProgress,
      iterations: configuration.schedule.iterations)
    reporter.begin(configuration, datasets)
    defer { if showsProgress { Console.standardError.show(nil) } }
    let lock = try lock(folder)
    defer { lock.release() }
    let trainer = try Trainer(
      configuration, start: start, training: datasets.training, validation: datasets.validation,
      folder: folder, load: loadPicture(with: Decoders.make()), observe: reporter.observe)
    try remember()
    let stop = CancellationToken()
    SignalHandling.onFirst {
      stop.cancel()
      return true
    }
    let outcome = try trainer.run(stop: stop)
    reporter.end(outcome, folder)
    return outcome == .finished ? .done : ExitStatus(.stopped)
  }

  /// Keeps other trainings out of the folder.
  private static func lock(_ folder: TrainingFolder) throws -> FileLock {
    try folder.make()
    do { return try FileLock(folder.lock, of: folder.path) } catch .locked(_, let holder) {
      throw Fault(
        .locked,
        "\(folder.path) is in use by \(holder); wait until it ends, or name another folder")
    }
  }

  private static func loadPicture(with decoders: MediaDecoders) -> LoadedPicture.Loader {
    { path in
      guard let frame = try decoders.open(path).nextFrame() else {
        throw MediaError(.data, "it holds no picture")
      }
      // Its own bytes: a training holds pictures longer than a decoder process lends them.
      let picture = RGBPicture(
        width: frame.picture.width, height: frame.picture.height, pixels: frame.picture.pixels)
      return LoadedPicture(picture, isDamaged: frame.isCorrupt)
    }
  }

  private static func absolute(_ path: FilePath) -> FilePath {
    path.isAbsolute
      ? path : FilePath(FileManager.default.currentDirectoryPath).appending(path.components)
  }
}

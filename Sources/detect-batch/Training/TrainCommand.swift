import ArgumentParser
import DetectionPipeline
import FrameDecoding
import NeuralNetwork
import RetinaNetModel
import SystemPackage
import Training
import Workers

/// Makes a model from labelled pictures.
struct TrainCommand: ToolCommand {
  static let configuration = CommandConfiguration(
    commandName: "train",
    abstract: "Trains a detector on labelled pictures, on CPUs.",
    usage: """
      detect-batch train <data> --output <folder> [<options>]
      detect-batch train --resume <folder>
      detect-batch train --restart-from <folder> --output <folder> [<options>]
      """,
    discussion: """
      <data> is a folder in Pascal VOC's form (Annotations, JPEGImages, ImageSets), a JSON file in COCO's, or a data.yaml in Ultralytics'. The \
      folder gets model.safetensors (the best evaluation's), last.safetensors, metrics.jsonl, curves.svg, \
      predictions.svg, and a state to go on from.

        detect-batch train bccd/ --split trainval --validation test --pipeline train-small -o run
        detect-batch train --resume run
        detect-batch pictures/ --model run/model.safetensors

      A run that is stopped (Ctrl-C, or a crash) goes on with --resume and ends with the same weights. One that went \
      wrong is begun anew from its last state, with what has to be different:

        detect-batch train --restart-from run -o run2 --learning-rate 0.002 --clip-norm 10

      Weights follow from the options, the seed, the pictures and the instruction set, not from the number of workers. \
      A class head for other classes than those of --start begins anew. Batch norms that are trained take the \
      statistics of the pictures that run together on a thread (--images-per-call).

      Boxes without area or outside their picture are skipped with a warning, those that reach outside are cut; crowds \
      and difficult objects are not trained on. A picture that cannot be decoded is left out with a warning; a missing \
      one, a label that is not in --classes, or a picture of another size than its annotations say ends the training \
      with an error that names it. So do numbers that cease to be finite: the last state, whose numbers all are, stays \
      to be restarted from.
      """)

  @Argument(
    help: "A folder in Pascal VOC's form, a JSON file in COCO's, or a data.yaml in Ultralytics'.",
    completion: .file())
  var data: String?

  @Option(
    name: [.short, .long],
    help: ArgumentHelp(
      "The folder of this training; made if it is not there.", valueName: "folder"),
    completion: .directory, transform: OptionValue.directory)
  var output: String?

  @Option(
    help: ArgumentHelp(
      "Go on with the training in this folder, with the options it was begun with.",
      valueName: "folder"), completion: .directory)
  var resume: String?

  @Option(
    help: ArgumentHelp(
      "Begin a new training with the weights of this one's last state: data and options are as there but for what is "
        + "said otherwise.", valueName: "folder"))
  var restartFrom: String?

  @Option(
    help: ArgumentHelp(
      "Take options from this file: a path, or the name of one of the pipelines that come along. "
        + "What is typed wins.", valueName: "pipeline"), completion: .file(extensions: ["yaml"]))
  var pipeline: String?

  @OptionGroup(title: "Data") var dataOptions: TrainDataOptions
  @OptionGroup(title: "Network") var network: TrainNetworkOptions
  @OptionGroup(title: "Steps") var steps: TrainStepOptions
  @OptionGroup(title: "Loss") var loss: TrainLossOptions
  @OptionGroup(title: "Pictures") var pictures: TrainPictureOptions
  @OptionGroup(title: "How it runs") var run: TrainRunOptions
  @OptionGroup(title: "What is said") var report: ReportOptions

  /// What the groups say.
  var options: TrainOptions {
    TrainOptions(
      data: dataOptions, network: network, steps: steps, loss: loss, pictures: pictures, run: run,
      report: report)
  }

  func validate() throws {
    guard (output == nil) != (resume == nil) else {
      throw ValidationError("either --output or --resume is needed")
    }
    guard resume != nil || restartFrom != nil || data != nil else {
      throw ValidationError("<data> is needed")
    }
    guard restartFrom == nil || (resume == nil && options.network.start == nil) else {
      throw ValidationError(
        "--restart-from begins a new training with that one's weights: neither --resume nor --start go with it"
      )
    }
    guard resume != nil else { return }
    guard data == nil && pipeline == nil else {
      throw ValidationError("--resume takes data and pipeline from its folder")
    }
    let fixed = try options.namesFixedByResuming()
    guard fixed.isEmpty else {
      throw ValidationError(
        "--resume goes on with the options that its training was begun with, so "
          + fixed.map { "--\($0)" }.joined(separator: ", ")
          + " cannot be given: --restart-from begins a new training from its state, with other options"
      )
    }
  }

  func execute() throws -> ExitStatus {
    if let resume { return try TrainingSession.resume(ArgumentBytes.path(resume), options) }
    guard let output else { throw CleanExit.helpRequest(self) }
    return try TrainingSession.begin(
      TrainingFolder(ArgumentBytes.path(output)), pipeline: pipeline,
      restartFrom: restartFrom.map(ArgumentBytes.path), options)
  }
}

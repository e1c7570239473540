import ArgumentParser
import NeuralNetwork
import RetinaNetModel
import Training

/// All choices of a training but where it is: the groups of `TrainCommand`, as one value.
///
/// Not a group of groups: in debug builds ArgumentParser builds what a group holds four times over, at each level and each
/// start.
struct TrainOptions {
  var data: TrainDataOptions
  var network: TrainNetworkOptions
  var steps: TrainStepOptions
  var loss: TrainLossOptions
  var pictures: TrainPictureOptions
  var run: TrainRunOptions
  var report: ReportOptions

  /// Takes from a pipeline file what was not typed.
  mutating func fill(from file: PipelineFile) throws {
    try fillChoices(from: file)
    try report.fill(from: file)
    try file.finish()
  }

  /// Takes from anywhere what was not typed, but for what is said.
  mutating func fillChoices(from source: some OptionSource) throws {
    try data.fill(from: source)
    try network.fill(from: source)
    try steps.fill(from: source)
    try loss.fill(from: source)
    try pictures.fill(from: source)
    try run.fill(from: source)
  }

  /// Of the typed options those that a training which goes on cannot change, by their long names.
  func namesFixedByResuming() throws -> [String] {
    let chosen = ChosenOptions()
    var options = self
    try options.fillChoices(from: chosen)
    // How many threads there are may differ from time to time, and where pictures are decoded.
    return chosen.names.filter { !["workers", "decoders", "isolation"].contains($0) }
  }
}

/// What is learnt, and what it is measured on.
struct TrainDataOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Pascal VOC, data.yaml: the list to train on. (default: train; of a folder without lists everything)",
      valueName: "name"))
  var split: String?

  @Option(
    help: ArgumentHelp(
      "What to measure on: of Pascal VOC or a data.yaml a list's name, of COCO a JSON file. (default: nothing)",
      valueName: "name"), completion: .file())
  var validation: String?

  @Option(
    help: ArgumentHelp(
      "COCO: the folder of the pictures. (default: that of the JSON file)", valueName: "folder"),
    completion: .directory)
  var images: String?

  @Option(
    help: ArgumentHelp(
      "COCO: the folder of the validation's pictures. (default: as --images)", valueName: "folder"),
    completion: .directory)
  var validationImages: String?

  @Option(
    help: ArgumentHelp(
      "Learn these labels, in this order. (default: all that are annotated)", valueName: "label,…"),
    transform: OptionValue.labels)
  var classes: [[String]] = []

  mutating func fill(from file: some OptionSource) throws {
    try file.fill(&split, "split", OptionValue.text)
    try file.fill(&validation, "validation", OptionValue.text)
    try file.fill(&images, "images", OptionValue.text)
    try file.fill(&validationImages, "validation-images", OptionValue.text)
    try file.fill(&classes, "classes", OptionValue.labels)
  }
}

/// What the network is, and what it starts from.
struct TrainNetworkOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Start from this model, checkpoint of a detector, or residual network of torchvision, Detectron or Detectron2. "
        + "(default: random weights)", valueName: "file"),
    completion: .file(extensions: ["safetensors", "pth"]))
  var start: String?

  @Option(
    help: ArgumentHelp(
      "resnet18, 34, 50, 101 or 152. (default: that of --start, else resnet18)", valueName: "name"),
    transform: OptionValue.choice)
  var backbone: ModelDescription.Architecture.Backbone?

  @Option(
    help: ArgumentHelp("Channels of the stem. (default: that of --start, else 64)", valueName: "n"),
    transform: TrainOptionValue.channels)
  var baseWidth: Int?

  @Option(
    help: ArgumentHelp(
      "Channels of the pyramid and the heads. (default: that of --start, else 256)",
      valueName: "n"),
    transform: TrainOptionValue.channels)
  var pyramidChannels: Int?

  @Option(
    help: ArgumentHelp(
      "Convolutions of a head before its last. (default: that of --start, else 4)",
      valueName: "n"),
    transform: TrainOptionValue.depth)
  var headDepth: Int?

  @Option(
    help: ArgumentHelp(
      "Normalisation in the heads: none or groupNorm. (default: that of --start, else none)",
      valueName: "kind"),
    transform: OptionValue.choice)
  var headNorm: ModelDescription.Architecture.HeadNorm?

  @Option(
    help: ArgumentHelp(
      "Anchor sizes of the finest level; each further level's are twice as large. "
        + "(default: those of --start, else 32,40,50)", valueName: "px,…"),
    transform: TrainOptionValue.anchorSizes)
  var anchorSizes: [Int]?

  @Option(
    help: ArgumentHelp(
      "Heights of anchors over their widths. (default: those of --start, else 0.5,1,2)",
      valueName: "x,…"),
    transform: TrainOptionValue.ratios)
  var anchorRatios: [Double]?

  mutating func fill(from file: some OptionSource) throws {
    try file.fill(&start, "start", OptionValue.text)
    try file.fill(&backbone, "backbone", OptionValue.choice)
    try file.fill(&baseWidth, "base-width", TrainOptionValue.channels)
    try file.fill(&pyramidChannels, "pyramid-channels", TrainOptionValue.channels)
    try file.fill(&headDepth, "head-depth", TrainOptionValue.depth)
    try file.fill(&headNorm, "head-norm", OptionValue.choice)
    try file.fill(&anchorSizes, "anchor-sizes", TrainOptionValue.anchorSizes)
    try file.fill(&anchorRatios, "anchor-ratios", TrainOptionValue.ratios)
  }
}

/// How weights are changed.
struct TrainStepOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp("Times that all pictures are seen. (default: 50)", valueName: "x"),
    transform: OptionValue.rate)
  var epochs: Double?

  @Option(
    help: ArgumentHelp("Images of a batch. (default: 8)", valueName: "n"),
    transform: OptionValue.positiveCount)
  var batchSize: Int?

  @Option(
    help: ArgumentHelp("Batches of a step. (default: 1)", valueName: "n"),
    transform: OptionValue.positiveCount)
  var accumulate: Int?

  @Option(
    help: ArgumentHelp(
      "sgd or adamw. (default: sgd)", valueName: "name"),
    completion: .list(TrainOptimizer.allCases.map(\.rawValue)), transform: OptionValue.choice)
  var optimizer: TrainOptimizer?

  @Option(
    help: ArgumentHelp(
      "(default: 0.01 for 16 images a step with sgd, less for fewer; 0.0001 with adamw)",
      valueName: "x"), transform: OptionValue.rate)
  var learningRate: Double?

  @Option(
    help: ArgumentHelp("Of sgd. (default: 0.9)", valueName: "x"), transform: OptionValue.fraction)
  var momentum: Double?

  @Option(
    help: ArgumentHelp("(default: 0.0001 with sgd, 0.05 with adamw)", valueName: "x"),
    transform: OptionValue.fraction)
  var weightDecay: Double?

  @Option(
    help: ArgumentHelp("Of norms. (default: as --weight-decay)", valueName: "x"),
    transform: OptionValue.fraction)
  var normWeightDecay: Double?

  @Option(
    help: ArgumentHelp("steps or cosine. (default: steps)", valueName: "shape"),
    completion: .list(TrainSchedule.allCases.map(\.rawValue)),
    transform: OptionValue.choice)
  var schedule: TrainSchedule?

  @Option(
    help: ArgumentHelp(
      "Epochs at which the rate falls to a tenth. (default: 2/3 and 8/9 of all)",
      valueName: "x,…"), transform: TrainOptionValue.epochs)
  var rateSteps: [Double]?

  @Option(
    help: ArgumentHelp(
      "Steps of the linear warm-up. (default: 500, or a tenth of all if that is less)",
      valueName: "n"), transform: OptionValue.count)
  var warmUp: Int?

  @Option(
    help: ArgumentHelp("Longest gradient; a longer one is cut. (default: any)", valueName: "x"),
    transform: OptionValue.rate)
  var clipNorm: Double?

  @Option(
    help: ArgumentHelp(
      "Decay of the moving average of the weights, which is what is kept; 0: none. (default: 0)",
      valueName: "x"), transform: OptionValue.fraction)
  var averageDecay: Double?

  @Option(
    help: ArgumentHelp(
      "Stages of the backbone that are not trained, from the bottom. "
        + "(default: 2 with --start, else 0)", valueName: "0…5"),
    transform: TrainOptionValue.stages)
  var frozenStages: Int?

  @Option(
    help: ArgumentHelp(
      "The backbone's batch norms: frozen or trained. (default: frozen with --start, else trained)",
      valueName: "kind"), transform: OptionValue.choice)
  var batchNorm: TrainedParameters.BatchNorm?

  mutating func fill(from file: some OptionSource) throws {
    try file.fill(&epochs, "epochs", OptionValue.rate)
    try file.fill(&batchSize, "batch-size", OptionValue.positiveCount)
    try file.fill(&accumulate, "accumulate", OptionValue.positiveCount)
    try file.fill(&optimizer, "optimizer", OptionValue.choice)
    try file.fill(&learningRate, "learning-rate", OptionValue.rate)
    try file.fill(&momentum, "momentum", OptionValue.fraction)
    try file.fill(&weightDecay, "weight-decay", OptionValue.fraction)
    try file.fill(&normWeightDecay, "norm-weight-decay", OptionValue.fraction)
    try file.fill(&schedule, "schedule", OptionValue.choice)
    try file.fill(&rateSteps, "rate-steps", TrainOptionValue.epochs)
    try file.fill(&warmUp, "warm-up", OptionValue.count)
    try file.fill(&clipNorm, "clip-norm", OptionValue.rate)
    try file.fill(&averageDecay, "average-decay", OptionValue.fraction)
    try file.fill(&frozenStages, "frozen-stages", TrainOptionValue.stages)
    try file.fill(&batchNorm, "batch-norm", OptionValue.choice)
  }
}

/// The word for a rule of `Optimizer`.
enum TrainOptimizer: String, CaseIterable {
  case sgd, adamw
}

/// The word for a shape of `LearningRateSchedule`.
enum TrainSchedule: String, CaseIterable {
  case steps, cosine
}

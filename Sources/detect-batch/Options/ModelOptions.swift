import ArgumentParser
import RetinaNetModel

/// With what to look, and what counts as found.
struct ModelOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Model file, by path or by name (`detect-batch models` lists them). Checkpoints that `import` understands "
        + "without a configuration work as they are. (default: codes)", valueName: "model"),
    completion: .file(extensions: ["safetensors", "pth", "pkl", "ckpt"]))
  var model: String?

  @Option(
    help: ArgumentHelp(
      "Report what scores above this. (default: the model's)", valueName: "score"),
    transform: OptionValue.score)
  var scoreThreshold: Float?

  @Option(
    help: ArgumentHelp(
      "The threshold of one label, over all others. Repeatable.", valueName: "label=score"),
    transform: OptionValue.classThreshold)
  var classThreshold: [ClassThreshold] = []

  @Option(
    help: ArgumentHelp(
      "Look for these labels only. (default: all of the model's)", valueName: "label,…"),
    transform: OptionValue.labels)
  var classes: [[String]] = []

  @Option(
    help: ArgumentHelp(
      "Of two boxes of a class that overlap by more than this IoU, the lesser goes. (default: the "
        + "model's)", valueName: "iou"),
    transform: OptionValue.fraction)
  var nmsThreshold: Double?

  @Flag(
    name: .customLong("class-agnostic-nms"), inversion: .prefixedNo,
    help: "Boxes of different classes suppress each other too. (default: the model's)")
  var classAgnosticNMS: Bool?

  @Option(
    help: ArgumentHelp(
      "At most so many detections a frame. (default: the model's)", valueName: "n"),
    transform: OptionValue.positiveCount)
  var maxDetections: Int?

  @Option(
    help: ArgumentHelp(
      "So many candidates of each pyramid level go on to suppression. (default: the model's)",
      valueName: "n"),
    transform: OptionValue.positiveCount)
  var candidatesPerLevel: Int?

  @Option(
    help: ArgumentHelp(
      "What the network computes in: float32; bf16, for CPUs with AVX512_BF16 or AMX; int8, for models that "
        + "`quantize` has calibrated. Detections differ a little. (default: int8 for such models, else float32)",
      valueName: "float32|bf16|int8"),
    completion: .list(DetectionPrecision.allCases.map(\.rawValue)), transform: OptionValue.choice)
  var precision: DetectionPrecision?

  mutating func fill(from file: PipelineFile) throws {
    try file.fill(&model, "model", OptionValue.text)
    try file.fill(&scoreThreshold, "score-threshold", OptionValue.score)
    try file.fillThresholds(&classThreshold, "class-threshold")
    try file.fill(&classes, "classes", OptionValue.labels)
    try file.fill(&nmsThreshold, "nms-threshold", OptionValue.fraction)
    try file.fill(&classAgnosticNMS, "class-agnostic-nms")
    try file.fill(&maxDetections, "max-detections", OptionValue.positiveCount)
    try file.fill(&candidatesPerLevel, "candidates-per-level", OptionValue.positiveCount)
    try file.fill(&precision, "precision", OptionValue.choice)
  }
}

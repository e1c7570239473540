import ArgumentParser
import Datasets
import DetectionPipeline
import Evaluation
import FrameDecoding
import RetinaNetModel
import SystemPackage
import Workers

/// A model file whose network computes in eight bits.
struct QuantizeCommand: ToolCommand {
  static let configuration = CommandConfiguration(
    commandName: "quantize",
    abstract: "Makes a model compute in 8 bits, calibrated on pictures of yours.",
    discussion: """
      On CPUs with VNNI a network runs 1.5 to 3 times as fast in 8 bits as in float32, and finds nearly the same. How numbers \
      are best rounded is found out from pictures like those that are to be looked at later: a few hundred, or frames of \
      videos. They need no annotations.

        detect-batch quantize codes --images photos/ clips/
        detect-batch photos/ --model codes-int8.safetensors

      Where there are more pictures than --pictures says, or videos, those are taken that are evenly spread; the same \
      pictures give the same file. Then the model is compared with itself in float32: by average precision, where there \
      are annotations, whose pictures are not calibrated on; else by what both find in one of six pictures, which are left \
      out for that.

        detect-batch quantize run/model.safetensors --images bccd/ --annotations bccd/ --split test
      """)

  @Argument(
    help: "The model, by path or by name.",
    completion: .file(extensions: ["safetensors", "pth", "pkl", "ckpt"]))
  var model: String

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp(
      "Directories of pictures and videos, files, or patterns: what to calibrate on.",
      valueName: "path"), completion: .file())
  var images: [String]

  @Option(
    name: [.short, .long],
    help: ArgumentHelp(
      "The model file to write. (default: the model's name with -int8, in the working directory)",
      valueName: "model.safetensors"),
    completion: .file(extensions: ["safetensors"]), transform: OptionValue.outputFile)
  var output: String?

  @Option(
    help: ArgumentHelp("Calibrate on so many. (default: 300)", valueName: "n"),
    transform: OptionValue.positiveCount)
  var pictures: Int?

  @Option(
    help: ArgumentHelp(
      "Measure average precision on these pictures, which lie below a directory of --images, in both precisions: a file in COCO's form, "
        + "a folder in Pascal VOC's, or a data.yaml in Ultralytics'.",
      valueName: "file.json|folder|data.yaml"), completion: .file())
  var annotations: String?

  @Option(
    help: ArgumentHelp(
      "With --annotations: this list of a folder in Pascal VOC's form (default: all annotations) or of a data.yaml (default: val).",
      valueName: "name"))
  var split: String?

  @Option(
    help: ArgumentHelp(
      "Calibrate in so many threads. (default: as many as there are cores to use)",
      valueName: "n"),
    transform: OptionValue.positiveCount)
  var workers: Int?

  @OptionGroup(title: "Messages") var report: ReportOptions

  func validate() throws {
    guard !images.isEmpty else { throw ValidationError("--images: name pictures or videos") }
    guard split == nil || annotations != nil else {
      throw ValidationError("--split goes with --annotations")
    }
  }

  func execute() throws -> ExitStatus {
    Log.configure(report)
    let model = try DetectionModel(contentsOf: Places().find(.model, model))
    for remark in model.remarks { Log.logger.notice("\(remark)") }
    let output = ArgumentBytes.path(self.output ?? Self.defaultOutput(of: model.path))
    try TextFile.requirePlace(output)
    let annotated = try annotations.map {
      try AnnotatedPictures($0, split: split, folders: images.map(ArgumentBytes.path))
    }
    let session = QuantizationSession(
      model: model, annotated: annotated, workers: workers ?? Machine().availableCores,
      showsProgress: Console.standardError.isTerminal && !report.quiet)
    let sample = try session.sample(images.map(ArgumentBytes.path), count: pictures ?? 300)
    let quantized = try session.calibrate(on: sample)
    try SignalHandling.finishing { try quantized.write(to: output) }
    if let status = SignalHandling.received { return status }
    for line in QuantizationText.layers(quantized) { Log.logger.debug("\(line)") }
    Log.logger.info("\(output): \(QuantizationText.summary(quantized))")
    try session.compare(DetectionModel(contentsOf: output), on: sample)
    return .done
  }

  private static func defaultOutput(of model: FilePath) -> String {
    "\(model.stem ?? "model")-int8.safetensors"
  }
}

import ArgumentParser
import Checkpoints
import DetectionPipeline
import RetinaNetModel
import SystemPackage

/// A model file from a checkpoint.
struct ImportCommand: ToolCommand {
  static let configuration = CommandConfiguration(
    commandName: "import",
    abstract: "Makes a self-describing model file of a checkpoint.",
    discussion: """
      Reads PyTorch's .pth, .ckpt and .pl (a state dict, or a training checkpoint with one under model, state_dict or \
      model_state_dict; a moving average beside it goes first), Detectron2's .pkl, and safetensors, also in shards by \
      their index. What weights do not hold (classes, anchors, sizes, thresholds) follows from whose network it is, \
      which the tensors' names say: torchvision, Detectron2 (its own defaults, unless config.yaml, as a training writes \
      it, is beside the checkpoint), MMDetection (classes and style from a training's own file), DeepForest \
      (config.json beside model.safetensors, or what Lightning wrote down), MLPerf. Where it does not follow, the error lists what a configuration has to say; `conventions: {preset: NAME}` in it chooses whose \
      rules hold. import-example.yaml, beside the models that come along, is an example.

      Nothing of a checkpoint is run. A pickled module or a TorchScript file is no checkpoint: save its state dict.
      """)

  /// How weights are stored.
  enum Storage: String, CaseIterable {
    case float32, float16, bfloat16

    fileprivate var inFile: SafetensorsFile.Storage {
      switch self {
      case .float32: .float32
      case .float16: .float16
      case .bfloat16: .bfloat16
      }
    }
  }

  @Argument(help: "The checkpoint.", completion: .file())
  var checkpoint: String

  @Option(
    help: ArgumentHelp(
      "What the weights do not say, as YAML or JSON.", valueName: "file.yaml"),
    completion: .file(extensions: ["yaml", "json"]))
  var config: String?

  @Option(
    name: [.short, .long],
    help: ArgumentHelp("The model file to write.", valueName: "model.safetensors"),
    completion: .file(extensions: ["safetensors"]), transform: OptionValue.outputFile)
  var output: String

  @Option(
    help: ArgumentHelp(
      "How the convolutions' weights are stored: 16 bits halve the file and round the weights. "
        + "(default: float32)", valueName: "float32|float16|bfloat16"),
    completion: .list(Storage.allCases.map(\.rawValue)),
    transform: OptionValue.choice)
  var storage: Storage?

  func execute() throws -> ExitStatus {
    let path = ArgumentBytes.path(checkpoint)
    let configuration = try config.map { name throws in
      let file = ArgumentBytes.path(name)
      return ModelConfiguration(text: try TextFile.read(file), file: file.string)
    }
    let model = try DetectionModel(contentsOf: path, configuration: configuration)
    for remark in model.remarks { Log.logger.notice("\(remark)") }
    let output = ArgumentBytes.path(output)
    try SignalHandling.finishing {
      try model.write(to: output, storage: (storage ?? .float32).inFile)
    }
    if let status = SignalHandling.received { return status }
    Log.logger.info(
      "\(output): \(model.description.summary), from \(path) (\(model.format.rawValue))")
    return .done
  }
}

import ArgumentParser
import NeuralNetwork
import RetinaNetModel
import SystemPackage

/// Which network a command looks at.
struct ModelOptions: ParsableArguments {
  @Option(help: "A model file or checkpoint.")
  var model: String?

  @Option(help: "YAML or JSON that says what the checkpoint's weights do not.")
  var config: String?

  @Option(
    help: "A network with weights from a formula: v1-resnet50, v2-resnet50, v1-resnet18 and so on.")
  var variant: String?

  @Option(help: "Classes of a --variant.")
  var classes = 91

  @Option(help: "float32, bf16 or int8; a model that is not calibrated is so with one input.")
  var precision = DetectionPrecision.float32

  @Option(help: "winograd or direct.")
  var algorithm = ConvolutionAlgorithm.winograd

  func validate() throws {
    guard (model == nil) != (variant == nil) else {
      throw ValidationError("one of --model and --variant is needed")
    }
  }

  struct Source {
    var description: ModelDescription
    var values: WeightStore.Loader
  }

  func open() throws -> Source {
    if let model {
      let configuration = try config.map { try ModelConfiguration(contentsOf: FilePath($0)) }
      let opened = try DetectionModel(
        contentsOf: FilePath(model), configuration: configuration)
      return Source(description: opened.description, values: opened.values)
    }
    let description = try variantDescription()
    let shapes = description.weightShapes
    return Source(description: description) { name in
      guard let shape = shapes[name] else { preconditionFailure("no tensor '\(name)'") }
      return Formula.parameter(name, shape: shape)
    }
  }

  private func variantDescription() throws -> ModelDescription {
    let parts = (variant ?? "").split(separator: "-").map(String.init)
    guard parts.count == 2, ["v1", "v2"].contains(parts[0]),
      let backbone = ModelDescription.Architecture.Backbone(rawValue: parts[1])
    else {
      throw ValidationError(
        "no variant '\(variant ?? "")': v1 or v2, a dash, resnet18 to resnet152")
    }
    let isSecond = parts[0] == "v2"
    return ModelDescription(
      architecture: .init(
        backbone: backbone, headNorm: isSecond ? .groupNorm : .none),
      classes: (0..<classes).map { "class_\($0)" },
      conventions: .init(network: .init(p6Source: isSecond ? .c5 : .p5)), preprocessing: .init(),
      anchors: .init(), postprocessing: .init())
  }
}

extension DetectionPrecision: ExpressibleByArgument {}

extension ConvolutionAlgorithm: ExpressibleByArgument {
  /// "winograd" or "direct".
  public init?(argument: String) {
    switch argument {
    case "winograd": self = .winograd
    case "direct": self = .direct
    default: return nil
    }
  }
}

/// Columns and rows, written "1216x800".
struct Size: ExpressibleByArgument {
  var width: Int
  var height: Int

  init(width: Int, height: Int) {
    self.width = width
    self.height = height
  }

  init?(argument: String) {
    let sides = argument.split(separator: "x").compactMap { Int($0) }
    guard sides.count == 2, sides[0] > 0, sides[1] > 0 else { return nil }
    self.init(width: sides[0], height: sides[1])
  }
}

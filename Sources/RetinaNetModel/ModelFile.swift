import Checkpoints
import SystemPackage

/// The model file: safetensors with torchvision's tensor names, whose metadata says what the weights do not.
///
/// Metadata `formatVersion` is "1"; metadata `detect-batch.model` is JSON of this form (the same that `import
/// --config` reads as YAML or JSON, and that `inspect` prints). Sizes are in pixels, colours red, green, blue in
/// 0...1:
///
///     {
///       "formatVersion": 1,
///       "architecture": {
///         "backbone": "resnet50",          resnet18, resnet34, resnet50, resnet101, resnet152
///         "baseWidth": 64,                 channels of the stem
///         "groups": 32,                    of a ResNeXt's 3x3 convolutions; left out: 1
///         "groupWidth": 4,                 channels of a group in the first stage; left out: baseWidth
///         "strideIn1x1": true,             stride in the bottleneck's first convolution; left out: in its 3x3
///         "normEpsilon": 1e-05,            of the batch norms
///         "pyramidChannels": 256,          of the pyramid and the heads
///         "p6Source": "p5",                p5 (torchvision v1) or c5 (v2, the paper)
///         "headDepth": 4,                  3x3 convolutions before each head's last
///         "headNorm": "none"               none or groupNorm (32 groups)
///       },
///       "classes": ["qr_code", null],      by column of the class head; null: a column without a class
///       "preprocessing": {
///         "minSize": 800,                  target of the shorter side
///         "maxSize": 1333,                 bound of the longer side
///         "mean": [0.485, 0.456, 0.406],
///         "standardDeviation": [0.229, 0.224, 0.225]
///       },
///       "anchors": {
///         "sizes": [[32, 40, 50], ...],    side lengths for each of P3...P7
///         "aspectRatios": [0.5, 1.0, 2.0]  height / width
///       },
///       "postprocessing": {
///         "scoreThreshold": 0.05,          detections score above it
///         "classThresholds": {"qr_code": 0.4},
///         "candidatesPerLevel": 1000,
///         "nmsThreshold": 0.5,
///         "classAgnosticNMS": true,        boxes of different classes suppress each other; false where it is not there
///         "detectionsPerImage": 300
///       }
///     }
///
/// A configuration may leave out `formatVersion`, what the weights say (all of `architecture` but `normEpsilon`),
/// and what has a default: `mean`, `standardDeviation` and `postprocessing` (torchvision's values, as above, and
/// no class thresholds, suppression by class). What it says has to agree with the weights.
public enum ModelFile {
  /// The version that is written, and read.
  public static let formatVersion = 1
  static let versionKey = "formatVersion"
  static let descriptionKey = "detect-batch.model"

  /// Writes a model file. The same description and numbers give the same bytes.
  ///
  /// - Parameters:
  ///   - description: what the weights do not say.
  ///   - path: replaced if it exists, in one step.
  ///   - storage: of the convolutions' weights; biases and norms, a hundredth of the bytes, stay F32.
  ///   - values: gives a tensor's numbers by its name in the network, in PyTorch's order.
  /// - Throws: `CheckpointError`, or what `values` throws.
  public static func write(
    _ description: ModelDescription, to path: FilePath,
    storage: SafetensorsFile.Storage = .float32, values: @escaping (String) throws -> [Float]
  ) throws {
    let tensors = description.makeNetwork().parameters.map { parameter in
      SafetensorsFile.Tensor(
        name: parameter.name, shape: parameter.shape,
        storage: parameter.shape.count == 1 ? .float32 : storage
      ) { try values(parameter.name) }
    }
    let metadata = [versionKey: "\(formatVersion)", descriptionKey: description.json]
    try SafetensorsFile.write(tensors, metadata: metadata, to: path)
  }
}

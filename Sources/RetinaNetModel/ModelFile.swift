import Checkpoints
import SystemPackage

/// The model file: safetensors with torchvision's tensor names, whose metadata says what the weights do not.
///
/// Metadata `formatVersion` is "1"; metadata `detect-batch.model` is JSON of this form (the same that `import
/// --config` reads as YAML or JSON, and that `inspect` prints). Sizes are in pixels:
///
///     {
///       "formatVersion": 1,
///       "architecture": {
///         "backbone": "resnet50",          resnet18, resnet34, resnet50, resnet101, resnet152
///         "baseWidth": 64,                 channels of the stem
///         "groups": 32,                    of a ResNeXt's 3x3 convolutions; left out: 1
///         "groupWidth": 4,                 channels of a group in the first stage; left out: baseWidth
///         "strideIn1x1": true,             stride in the bottleneck's first convolution, not its 3x3; left out: the preset's
///         "normEpsilon": 1e-05,            of the batch norms
///         "pyramidChannels": 256,          of the pyramid and the heads
///         "p6Source": "p5",                p5 (torchvision v1) or c5 (the paper, and the others)
///         "headDepth": 4,                  3x3 convolutions before each head's last
///         "headNorm": "none"               none or groupNorm (32 groups)
///       },
///       "classes": ["qr_code", null],      by column of the class head; null: a column without a class
///       "conventions": {                   whose rules hold; left out: torchvision's
///         "preset": "mmdetection",         torchvision, torchvision-v2, detectron2, mmdetection, mmdetection-caffe,
///                                          deepforest, mlperf: the rest of this map is what differs from it
///         "network": {"reluBeforeP7": false},
///         "input": {
///           "resize": "round",             truncate (torchvision), round (MMDetection), roundInSteps (Detectron2),
///                                          stretch (to minSize x minSize)
///           "resampling": "opencv",        float (normalise, then resize), pillow or opencv (resize bytes, then normalise)
///           "channelOrder": "rgb",         of the network's input: rgb or bgr
///           "scale": "byte",               what mean and standardDeviation count in: unit (0...1) or byte (0...255)
///           "paddingMultiple": 32
///         },
///         "anchors": {
///           "centre": 0.0,                 in the cell: 0 its corner, 0.5 its middle
///           "corners": "exact",            rounded (to whole pixels) or exact
///           "order": "ratioMajor",         of a cell's anchors: ratioMajor or sizeMajor
///           "strides": "powersOfTwo"       fromGrid (padded side / cells) or powersOfTwo (8 to 128)
///         },
///         "boxes": {"weights": [1.0, 1.0, 1.0, 1.0], "logRatioLimit": 4.1351666, "limitsBothWays": true},
///         "detections": {
///           "clipping": "beforeSuppression",   or atEnd
///           "suppressionFrame": "picture",     or input
///           "classSeparation": "moved",        movedUpTo1000, moved, byClass
///           "emptyBoxes": "dropBeforeSuppression",   keep, dropBeforeSuppression, dropAtEnd
///           "suppressesAcrossClassesAtEnd": false
///         }
///       },
///       "preprocessing": {
///         "minSize": 800,                  target of the shorter side
///         "maxSize": 1333,                 bound of the longer side
///         "mean": [0.485, 0.456, 0.406],   of red, green, blue, on the scale of conventions.input.scale
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
///       },
///       "quantization": {                  how the network computes in 8 bits; only where it was calibrated
///         "values": {"backbone.body.conv1": [0.0, 2.7], ...},   what 8 bits can say, by value (`quantizableValueNames`)
///         "convolutions": {"head.classification_head.conv.0.0#2": "direct", ...},   or a list of 16 or 36 numbers: the
///                                          largest of each point in the Winograd domain; float32 where not listed
///         "correctedBiases": ["..."],      convolutions for which the file has a tensor `<name>.bias_correction`
///         "pictures": 300,                 that it was calibrated on
///         "picturesDigest": "..."          SHA-256 of what they were, 64 hexadecimal digits
///       }
///     }
///
/// What each rule means is said at `Conventions`. Epsilon, stride in the 1x1, source of P6, mean and standard deviation
/// are conventions too, and stand where files had them before there were any others.
///
/// A configuration may leave out `formatVersion`, what the weights say (all of `architecture` but `normEpsilon` and
/// `strideIn1x1`), and what has a default: `mean`, `standardDeviation` and `postprocessing` (torchvision's values, as
/// above, and no class thresholds, suppression by class). One that names a preset need say nothing but `classes`: the
/// preset has sizes, anchors, thresholds and the rest. What it says has to agree with the weights.
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
    let tensors = description.parameters.map { parameter in
      SafetensorsFile.Tensor(
        name: parameter.name, shape: parameter.shape,
        storage: parameter.shape.count == 1 ? .float32 : storage
      ) { try values(parameter.name) }
    }
    let metadata = [versionKey: "\(formatVersion)", descriptionKey: description.json]
    try SafetensorsFile.write(tensors, metadata: metadata, to: path)
  }
}

import ArgumentParser
import BoxGeometry
import Checkpoints
import NeuralNetwork
import RetinaNetModel
import SystemPackage

/// Writes what the network makes of a picture, and the detections, for a script to compare with torchvision's.
struct HeadsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "heads",
    abstract: "Writes the raw head outputs and the detections of one picture.",
    discussion: """
      The file holds input [1, 3, height, width] (padded), cls_logits [1, anchors, classes], bbox_regression [1, anchors, 4] (flattened as torchvision \
      flattens: level, row, column, anchor), boxes [n, 4] (corners), scores, labels and anchors [n], and in its \
      metadata `resized`, "HxW" before padding.
      """)

  @OptionGroup var network: ModelOptions
  @OptionGroup var decoding: DecodingOptions

  @Argument(help: "A file of width x height x 3 bytes, red first.")
  var picture: String

  func run() throws {
    let source = try network.open()
    let detector = try Detector(
      description: source.description, options: decoding.options, algorithm: network.algorithm,
      values: source.values)
    let (width, height) = (decoding.size.width, decoding.size.height)
    let pixels = try RawPicture.bytes(picture, count: width * height * 3)
    let geometry = detector.geometry(width: width, height: height)
    let worker = try detector.makeWorker()
    let detections = try worker.detect(pixels, width: width, height: height)
    let tensors = try worker.run(pixels.span, geometry) { outputs in
      [
        flattened("cls_logits", outputs.logits, last: source.description.classes.count),
        flattened("bbox_regression", outputs.regressions, last: 4),
      ]
    }
    try decoding.write(
      detections, [input(source.description, pixels, geometry)] + tensors, geometry)
  }

  private func input(
    _ description: ModelDescription, _ pixels: [UInt8], _ geometry: InputGeometry
  ) -> SafetensorsFile.Tensor {
    let (height, width) = (geometry.paddedHeight, geometry.paddedWidth)
    return SafetensorsFile.Tensor(name: "input", shape: [1, 3, height, width]) {
      var values = [Float](repeating: 0, count: 3 * height * width)
      var span = values.mutableSpan
      Preprocessor(description.conventions.input).write(pixels.span, geometry, to: &span)
      return values
    }
  }

  private func flattened(
    _ name: String, _ levels: BlockedImages, last: Int
  ) -> SafetensorsFile.Tensor {
    var values: [Float] = []
    for index in 0..<levels.count {
      let level = levels[index]
      let plain = level.plain()
      let pixels = level.height * level.width
      for pixel in 0..<pixels {
        for channel in 0..<level.channels { values.append(plain[channel * pixels + pixel]) }
      }
    }
    return SafetensorsFile.Tensor(name: name, shape: [1, values.count / last, last]) { values }
  }
}

/// Post-processing alone, on head outputs from elsewhere.
struct DecodeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "decode",
    abstract:
      "Writes the detections that our post-processing finds in head outputs made elsewhere.",
    discussion: "Reads and writes the tensors that `heads` writes.")

  @OptionGroup var network: ModelOptions
  @OptionGroup var decoding: DecodingOptions

  @Argument(help: "A safetensors file with cls_logits and bbox_regression.")
  var heads: String

  func run() throws {
    let description = try network.open().description
    let checkpoint = try Checkpoint(contentsOf: FilePath(heads))
    let geometry = description.inputGeometry(
      height: decoding.size.height, width: decoding.size.width)
    let tensors = try ["cls_logits", "bbox_regression"].map { name in
      guard let tensor = checkpoint.tensors[name] else {
        throw ValidationError("\(heads) has no tensor \(name)")
      }
      return (
        flat: try tensor.floats(), depth: tensor.shape[2] * description.anchors.countPerCell
      )
    }
    let owned = try HeadLevels.makeImages(tensors, geometry)
    let decoder = try OutputDecoder(description, decoding.options)
    let detections = try decoder.detections(HeadOutputs(owned.images), geometry)
    try decoding.write(detections, [], geometry)
  }
}

/// What of the outputs becomes a detection, and where it is written.
struct DecodingOptions: ParsableArguments {
  @Option(help: "The picture's size.")
  var size: Size

  @Option(name: .shortAndLong, help: "The file to write.")
  var output: String

  @Option var scoreThreshold: Float?
  @Option var nmsThreshold: Double?
  @Option var maxDetections: Int?
  @Option var candidatesPerLevel: Int?

  var options: DetectionOptions {
    DetectionOptions(
      scoreThreshold: scoreThreshold, nmsThreshold: nmsThreshold, maxDetections: maxDetections,
      candidatesPerLevel: candidatesPerLevel)
  }

  func write(
    _ detections: [Detection], _ more: [SafetensorsFile.Tensor], _ geometry: InputGeometry
  ) throws {
    func tensor(
      _ name: String, _ width: Int = 1, _ values: @escaping (Detection) -> [Float]
    ) -> SafetensorsFile.Tensor {
      .init(name: name, shape: width == 1 ? [detections.count] : [detections.count, width]) {
        detections.flatMap(values)
      }
    }
    try SafetensorsFile.write(
      more + [
        tensor("boxes", 4) { [$0.box.minX, $0.box.minY, $0.box.maxX, $0.box.maxY] },
        tensor("scores") { [$0.score] },
        tensor("labels") { [Float($0.classIndex)] },
        tensor("anchors") { [Float($0.anchorIndex)] },
      ],
      metadata: ["resized": "\(geometry.resizedHeight)x\(geometry.resizedWidth)"],
      to: FilePath(output))
  }
}

import BoxGeometry
import Checkpoints
import Foundation
import SystemPackage
import Testing

@testable import NeuralNetwork
@testable import RetinaNetModel

/// One of the small networks of other programs that `scripts/make-peer-fixtures.py` made, and what the program makes of
/// a picture of 223x140 pixels.
enum PeerFixture: String, CaseIterable, Sendable {
  case mmdetection = "mmdetection-r18"
  case mmdetectionCaffe = "mmdetection-caffe-r50"
  case detectron2 = "detectron2-r50"
  case deepforest = "deepforest-r50"
  case mlperf = "mlperf-resnext50"

  /// A part of the way from a picture to detections.
  enum Stage: String, Hashable {
    case input, heads, decoding
  }

  static let size = (width: 223, height: 140)

  func makeModel() throws -> DetectionModel {
    func path(_ suffix: String) -> FilePath {
      FilePath(ModelFixture.url("peers/\(rawValue).\(suffix)").path)
    }
    return try DetectionModel(
      contentsOf: path("safetensors"),
      configuration: ModelConfiguration(contentsOf: path("json")))
  }

  /// The stages that give something else than the program, under these conventions.
  ///
  /// - Parameters:
  ///   - model: the fixture's.
  ///   - conventions: the model's or others.
  /// - Returns: nothing where all agree.
  /// - Throws: where a fixture or its network cannot be used.
  func stagesThatDiffer(_ model: DetectionModel, under conventions: Conventions) throws -> Set<
    Stage
  > {
    var description = model.description
    description.conventions = conventions
    let answers = try Answers(self)
    var result: Set<Stage> = []
    if try !answers.haveInput(of: description) { result.insert(.input) }
    // Only what the network depends on is worth running it.
    let isKnown = conventions.network == model.description.conventions.network
    if !isKnown || conventions == model.description.conventions,
      try !answers.haveHeads(of: description, model)
    {
      result.insert(.heads)
    }
    if try !answers.haveDetections(of: description) { result.insert(.decoding) }
    return result
  }
}

/// What a program made of the picture.
private struct Answers {
  let checkpoint: Checkpoint
  let pixels: [UInt8]
  let resized: [Int]
  let isExact: Bool

  init(_ fixture: PeerFixture) throws {
    checkpoint = try ModelFixture.checkpoint("peers/\(fixture.rawValue)-picture.safetensors")
    pixels = try #require(checkpoint.tensors["picture"]).floats().map { UInt8($0) }
    resized = try #require(checkpoint.metadata["resized"]).split(separator: "x").compactMap {
      Int($0)
    }
    isExact = [.mmdetection, .mmdetectionCaffe, .detectron2].contains(fixture)
  }

  private func values(_ name: String) throws -> [Float] {
    try #require(checkpoint.tensors[name]).floats()
  }

  /// The geometry that the program had, over its own padded input.
  private func geometry() throws -> InputGeometry {
    let shape = try #require(checkpoint.tensors["input"]).shape
    var geometry = InputGeometry(
      originalHeight: PeerFixture.size.height, originalWidth: PeerFixture.size.width,
      resizedHeight: resized[0], resizedWidth: resized[1])
    geometry.paddedHeight = shape[2]
    geometry.paddedWidth = shape[3]
    return geometry
  }

  /// (a) To the bit where bytes are resized.
  func haveInput(of description: ModelDescription) throws -> Bool {
    let geometry = description.inputGeometry(
      height: PeerFixture.size.height, width: PeerFixture.size.width)
    guard geometry == (try self.geometry()) else { return false }
    var input = [Float](repeating: .nan, count: 3 * geometry.paddedHeight * geometry.paddedWidth)
    var span = input.mutableSpan
    Preprocessor(description.conventions.input).write(pixels.span, geometry, to: &span)
    let expected = try values("input")
    return isExact
      ? input == expected : zip(input, expected).allSatisfy { abs($0 - $1) <= 5e-5 }
  }

  /// (b) Of the program's own input, within 1e-4 of the deviation.
  func haveHeads(of description: ModelDescription, _ model: DetectionModel) throws -> Bool {
    let geometry = try geometry()
    let plan = try InferencePlan(
      description.makeNetwork(), height: geometry.paddedHeight, width: geometry.paddedWidth,
      store: WeightStore(load: model.values))
    let input = try values("input")
    let outputs = try InferenceWorker().run(plan) { span in
      span.withUnsafeMutableBufferPointer { _ = $0.update(fromContentsOf: input) }
    } readOutputs: { images in
      (0..<images.count).map { images[$0].plain() }
    }
    let expected = try levels()
    return [0..<5, 5..<10].allSatisfy { half in
      let all = half.flatMap { expected[$0].values }
      let mean = all.reduce(0, +) / Float(all.count)
      let deviation = (all.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Float(all.count))
        .squareRoot()
      return half.allSatisfy { index in
        zip(outputs[index], expected[index].values).allSatisfy {
          abs($0 - $1) <= 1e-4 * deviation
        }
      }
    }
  }

  /// (c) Of the program's own head outputs: as many detections, in its order.
  func haveDetections(of description: ModelDescription) throws -> Bool {
    let decoder = try OutputDecoder(description, .init())
    let outputs = try PlainImage.blocked(levels(), block: 16)
    let found = try decoder.detections(HeadOutputs(outputs.images), geometry())
    let (boxes, scores, labels) = (
      try values("boxes"), try values("scores"), try values("labels")
    )
    guard found.count == scores.count else { return false }
    return found.indices.allSatisfy { index in
      let box = Box(
        minX: boxes[index * 4], minY: boxes[index * 4 + 1], maxX: boxes[index * 4 + 2],
        maxY: boxes[index * 4 + 3])
      return found[index].classIndex == Int(labels[index])
        && abs(found[index].score - scores[index]) <= 1e-6
        && distance(found[index].box, box) <= 1e-3
    }
  }

  /// The head outputs by level, logits before regressions.
  private func levels() throws -> [PlainImage] {
    let geometry = try geometry()
    var grids = [8, 16, 32].map { (geometry.paddedHeight / $0, geometry.paddedWidth / $0) }
    for _ in 0..<2 {
      grids.append(((grids[grids.count - 1].0 + 1) / 2, (grids[grids.count - 1].1 + 1) / 2))
    }
    let cells = grids.reduce(0) { $0 + $1.0 * $1.1 }
    return try ["cls_logits", "bbox_regression"].flatMap { name in
      let flat = try values(name)
      let channels = flat.count / cells
      var first = 0
      return grids.map { height, width in
        defer { first += height * width * channels }
        return PlainImage(
          channels: channels, height: height, width: width,
          values: (0..<channels).flatMap { channel in
            (0..<height * width).map { flat[first + $0 * channels + channel] }
          })
      }
    }
  }
}

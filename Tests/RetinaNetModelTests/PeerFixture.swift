import BoxGeometry
import Checkpoints
import Foundation
import SystemPackage
import TestSupport
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
    case sizes, input, heads, decoding
    /// Decoding of made-up outputs of 80 classes.
    case noise
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
    if try !answers.haveSizes(of: description) { result.insert(.sizes) }
    if try !answers.haveInput(of: description) { result.insert(.input) }
    // Only what the network depends on is worth running it.
    let isKnown = conventions.network == model.description.conventions.network
    if !isKnown || conventions == model.description.conventions,
      try !answers.haveHeads(of: description, model)
    {
      result.insert(.heads)
    }
    if try !answers.haveDetections(of: description) { result.insert(.decoding) }
    // Long: for what is seen by then no more is asked.
    if result.isEmpty, try !noise.allSatisfy({ try $0.haveDetections(of: description) }) {
      result.insert(.noise)
    }
    return result
  }

  /// By the seed.
  private var noise: [NoiseAnswers] {
    get throws {
      let prefix = "\(rawValue)-noise-"
      return try FileManager.default.contentsOfDirectory(
        atPath: ModelFixture.url("peers").path
      ).filter { $0.hasPrefix(prefix) }.sorted().map { try NoiseAnswers(file: $0) }
    }
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

  /// Of pictures for which rules differ.
  func haveSizes(of description: ModelDescription) throws -> Bool {
    let sizes = try values("sizes").map { Int($0) }
    return stride(from: 0, to: sizes.count, by: 4).allSatisfy { index in
      let geometry = description.inputGeometry(height: sizes[index + 1], width: sizes[index])
      return [geometry.resizedWidth, geometry.resizedHeight] == [
        sizes[index + 2], sizes[index + 3],
      ]
    }
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
    return try checkpoint.holdsDetections(
      decoder.detections(HeadOutputs(outputs.images), geometry()))
  }

  /// The head outputs by level, logits before regressions.
  private func levels() throws -> [PlainImage] {
    let geometry = try geometry()
    let grids = geometry.grids
    let cells = grids.reduce(0) { $0 + $1.height * $1.width }
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

/// What a program made of outputs that `noise` in `scripts/make-peer-fixtures.py` makes too.
private struct NoiseAnswers {
  private static let classCount = 80

  let checkpoint: Checkpoint
  let seed: UInt64
  let share: Float
  let square: Int
  let shift: Float

  init(file: String) throws {
    checkpoint = try ModelFixture.checkpoint("peers/\(file)")
    seed = try #require(file.split { !$0.isNumber }.last.flatMap { UInt64($0) })
    share = try checkpoint.number("share")
    square = Int(try checkpoint.number("square"))
    shift = try checkpoint.number("shift")
  }

  func haveDetections(of description: ModelDescription) throws -> Bool {
    var description = description
    description.classes = (0..<Self.classCount).map { "\($0)" }
    description.postprocessing.candidatesPerLevel = 1000
    let geometry = description.inputGeometry(
      height: PeerFixture.size.height, width: PeerFixture.size.width)
    let outputs = try PlainImage.blocked(levels(geometry), block: 16)
    return try checkpoint.holdsDetections(
      OutputDecoder(description, .init()).detections(HeadOutputs(outputs.images), geometry))
  }

  private func levels(_ geometry: InputGeometry) -> [PlainImage] {
    var generator = SeededGenerator(seed: seed)
    var (logits, regressions): ([PlainImage], [PlainImage]) = ([], [])
    for (height, width) in geometry.grids {
      var scores = PlainImage(
        channels: 9 * Self.classCount, height: height, width: width,
        values: [Float](repeating: -20, count: 9 * Self.classCount * height * width))
      var deltas = PlainImage(
        channels: 36, height: height, width: width,
        values: [Float](repeating: 0, count: 36 * height * width))
      for cell in 0..<height * width {
        for anchor in 0..<9 {
          let isSquare = anchor == square
          let isChosen = generator.unitFloat() < share || isSquare
          let third = generator.unitFloat() * 3
          if isChosen {
            let channel = (anchor + 1) * Self.classCount - 3 + (isSquare ? 2 : Int(third))
            scores.values[channel * height * width + cell] =
              (third - third.rounded(.down) - 0.5) * 4 + (isSquare ? 2 : 0)
          }
          var delta = (0..<4).map { _ in generator.unitFloat() - 0.5 }
          if isSquare { delta = [delta[0] < 0 ? shift : 0, 0, 0, 0] }
          for (corner, number) in delta.enumerated() {
            deltas.values[(anchor * 4 + corner) * height * width + cell] = number
          }
        }
      }
      logits.append(scores)
      regressions.append(deltas)
    }
    return logits + regressions
  }
}

extension Checkpoint {
  /// A number among its metadata.
  fileprivate func number(_ name: String) throws -> Float {
    try #require(metadata[name].flatMap { Float($0) })
  }

  /// Whether these are its `boxes`, `scores` and `labels`: as many, in their order.
  fileprivate func holdsDetections(_ found: [Detection]) throws -> Bool {
    func values(_ name: String) throws -> [Float] { try #require(tensors[name]).floats() }
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
}

extension InputGeometry {
  /// Rows and columns of P3 to P7.
  fileprivate var grids: [(height: Int, width: Int)] {
    (3...7).map { level in
      (
        height: (paddedHeight + (1 << level) - 1) >> level,
        width: (paddedWidth + (1 << level) - 1) >> level
      )
    }
  }
}

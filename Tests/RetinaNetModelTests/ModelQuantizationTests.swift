import NeuralNetwork
import SystemPackage
import TestSupport
import Testing
import Workers

@testable import RetinaNetModel

@Suite struct ModelQuantizationTests {
  static let description = ModelDescription(
    architecture: .init(
      backbone: .resnet18, baseWidth: 16, pyramidChannels: 32, headDepth: 1),
    classes: ["a", "b"], preprocessing: .init(minSize: 64, maxSize: 96), anchors: .init(),
    postprocessing: .init())

  static let quantization = ModelQuantization(
    arithmetic: Quantization(
      values: [
        "backbone.body.conv1": .init(low: 0, high: 2.5),
        "head.classification_head.conv.0.0#2": .init(low: -0.25, high: 3),
      ],
      convolutions: [
        "head.classification_head.cls_logits#2": .direct,
        "head.regression_head.conv.0.0#5": .winograd(
          largest: (1...36).map { Float($0) / 7 }),
      ],
      correctedBiases: ["head.classification_head.cls_logits#2"]),
    pictures: 300, picturesDigest: String(repeating: "0f", count: 32))

  private var shapes: [String: [Int]] {
    Dictionary(
      uniqueKeysWithValues: Self.description.makeNetwork().parameters.map { ($0.name, $0.shape) })
  }

  private func read(_ json: String) throws -> ModelDescription {
    try ModelDescription(json: json, shapes: shapes, file: "test.safetensors")
  }

  private var calibrated: ModelDescription {
    var description = Self.description
    description.quantization = Self.quantization
    return description
  }

  @Test func isReadAsItIsWritten() throws {
    #expect(try read(calibrated.json) == calibrated)
    #expect(try read(Self.description.json) == Self.description)
    #expect(!Self.description.json.contains("quantization"))
  }

  @Test(arguments: [
    ("[0.0, 2.5]", "[0.0, -2.5]"), ("[0.0, 2.5]", "[0.0, 0.0]"), ("[0.0, 2.5]", "[0.5, 2.5]"),
    ("[0.0, 2.5]", "[0.0]"), ("[0.0, 2.5]", "2.5"), ("[0.0, 2.5]", "[0.0, 1e31]"),
    ("backbone.body.conv1\"", "backbone.body.conv9\""),
    ("conv.0.0#2\": [", "conv.0.0#6\": ["), ("\"direct\"", "\"indirect\""),
    ("\"direct\"", "[1.0]"), ("[0.14285715, ", "["), ("[0.14285715, ", "[0.0, "),
    ("cls_logits#2\": \"", "cls_logits#3\": \""), ("[\"head", "[\"heads"),
    ("\"pictures\": 300", "\"pictures\": 0"), ("0f0f", "0g0f"), ("\"pictures\": 300,", ""),
  ])
  func refusesWhatDoesNotFit(from: String, to: String) throws {
    let json = calibrated.json
    let changed = json.replacing(from, with: to, maxReplacements: 1)
    try #require(changed != json, "\(from)")
    #expect(throws: ModelError.self, "\(from) to \(to)") { try read(changed) }
  }

  @Test func fileKeepsCorrections() throws {
    let folder = try TemporaryFolder()
    let path = folder.path.appending("m.safetensors")
    let name = Quantization.biasCorrectionName(of: "head.classification_head.cls_logits#2")
    let shapes = Dictionary(
      uniqueKeysWithValues: calibrated.parameters.map { ($0.name, $0.shape) })
    try ModelFile.write(calibrated, to: path) {
      [Float](repeating: $0 == name ? 0.125 : 1, count: shapes[$0]?.reduce(1, *) ?? 0)
    }
    let model = try DetectionModel(contentsOf: path)
    #expect(model.description == calibrated)
    #expect(try model.values(name) == [Float](repeating: 0.125, count: 18))
  }

  /// A share can be gone between the first look at a picture and the second.
  @Test(arguments: [1, 2]) func picturesThatAreGoneLaterAreNone(_ looks: Int) throws {
    let model = try DetectionModelTests.open("v1-resnet18")
    let left = Monitor(looks)
    let calibration = try ModelCalibration(of: model)
    let calibrated = try calibration.run(
      count: 1, workers: 1, picturesDigest: String(repeating: "0", count: 64)
    ) { _, use in
      let isThere = left.withLock { left in
        left -= 1
        return left >= 0
      }
      guard isThere else { return }
      try use([UInt8](repeating: 90, count: 64 * 64 * 3).span, 64, 64)
    } progress: { _ in
    }
    #expect(calibrated == nil)
  }

  @Test func namesTellLevelsApart() {
    let network = Self.description.makeNetwork()
    let names = network.valueNames
    #expect(Set(names).count == names.count)
    #expect(names.contains("backbone.body.conv1 max pool"))
    let calls = network.convolutionCalls.filter { $0.weight.contains("cls_logits") }
    #expect(calls.map(\.name.last) == ["s", "2", "3", "4", "5"])
    #expect(calls.map(\.input.last) == ["0", "2", "3", "4", "5"])
    let block = network.convolutionCalls.first { $0.name == "backbone.body.layer2.0.conv2" }
    #expect(block?.summand == "backbone.body.layer2.0.downsample.0")
    #expect(block?.input == "backbone.body.layer2.0.conv1")
  }
}

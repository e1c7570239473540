import Checkpoints
import Digests
import Foundation
import Settings
import SystemPackage
import TestSupport
import Testing

@testable import RetinaNetModel

@Suite struct DetectionModelTests {
  static let names = ["v1-resnet18", "v1-resnet50", "v2-resnet18"]

  static func path(_ name: String) throws -> FilePath {
    let url = try #require(
      Bundle.module.url(forResource: name, withExtension: nil, subdirectory: "Fixtures"))
    return FilePath(url.path)
  }

  static func open(_ name: String) throws -> DetectionModel {
    try DetectionModel(
      contentsOf: path("\(name).pth"),
      configuration: ModelConfiguration(contentsOf: path("\(name).json")))
  }

  private static func object(_ text: String) throws -> NSDictionary {
    try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? NSDictionary)
  }

  @Test(arguments: names)
  func describesWhatTheConfigurationSays(_ name: String) throws {
    let model = try Self.open(name)
    let written = try Self.object(model.description.json)
    let text = try String(contentsOfFile: Self.path("\(name).json").string, encoding: .utf8)
    #expect(written == (try Self.object(text)))
    #expect(model.format == .pytorchZip)
    #expect(model.remarks == [])
  }

  @Test(arguments: names)
  func readsTheRestOffTheWeights(_ name: String) throws {
    let whole = try Self.open(name).description
    let short = """
      classes: [red, green, blue]
      architecture: {normEpsilon: \(whole.conventions.network.normEpsilon)}
      preprocessing: {minSize: 96, maxSize: 160}
      anchors:
        sizes: \(whole.anchors.sizes)
        aspectRatios: \(whole.anchors.aspectRatios)
      postprocessing:
        candidatesPerLevel: 150
        detectionsPerImage: \(whole.postprocessing.detectionsPerImage)
      """
    let model = try DetectionModel(
      contentsOf: Self.path("\(name).pth"),
      configuration: ModelConfiguration(text: short, file: "short.yaml"))
    #expect(model.description == whole)
  }

  @Test(arguments: names)
  func comesBackAsWritten(_ name: String) throws {
    let model = try Self.open(name)
    let folder = try ModelFolder()
    let path = folder.path.appending("model.safetensors")
    try model.write(to: path)
    let read = try DetectionModel(contentsOf: path)
    #expect(read.description == model.description)
    #expect(read.format == .safetensors)
    #expect(read.digest == (try SHA256Digest.hexadecimal(ofFile: path)))
    var sum: Float = 0
    for parameter in model.description.makeNetwork().parameters {
      let values = try read.values(parameter.name)
      #expect(values == (try model.values(parameter.name)), "\(parameter.name)")
      sum += values.reduce(0) { $0 + abs($1) }
    }
    #expect(sum > 100)
    let again = folder.path.appending("again.safetensors")
    try read.write(to: again)
    #expect(try SHA256Digest.hexadecimal(ofFile: again) == read.digest)
  }

  @Test func halvesOnlyConvolutions() throws {
    let model = try Self.open("v1-resnet18")
    let folder = try ModelFolder()
    let path = folder.path.appending("model.safetensors")
    try model.write(to: path, storage: .bfloat16)
    let read = try DetectionModel(contentsOf: path)
    var rounded = 0
    for parameter in model.description.makeNetwork().parameters {
      let values = try read.values(parameter.name)
      let right = try model.values(parameter.name)
      if parameter.shape.count == 1 { #expect(values == right) }
      #expect(zip(values, right).allSatisfy { abs($0 - $1) <= abs($1) / 256 })
      rounded += values == right ? 0 : 1
    }
    #expect(rounded > 20)
  }

  /// Names of torchvision before 0.12, wrapped by DataParallel.
  @Test func readsOldNames() throws {
    let model = try Self.open("v1-resnet18")
    let old = model.description.makeNetwork().parameters.map { parameter in
      var name = parameter.name
      name.replace(/(inner|layer)_blocks\.(\d)\.0\./) { "\($0.1)_blocks.\($0.2)." }
      name.replace(/(head\.\w+\.conv)\.(\d)\.0\./) { "\($0.1).\(2 * (Int($0.2) ?? 0))." }
      return SafetensorsFile.Tensor(name: "module.\(name)", shape: parameter.shape) {
        try model.values(parameter.name)
      }
    }
    #expect(old.contains { $0.name == "module.backbone.fpn.inner_blocks.2.bias" })
    #expect(old.contains { $0.name == "module.head.regression_head.conv.2.weight" })
    let folder = try ModelFolder()
    let path = folder.path.appending("old.safetensors")
    try SafetensorsFile.write(old, to: path)
    let read = try DetectionModel(
      contentsOf: path, configuration: ModelConfiguration(contentsOf: Self.path("v1-resnet18.json"))
    )
    #expect(read.description == model.description)
    let name = "head.regression_head.conv.1.0.weight"
    #expect(try read.values(name) == model.values(name))
  }

  @Test func aConfigurationGoesOverTheModelFilesOwn() throws {
    let model = try Self.open("v1-resnet18")
    let folder = try ModelFolder()
    let path = folder.path.appending("model.safetensors")
    try model.write(to: path)
    let changed = try DetectionModel(
      contentsOf: path,
      configuration: ModelConfiguration(
        text: "classes: [a, null, b]\npostprocessing: {classThresholds: {b: 0.25}}", file: "c"))
    var right = model.description
    right.classes = ["a", nil, "b"]
    right.postprocessing.classThresholds = ["b": 0.25]
    #expect(changed.description == right)
  }

  @Test func labelsOfAllKindsComeBack() throws {
    var description = try Self.open("v1-resnet18").description
    let letters = (0...0xffff).compactMap { UnicodeScalar($0).map(String.init) }
    for start in stride(from: 0, to: letters.count, by: 250) {
      let label = letters[start..<min(start + 250, letters.count)].joined()
      description.classes = [label, "😀 \"quoted\\\"", nil]
      description.postprocessing.classThresholds = [label: 0.1]
      let facts = try WeightFacts(
        shapes: Dictionary(
          uniqueKeysWithValues: description.makeNetwork().parameters.map { ($0.name, $0.shape) }),
        hasBatchCounts: false)
      let tree = try SettingsTree.parseJSON(description.json, file: "f")
      let read = try ModelDescriptionReader.read(tree, facts)
      #expect(read == description, "labels from U+\(String(start, radix: 16)) on")
    }
  }

  @Test(.enabled(if: TestData.path("codes-v0/codes-v0.pth") != nil)) func importsCodesV0() throws {
    let path = try #require(TestData.path("codes-v0/codes-v0.pth"))
    let configuration = """
      architecture: {backbone: resnet18, baseWidth: 32, normEpsilon: 1e-5, headDepth: 4}
      classes: [qr_code, data_matrix, aztec, pdf417, barcode]
      preprocessing: {minSize: 320, maxSize: 534}
      anchors:
        sizes: [[24, 30, 38], [48, 60, 76], [96, 120, 152], [192, 241, 304], [384, 483, 609]]
        aspectRatios: [0.4, 1.0, 2.5]
      """
    let model = try DetectionModel(
      contentsOf: FilePath(path),
      configuration: ModelConfiguration(text: configuration, file: "codes.yaml"))
    #expect(model.description.architecture.pyramidChannels == 64)
    let count = try model.description.makeNetwork().parameters.reduce(0) {
      $0 + (try model.values($1.name).count)
    }
    #expect(count > 3_300_000 && count < 3_400_000)
  }
}

/// A folder that goes when the test ends.
final class ModelFolder {
  let path: FilePath

  init() throws {
    let url = FileManager.default.temporaryDirectory.appending(path: "model-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    path = FilePath(url.path)
  }

  deinit {
    // Left behind at worst.
    try? FileManager.default.removeItem(atPath: path.string)
  }
}

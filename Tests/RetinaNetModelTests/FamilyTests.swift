import Checkpoints
import Foundation
import SystemPackage
import TestSupport
import Testing

@testable import RetinaNetModel

/// Checkpoints as the programs themselves write them (`scripts/make-family-fixtures.py`).
@Suite struct FamilyTests {
  /// What the programs' own modules hold, and what their files say besides.
  private struct Expectation: Decodable {
    enum Classes: Decodable {
      case count(Int)
      case labels([String])

      init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        self =
          try (try? value.decode(Int.self)).map { .count($0) }
          ?? .labels(value.decode([String].self))
      }
    }

    /// Sums of tensors by the network's names.
    var sums: [String: Double]
    var classes: Classes?
    var preset: String?
    var normEpsilon: Float?
    var scoreThreshold: Float?
  }

  private static func path(_ name: String) -> FilePath {
    FilePath(ModelFixture.url("families/\(name)").path)
  }

  private static func expectations() throws -> [String: Expectation] {
    try JSONDecoder().decode(
      [String: Expectation].self, from: Data(contentsOf: ModelFixture.url("families/expected.json"))
    )
  }

  /// What a network of torchvision's names needs to be told.
  private static let plain = ModelConfiguration(
    text: "{conventions: {preset: torchvision}, classes: [a, b, c]}", file: "c.yaml")

  private func expect(
    _ sums: [String: Double], _ file: String, _ values: (String) throws -> [Float]
  ) throws {
    #expect(!sums.isEmpty)
    for (name, sum) in sums {
      let read = try values(name).reduce(0) { $0 + Double($1) }
      #expect(abs(read - sum) <= 1e-6 * max(1, abs(sum)), "\(file): \(name)")
    }
  }

  @Test func everyFamilysFilesNeedNoConfiguration() throws {
    let described = try Self.expectations().filter { $0.value.preset != nil }
    #expect(described.count == 9)
    for (file, expected) in described {
      let model = try DetectionModel(contentsOf: Self.path(file))
      try expect(expected.sums, file) { try model.values($0) }
      let preset = try #require(expected.preset.flatMap(Conventions.Preset.init))
      var conventions = preset.conventions
      if let epsilon = expected.normEpsilon { conventions.network.normEpsilon = epsilon }
      #expect(model.description.conventions == conventions, "\(file)")
      #expect(model.description.anchors == preset.anchors, "\(file)")
      #expect(model.remarks.count == 1, "\(file): \(model.remarks)")
      if let threshold = expected.scoreThreshold {
        #expect(model.description.postprocessing.scoreThreshold == threshold, "\(file)")
        #expect(model.description.postprocessing.nmsThreshold == 0.05, "\(file)")
      }
      switch expected.classes {
      case .labels(let labels): #expect(model.description.classes == labels, "\(file)")
      case .count(let count): #expect(model.description.classes.count == count, "\(file)")
      case nil: Issue.record("\(file): no classes")
      }
    }
    let zoo = try DetectionModel(contentsOf: Self.path("detectron2-zoo.pkl"))
    #expect(zoo.description.classes[0] == "person" && zoo.description.classes[79] == "toothbrush")
    let mlperf = try DetectionModel(contentsOf: Self.path("mlperf-training.pth"))
    #expect(mlperf.description.classes[0] == "Airplane")
    #expect(mlperf.description.classes[263] == "Zucchini")
  }

  @Test func wrappersAveragesAndShards() throws {
    let expectations = try Self.expectations()
    for file in ["wrapped.pth", "average-torchvision.pth", "shards/model.safetensors.index.json"] {
      let sums = try #require(expectations[file]).sums
      let model = try DetectionModel(contentsOf: Self.path(file), configuration: Self.plain)
      try expect(sums, file) { try model.values($0) }
      let isAverage = file.hasPrefix("average")
      #expect(
        model.remarks
          == (isAverage
            ? ["the weights are the moving average that the file keeps under 'model_ema'"] : []))
    }
  }

  @Test func aShardAloneIsToldFromAModel() throws {
    let path = Self.path("shards/model-00002-of-00002.safetensors")
    let error = #expect(throws: ModelError.self) { try DetectionModel(contentsOf: path) }
    #expect(error?.problem == .shard(index: "model.safetensors.index.json"))
  }

  /// A callback of Lightning keeps the average as a module of its own.
  @Test func averagesBesideTheWeights() throws {
    let plain = try DetectionModel(contentsOf: Self.path("detectron2-zoo.pkl"))
    let name = "head.regression_head.bbox_reg.bias"
    for copies in [["model.", "ema_model."], ["model.", "model.model_ema."]] {
      let average = try model("detectron2-zoo.pkl", copies: copies)
      #expect(try average.values(name) == plain.values(name).map { $0 + 1 }, "\(copies)")
      #expect(average.remarks.contains("the weights are the moving average that the file keeps"))
    }
    let wrapped = try model("detectron2-zoo.pkl", copies: ["model._orig_mod.module."])
    #expect(try wrapped.values(name) == plain.values(name))
  }

  @Test func aBackboneOfCaffe2HasTheStatisticsOfNothing() throws {
    let path = Self.path("caffe2-backbone.pkl")
    let backbone = try #require(try BackboneWeights(contentsOf: path))
    #expect(backbone.architecture == .init(backbone: .resnet50, baseWidth: 2))
    #expect(backbone.preset == .detectron2)
    let sums = try #require(try Self.expectations()["caffe2-backbone.pkl"]).sums
    #expect(sums.count == 53 * 3)
    try expect(sums, "caffe2-backbone.pkl") { try #require(backbone[$0]).floats() }
    #expect(
      try backbone["backbone.body.layer2.0.bn3.running_mean"]?.floats()
        == Array(repeating: 0, count: 16))
    #expect(
      try backbone["backbone.body.layer2.0.bn3.running_var"]?.floats()
        == Array(repeating: 1, count: 16))
    #expect(
      throws: ModelError(file: path.string, problem: .backboneOnly)
    ) { try DetectionModel(contentsOf: path) }
  }

  /// Of a backbone's shapes a network is made, before they are compared with it.
  @Test func aBackboneWhoseSizesCannotBeIsNone() throws {
    func backbone(_ counts: [Int], _ shapes: [String: [Int]]) throws -> BackboneWeights? {
      var all = shapes
      for (stage, count) in counts.enumerated() {
        for block in 0..<count { all["layer\(stage + 1).\(block).conv1.weight"] = [1] }
      }
      let folder = try TemporaryFolder()
      let path = folder.path.appending("backbone.safetensors")
      try SafetensorsFile.write(
        all.map { name, shape in
          .init(name: name, shape: shape) {
            [Float](repeating: 0, count: shape.contains(0) ? 0 : shape.reduce(1, *))
          }
        }, to: path)
      return try BackboneWeights(contentsOf: path)
    }
    let (two, three) = ([2, 2, 2, 2], [3, 4, 6, 3])
    #expect(try backbone(two, ["conv1.weight": [8, 3, 7, 7]])?.architecture.baseWidth == 8)
    for width in [0, 1 << 21, 1 << 61] {
      #expect(try backbone(two, ["conv1.weight": [width, 0, 7, 7]]) == nil)
    }
    for (grouped, isGood) in [
      ([8, 8, 3, 3], true), ([4, 8, 3, 3], false), ([0, 8, 3, 3], false),
    ] {
      let found = try backbone(
        three,
        [
          "conv1.weight": [8, 3, 7, 7], "layer1.0.conv2.weight": grouped,
          "layer1.0.conv3.weight": [1],
        ])
      #expect((found != nil) == isGood, "\(grouped)")
    }
  }

  @Test func programsAreRefusedWithAWord() throws {
    let module = #expect(throws: CheckpointError.self) {
      try DetectionModel(contentsOf: Self.path("refused-module.pth"))
    }
    #expect(module?.problem == .refusedClass("torch.nn.modules.container.Sequential"))
    #expect(module?.description.hasSuffix("torch.save(model.state_dict(), FILE)") == true)
    let program = #expect(throws: CheckpointError.self) {
      try DetectionModel(contentsOf: Self.path("refused-torchscript.pt"))
    }
    #expect(program?.problem == .torchScript)
  }

  /// A safetensors file of a fixture's tensors, once behind each prefix.
  private func model(
    _ file: String, copies: [String] = [""], zeroing: Bool = false,
    replacing: [String: [Float]] = [:], configuration: String = ""
  ) throws -> DetectionModel {
    let folder = FileManager.default.temporaryDirectory.appending(
      path: "family-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer {
      // Left behind at worst.
      try? FileManager.default.removeItem(at: folder)
    }
    let path = FilePath(folder.path).appending("m.safetensors")
    let tensors = try Checkpoint(contentsOf: Self.path(file)).tensors
      .filter { !$0.key.contains("num_batches") }
    // Of each copy all numbers are another's.
    let written = copies.enumerated().flatMap { index, prefix in
      tensors.map { name, tensor in
        SafetensorsFile.Tensor(name: prefix + name, shape: tensor.shape) {
          let values = try replacing[name] ?? tensor.floats()
          if zeroing && name.hasSuffix("running_mean") { return values.map { _ in 0 } }
          return values.map { $0 + Float(index) }
        }
      }
    }
    try SafetensorsFile.write(written, to: path)
    return try DetectionModel(
      contentsOf: path, configuration: ModelConfiguration(text: configuration, file: "c.yaml"))
  }

  /// What a configuration has to say is listed where neither tensors nor file say it.
  @Test func whatIsAmbiguousIsAsked() throws {
    func asked(_ body: () throws -> DetectionModel) -> [String] {
      do {
        _ = try body()
        return []
      } catch let error as ModelError {
        guard case .undescribed(let keys) = error.problem else { return ["\(error)"] }
        return keys.map { String($0.prefix { $0 != " " }) }
      } catch {
        return ["\(error)"]
      }
    }
    // MMDetection: the tensors alone are of style pytorch if their norms have measured something.
    #expect(asked { try model("mmdetection-published.pth") } == ["classes"])
    #expect(
      asked { try model("mmdetection-published.pth", zeroing: true) } == [
        "classes", "conventions.preset",
      ])
    let caffe = "{classes: [a, b, c], conventions: {preset: mmdetection-caffe}}"
    let told = try model("mmdetection-published.pth", zeroing: true, configuration: caffe)
    #expect(told.description.conventions == Conventions.Preset.mmdetectionCaffe.conventions)
    // DeepForest's tensors without its configuration are anybody's.
    let anybodys = asked { try self.model("deepforest-hub/model.safetensors") }
    #expect(anybodys.contains("architecture.normEpsilon") && anybodys.contains("classes"))
  }

  /// Means and deviations that Detectron2 stored, which stand blue first, go before those of its default configuration.
  @Test func coloursOfTheFileGoFirst() throws {
    let told = try model(
      "detectron2-zoo.pkl", replacing: ["pixel_mean": [1, 2, 3], "pixel_std": [4, 5, 6]])
    #expect(told.description.conventions.input.mean == [3, 2, 1])
    #expect(told.description.conventions.input.standardDeviation == [6, 5, 4])
    #expect(told.remarks.contains("mean and standard deviation of the input are the file's"))
    // What cannot be divided by is no deviation.
    let odd = try model("detectron2-zoo.pkl", replacing: ["pixel_std": [0, 5, 6]])
    #expect(odd.description.conventions == Conventions.Preset.detectron2.conventions)
  }
}

import Checkpoints
import Settings
import SystemPackage
import Testing

@testable import RetinaNetModel

@Suite struct ModelErrorTests {
  /// What opening a model says with this configuration.
  private func message(
    _ configuration: String?, of name: String = "v1-resnet18"
  ) throws -> String {
    do {
      _ = try DetectionModel(
        contentsOf: DetectionModelTests.path("\(name).pth"),
        configuration: configuration.map { ModelConfiguration(text: $0, file: "c.yaml") })
      return "no error"
    } catch {
      return "\(error)"
    }
  }

  private static let rest = """
    classes: [red, green, blue]
    preprocessing: {minSize: 96, maxSize: 160}
    anchors: {sizes: [[8, 10, 12], [16, 20, 25], [32, 40, 50], [64, 80, 101], [128, 161, 203]], aspectRatios: [0.5, 1, 2]}
    """

  @Test func listsWhatIsMissing() throws {
    let path = try DetectionModelTests.path("v1-resnet18.pth")
    #expect(
      try message(nil)
        == "\(path): the weights do not say everything; give a configuration (--config FILE.yaml)"
        + " with architecture.normEpsilon (of the batch norms; PyTorch's default is 1e-5); classes"
        + " (3 labels in order; null for a column without a class); preprocessing.minSize (pixels"
        + " of the shorter side); preprocessing.maxSize (bound of the longer side); anchors.sizes"
        + " (a list of side lengths for each of P3 to P7); anchors.aspectRatios (height / width;"
        + " sizes x ratios are 9 a cell)")
    #expect(
      try message(Self.rest).hasSuffix(
        "with architecture.normEpsilon (of the batch norms; PyTorch's default is 1e-5)"))
    #expect(try message(Self.rest + "\narchitecture: {normEpsilon: 0}") == "no error")
  }

  @Test(arguments: [
    (
      "architecture:\n  backbone: resnet34",
      "2: 'architecture.backbone' has to be resnet18, as in the weights, not 'resnet34'"
    ),
    (
      "architecture:\n  backbone: vgg",
      "2: 'architecture.backbone' has to be one of resnet18, resnet34, resnet50, resnet101, resnet152, not 'vgg'"
    ),
    (
      "architecture: {baseWidth: 64}",
      "1: 'architecture.baseWidth' has to be 4, as in the weights, not '64'"
    ),
    (
      "architecture: {headNorm: groupNorm}",
      "1: 'architecture.headNorm' has to be none, as in the weights, not 'groupNorm'"
    ),
    (
      "architecture: {headDepth: 4}",
      "1: 'architecture.headDepth' has to be 2, as in the weights, not '4'"
    ),
    (
      "architecture: {normEpsilon: -1}",
      "1: 'architecture.normEpsilon' has to be a number from 0.0 to 0.1, not '-1'"
    ),
    (
      "architecture:\n  normEps: 0",
      "2: there is no key 'architecture.normEps'; backbone, baseWidth, groups, groupWidth, pyramidChannels, headDepth, headNorm, p6Source, strideIn1x1, normEpsilon can stand there"
    ),
    (
      "classes: [red]",
      "1: 'classes' has to be a list of 3 labels, as many as the weights have, not a list of 1"
    ),
    (
      "classes:\n- red\n- green\n- red",
      "4: 'classes[2]' has to be a label of 1 to 256 letters that no other class has, not 'red'"
    ),
    (
      "classes: [red, '', blue]",
      "1: 'classes[1]' has to be a label of 1 to 256 letters that no other class has, not ''"
    ),
    ("classes: [null, null, null]", "1: 'classes' has to be at least one label, not a list of 3"),
    (
      "preprocessing: {minSize: 0}",
      "1: 'preprocessing.minSize' has to be a whole number from 1 to 16384, not '0'"
    ),
    (
      "preprocessing: {minSize: 800, maxSize: 600}",
      "1: 'preprocessing.maxSize' has to be such that maxSize (600) is at least minSize (800), not '600'"
    ),
    (
      "preprocessing: {mean: [0.5]}",
      "1: 'preprocessing.mean' has to be three numbers: red, green, blue, not a list of 1"
    ),
    (
      "preprocessing: {standardDeviation: [1, 0, 1]}",
      "1: 'preprocessing.standardDeviation[1]' has to be a number from 1e-06 to 1000.0, not '0'"
    ),
    (
      "anchors: {sizes: [[1], [2]]}",
      "1: 'anchors.sizes' has to be a list of sizes for each of the five levels P3 to P7, not a list of 2"
    ),
    (
      "anchors: {sizes: [[1], [2], [4], [8], [0.5]]}",
      "1: 'anchors.sizes[4][0]' has to be a number from 1.0 to 100000.0, not '0.5'"
    ),
    (
      "anchors: {sizes: [[1], [2], [4], [8], [8]], aspectRatios: [1]}",
      "1: 'anchors.sizes' has to be such that sizes x ratios are 9 a cell, as in the weights, not a list of 5"
    ),
    (
      "anchors: {sizes: [[], [], [], [], []], aspectRatios: []}",
      "1: 'anchors.sizes' has to be such that sizes x ratios are 9 a cell"
    ),
    (
      "postprocessing: {nmsThreshold: 50}",
      "1: 'postprocessing.nmsThreshold' has to be a number from 0.0 to 1.0, not '50'"
    ),
    (
      "postprocessing: {detectionsPerImage: 0}",
      "1: 'postprocessing.detectionsPerImage' has to be a whole number from 1 to 1000000, not '0'"
    ),
    (
      "classes: [red, green, blue]\npostprocessing:\n  classThresholds:\n    rad: 0.5",
      "4: there is no key 'postprocessing.classThresholds.rad'; red, green, blue can stand there"
    ),
    ("formatVersion: 2", "1: 'formatVersion' has to be 1, the one version there is, not '2'"),
    (
      "nonsense: 1",
      "1: there is no key 'nonsense'; formatVersion, conventions, architecture, classes, preprocessing, anchors, postprocessing, quantization can stand there"
    ),
  ])
  func namesKeyAndLine(_ configuration: String, _ expected: String) throws {
    #expect(try message(configuration).hasPrefix("c.yaml:\(expected)"))
  }

  @Test func sourceOfP6HasToFit() throws {
    #expect(
      try message("architecture: {p6Source: p5}", of: "v2-resnet18")
        == "c.yaml:1: 'architecture.p6Source' has to be c5, as in the weights, not 'p5'")
    // This model's pyramid has as many channels as C5: both are possible.
    #expect(try message(Self.rest + "\narchitecture: {normEpsilon: 0, p6Source: c5}") == "no error")
  }

  private func message(
    of model: DetectionModel, _ change: (inout [SafetensorsFile.Tensor]) -> Void,
    metadata: [String: String]? = nil
  ) throws -> String {
    let folder = try ModelFolder()
    let path = folder.path.appending("model.safetensors")
    var tensors = model.description.makeNetwork().parameters.map { parameter in
      SafetensorsFile.Tensor(name: parameter.name, shape: parameter.shape) {
        try model.values(parameter.name)
      }
    }
    change(&tensors)
    let own = [ModelFile.versionKey: "1", ModelFile.descriptionKey: model.description.json]
    try SafetensorsFile.write(tensors, metadata: metadata ?? own, to: path)
    do {
      _ = try DetectionModel(contentsOf: path)
      return "no error"
    } catch {
      return "\(error)".replacing("\(path)", with: "model")
    }
  }

  @Test func listsTensorsThatDoNotFit() throws {
    let model = try DetectionModelTests.open("v1-resnet18")
    #expect(try message(of: model) { _ in } == "no error")
    let mixed = try message(of: model) { tensors in
      tensors.removeAll { $0.name.hasPrefix("backbone.body.layer2.1.bn2.") }
      tensors.append(.init(name: "fc.weight", shape: [1]) { [0] })
      tensors.append(.init(name: "fc.bias", shape: [1]) { [0] })
      for index in tensors.indices where tensors[index].name == "backbone.body.bn1.bias" {
        tensors[index].shape = [1, 4]
      }
    }
    #expect(
      mixed == "model: its tensors are not this network's; missing: "
        + ["weight", "bias", "running_mean", "running_var"].map {
          "backbone.body.layer2.1.bn2.\($0)"
        }.joined(separator: ", ")
        + "; unexpected: fc.bias, fc.weight; of another shape: backbone.body.bn1.bias [1, 4] for [4]"
    )
    let many = try message(of: model) { tensors in
      for index in 0..<1000 { tensors.append(.init(name: "extra.\(index)", shape: []) { [0] }) }
    }
    #expect(many.hasSuffix(", extra.103, extra.104 and 992 more"), "\(many)")
    #expect(many.count < 300)
    let classifier = try message(of: model) { tensors in
      tensors.removeAll { !$0.name.hasPrefix("backbone.body") }
    }
    #expect(
      classifier.hasPrefix(
        "model: not a RetinaNet of torchvision, DeepForest, MLPerf, Detectron2 or MMDetection: it has no backbone.fpn"
      ))
    let odd = try message(of: model) { tensors in
      tensors.removeAll { $0.name.hasPrefix("backbone.body.layer3.1") }
    }
    #expect(odd == "model: stages of 2, 2, 1, 2 blocks are no ResNet-18, -34, -50, -101 or -152")
  }

  /// What no network can be run with is found when it is read, by import and by detection.
  @Test(arguments: [
    ("backbone.body.conv1.weight", Float.nan, "holds NaN or infinity"),
    ("head.regression_head.bbox_reg.bias", Float.infinity, "holds NaN or infinity"),
    ("backbone.body.layer2.0.bn1.running_var", Float(-1), "a variance of -1.0"),
    ("backbone.body.layer2.0.bn1.running_mean", -Float.infinity, "holds NaN or infinity"),
  ])
  func namesTheTensorAtFault(_ name: String, _ value: Float, _ problem: String) throws {
    let model = try DetectionModelTests.open("v1-resnet18")
    let folder = try ModelFolder()
    let path = folder.path.appending("model.safetensors")
    try ModelFile.write(model.description, to: path) { tensor in
      var values = try model.values(tensor)
      if tensor == name { values[values.count / 2] = value }
      return values
    }
    let damaged = try DetectionModel(contentsOf: path)
    let expected = ModelError(
      file: path.string, problem: .numbers(tensor: name, problem: problem))
    #expect(
      expected.description
        == "\(path): tensor '\(name)': \(problem): the model is damaged, or its training diverged")
    #expect(throws: expected) { try damaged.write(to: folder.path.appending("again")) }
    let detector = try Detector(model: damaged)
    #expect(throws: expected) { try detector.prepare(width: 64, height: 64) }
    #expect(throws: expected) {
      _ = try detector.makeWorker().detect(
        [UInt8](repeating: 9, count: 64 * 64 * 3), width: 64, height: 64)
    }
  }

  /// Numbers that are finite each, and not together: only the network knows.
  @Test func namesTheTensorThatOverflows() throws {
    let model = try DetectionModelTests.open("v1-resnet18")
    let folder = try ModelFolder()
    let path = folder.path.appending("model.safetensors")
    let huge = ["backbone.body.layer1.0.bn1.weight", "backbone.body.layer1.0.conv1.weight"]
    try ModelFile.write(model.description, to: path) { tensor in
      let values = try model.values(tensor)
      return huge.contains(tensor) ? values.map { _ in 1e30 } : values
    }
    let detector = try Detector(model: DetectionModel(contentsOf: path))
    let error = #expect(throws: ModelError.self) { try detector.prepare(width: 64, height: 64) }
    #expect(
      error?.description.hasPrefix("\(path): tensor 'backbone.body.layer1.0.bn1.running_var': ")
        == true)
  }

  /// Tensors without a number in them can have any size.
  @Test func sizesThatCannotBeCountedAreRefused() throws {
    let model = try DetectionModelTests.open("v1-resnet18")
    let stem = try message(of: model) { tensors in
      for index in tensors.indices where tensors[index].name == "backbone.body.conv1.weight" {
        tensors[index].shape = [Int.max, 0, 7, 7]
        tensors[index].values = { [] }
      }
    }
    #expect(stem.contains("backbone.body.conv1.weight (\(Int.max) channels)"), "\(stem)")
    #expect(
      try message("preprocessing: {minSize: 16384, maxSize: 16384}") != "no error")
    // Which no key says, but the weights alone or a preset.
    let facts = try WeightFacts(
      shapes: DetectionModelTests.open("v1-resnet18").description.weightShapes.mapValues {
        $0.first == 9 * 3 ? [9 * 1203] + $0.dropFirst() : $0
      }, hasBatchCounts: false)
    var known = try DetectionModelTests.open("v1-resnet18").description
    known.preprocessing = .init(minSize: 16_384, maxSize: 16_384)
    let tree = try SettingsTree.parseJSON(
      "{\"classes\": [\((0..<1203).map { "\"\($0)\"" }.joined(separator: ","))]}", file: "a file")
    let error = #expect(throws: ProblemError.self) {
      _ = try ModelDescriptionReader.read(tree, facts, own: known)
    }
    guard case .description(let problem)? = error?.problem else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(problem.contains("(16384) should be less for 1203 classes"), "\(problem)")
  }

  @Test func namesOtherFamilies() throws {
    let model = try DetectionModelTests.open("v1-resnet18")
    let detectron = try message(of: model) { tensors in
      tensors.append(.init(name: "backbone.bottom_up.stem.conv1.weight", shape: []) { [0] })
    }
    #expect(
      detectron
        == "model: its tensors have names of torchvision and of Detectron2: whose network is it?")
    let mmdetection = try message(of: model) { tensors in
      tensors.append(.init(name: "bbox_head.retina_cls.weight", shape: []) { [0] })
    }
    #expect(mmdetection.contains("names of torchvision and of MMDetection: "))
    let first = try message(of: model) { tensors in
      tensors = [
        .init(name: "res2_0_branch2a_w", shape: []) { [0] },
        .init(name: "retnet_cls_pred_fpn3_w", shape: []) { [0] },
      ]
    }
    #expect(
      first.hasPrefix("model: a RetinaNet of Detectron for Caffe2, which is not supported: boxes"))
  }

  @Test func refusesForeignMetadata() throws {
    let model = try DetectionModelTests.open("v1-resnet18")
    let newer = [ModelFile.versionKey: "2", ModelFile.descriptionKey: "{}"]
    #expect(
      try message(of: model, { _ in }, metadata: newer)
        == "model: a model file of format version 2; this program reads version 1")
    let broken = [ModelFile.versionKey: "1", ModelFile.descriptionKey: "{\"classes\":\n*a}"]
    #expect(
      try message(of: model, { _ in }, metadata: broken)
        == "model: its description cannot be used: detect-batch.model:2: '*' outside of a text is not JSON"
    )
    let wrong = [
      ModelFile.versionKey: "1",
      ModelFile.descriptionKey: model.description.json.replacing(
        "\"nmsThreshold\": 0.5", with: "\"nmsThreshold\": 50"),
    ]
    let text = try message(of: model, { _ in }, metadata: wrong)
    #expect(
      text.hasPrefix("model: its description cannot be used: detect-batch.model:")
        && text.hasSuffix(
          "'postprocessing.nmsThreshold' has to be a number from 0.0 to 1.0, not '50'"),
      "\(text)")
    let incomplete = [ModelFile.versionKey: "1", ModelFile.descriptionKey: "{}"]
    #expect(
      try message(of: model, { _ in }, metadata: incomplete).contains("do not say everything"))
  }
}

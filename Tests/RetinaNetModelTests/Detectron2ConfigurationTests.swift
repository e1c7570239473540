import BoxGeometry
import Foundation
import SystemPackage
import TestSupport
import Testing

@testable import RetinaNetModel

/// What Detectron2's own setup of a training wrote beside its weights (`scripts/make-family-fixtures.py`).
@Suite struct Detectron2ConfigurationTests {
  private static func text(_ name: String) throws -> String {
    try String(contentsOf: ModelFixture.url("families/\(name)"), encoding: .utf8)
  }

  /// The trainer's checkpoint with a file beside it.
  private func model(
    beside text: String, checkpoint: String = "detectron2-trainer.pth", configuration: String = ""
  ) throws -> DetectionModel {
    let folder = try TemporaryFolder()
    let path = folder.path.appending(checkpoint)
    try FileManager.default.copyItem(
      at: ModelFixture.url("families/\(checkpoint)"), to: URL(filePath: path.string))
    try Data(text.utf8).write(to: URL(filePath: folder.path.appending("config.yaml").string))
    return try DetectionModel(
      contentsOf: path, configuration: ModelConfiguration(text: configuration, file: "c.yaml"))
  }

  @Test func theDefaultsAreThePresets() throws {
    let alone = try DetectionModel(
      contentsOf: FilePath(ModelFixture.url("families/detectron2-trainer.pth").path))
    let told = try model(beside: Self.text("detectron2-config.yaml"))
    #expect(told.description == alone.description)
    #expect(
      told.remarks == ["taken for Detectron2's RetinaNet, with what config.yaml beside it says"])
    // Records of one are not those of the other.
    #expect(told.digest != alone.digest)
  }

  @Test func otherRulesAreTakenOver() throws {
    let description = try model(beside: Self.text("detectron2-config-other.yaml")).description
    var right = Conventions.Preset.detectron2.conventions
    right.input.channelOrder = .rgb
    right.input.mean = [123.675, 116.28, 103.53]
    right.input.standardDeviation = [58.395, 57.12, 57.375]
    right.network.strideIn1x1 = false
    right.anchors.centre = 0.5
    right.boxes.weights = [10, 10, 5, 5]
    #expect(description.conventions == right)
    #expect(description.preprocessing == .init(minSize: 640, maxSize: 1066))
    #expect(description.anchors.sizes == Array(repeating: [24.5, 32, 48], count: 5))
    #expect(description.anchors.aspectRatios == [0.4, 1, 2.5])
    #expect(description.postprocessing.scoreThreshold == 0.3)
    #expect(description.postprocessing.nmsThreshold == 0.6)
    #expect(description.postprocessing.candidatesPerLevel == 500)
    #expect(description.postprocessing.detectionsPerImage == 50)
    #expect(description.classes.count == 80)
  }

  /// Of another network, of another program, and of nobody; the zoo's file has its own rules, whatever lies beside it.
  @Test func whatIsNotItsOwnSaysNothing() throws {
    let other = try Self.text("detectron2-config-other.yaml")
    let preset = Conventions.Preset.detectron2.conventions
    let wide = try model(beside: other.replacing("NUM_CONVS: 2", with: "NUM_CONVS: 4"))
    #expect(wide.description.conventions == preset)
    #expect(wide.remarks.contains("config.yaml beside it is of another network"))
    for text in [
      other.replacing("META_ARCHITECTURE: RetinaNet", with: "META_ARCHITECTURE: FCOS"),
      "backbone: resnet18\nsizes: 640\n", "", "{", "\u{0}",
      other + String(repeating: "# a\n", count: 20_000),
      "MODEL: {META_ARCHITECTURE: RetinaNet, X: " + String(repeating: "[", count: 30_000),
      "MODEL:\n  X: " + String(repeating: "- ", count: 30_000),
      Self.laughs + other,
    ] {
      let model = try model(beside: text)
      #expect(model.description.conventions == preset, "\(text.prefix(60))")
      #expect(model.remarks.count == 1, "\(text.prefix(60))")
    }
    let zoo = try model(beside: other, checkpoint: "detectron2-zoo.pkl")
    #expect(zoo.description.conventions == preset)
  }

  /// Nine lines that stand for a thousand million words.
  private static let laughs =
    "a0: &a0 [x]\n"
    + (1...9).map { level in
      "a\(level): &a\(level) [\(Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", "))]\n"
    }.joined()

  @Test(arguments: [
    ("FUSE_TYPE: sum", "FUSE_TYPE: avg", "a pyramid that is merged by avg"),
    ("FORMAT: RGB", "FORMAT: YUV-BT.601", "pictures in YUV-BT.601"),
    ("MIN_SIZE_TEST: 640", "MIN_SIZE_TEST: 0", "pictures of their own size"),
    ("NAME: DefaultAnchorGenerator", "NAME: RotatedAnchorGenerator", "anchors of another kind"),
    ("RES5_DILATION: 1", "RES5_DILATION: 2", "dilated convolutions"),
    (
      "NAME: build_retinanet_resnet_fpn_backbone", "NAME: build_fcos_resnet_fpn_backbone",
      "the backbone build_fcos_resnet_fpn_backbone"
    ),
  ])
  func whatCannotBeHadIsAsked(_ right: String, _ wrong: String, _ reason: String) throws {
    let text = try Self.text("detectron2-config-other.yaml")
    #expect(text.contains(right))
    let changed = text.replacing(right, with: wrong)
    let error = #expect(throws: ModelError.self) { try model(beside: changed) }
    let said = "\(try #require(error))"
    #expect(said.contains(reason), "\(said)")
    // Who says it all the same gets the rest.
    let near = try model(beside: changed, configuration: "conventions: {preset: detectron2}")
    #expect(near.description.classes.count == 80)
  }
}

import BoxGeometry
import Settings
import SystemPackage
import TestSupport
import Testing

@testable import RetinaNetModel

/// One rule made another one.
struct ChangedRule: CustomTestStringConvertible, Sendable {
  let testDescription: String
  let apply: @Sendable (inout Conventions) -> Void

  private init(_ name: String, _ apply: @escaping @Sendable (inout Conventions) -> Void) {
    testDescription = name
    self.apply = apply
  }

  /// Every rule, changed to each other thing that it can be where there are several.
  static let all: [ChangedRule] =
    [
      ChangedRule("source of P6") { $0.network.p6Source = $0.network.p6Source == .p5 ? .c5 : .p5 },
      ChangedRule("ReLU before P7") { $0.network.reluBeforeP7.toggle() },
      ChangedRule("stride in the 1x1") { $0.network.strideIn1x1.toggle() },
      ChangedRule("epsilon") { $0.network.normEpsilon = $0.network.normEpsilon == 0 ? 1e-5 : 0 },
      ChangedRule("channel order") {
        $0.input.channelOrder = $0.input.channelOrder == .rgb ? .bgr : .rgb
      },
      ChangedRule("scale") { $0.input.scale = $0.input.scale == .unit ? .byte : .unit },
      ChangedRule("mean") { $0.input.mean[2] += 0.25 },
      ChangedRule("deviation") { $0.input.standardDeviation[0] *= 1.5 },
      ChangedRule("padding") { $0.input.paddingMultiple = 64 },
      ChangedRule("centre") { $0.anchors.centre = 0.5 },
      ChangedRule("corners") {
        $0.anchors.corners = $0.anchors.corners == .exact ? .rounded : .exact
      },
      ChangedRule("order") {
        $0.anchors.order = $0.anchors.order == .ratioMajor ? .sizeMajor : .ratioMajor
      },
      ChangedRule("strides") {
        $0.anchors.strides = $0.anchors.strides == .fromGrid ? .powersOfTwo : .fromGrid
      },
      ChangedRule("weights") { $0.boxes.weights = [10, 10, 5, 5] },
      ChangedRule("limit") { $0.boxes.logRatioLimit = 1.25 },
      ChangedRule("both limits") { $0.boxes.limitsBothWays.toggle() },
      ChangedRule("clipping") {
        $0.detections.clipping =
          $0.detections.clipping == .atEnd ? .beforeSuppression : .atEnd
      },
      ChangedRule("frame") {
        $0.detections.suppressionFrame =
          $0.detections.suppressionFrame == .input ? .picture : .input
      },
      ChangedRule("across classes") { $0.detections.suppressesAcrossClassesAtEnd.toggle() },
    ]
    + Conventions.Input.Resize.allCases.map { rule in
      ChangedRule("resize \(rule)") { $0.input.resize = rule }
    }
    + Conventions.Input.Resampling.allCases.map { rule in
      ChangedRule("resampling \(rule)") { $0.input.resampling = rule }
    }
    + ClassSeparation.allCases.map { rule in
      ChangedRule("separation \(rule)") { $0.detections.classSeparation = rule }
    }
    + Conventions.Detections.EmptyBoxes.allCases.map { rule in
      ChangedRule("empty boxes \(rule)") { $0.detections.emptyBoxes = rule }
    }
}

@Suite struct ConventionsTests {
  private func description(_ conventions: Conventions) -> ModelDescription {
    ModelDescription(
      architecture: .init(backbone: .resnet50), classes: ["a", nil, "b"], conventions: conventions,
      preprocessing: .init(minSize: 64, maxSize: 64),
      anchors: Conventions.Preset.detectron2.anchors, postprocessing: .init())
  }

  /// A description of the same weights, read from a text.
  private func read(
    _ text: String, of original: ModelDescription, own: ModelDescription? = nil
  ) throws -> ModelDescription {
    let shapes = original.makeNetwork().parameters.map { ($0.name, $0.shape) }
    let facts = try WeightFacts(
      shapes: Dictionary(uniqueKeysWithValues: shapes), hasBatchCounts: false)
    return try ModelDescriptionReader.read(
      try SettingsTree.parse(text, file: "c.yaml"), facts, own: own)
  }

  @Test(arguments: Conventions.Preset.allCases, ChangedRule.all)
  func comeBackAsWritten(_ preset: Conventions.Preset, _ change: ChangedRule) throws {
    var conventions = preset.conventions
    change.apply(&conventions)
    let original = description(conventions)
    #expect(try read(original.json, of: original) == original, "\(original.json)")
  }

  /// Files from before there were conventions have none, and those of torchvision's models need none.
  @Test func torchvisionsAreNotWritten() throws {
    for preset in Conventions.Preset.allCases {
      let isPlain = [.torchvision, .torchvisionV2].contains(preset)
      #expect(description(preset.conventions).json.contains("conventions") == !isPlain)
    }
    #expect(description(.init()).json.contains("strideIn1x1") == false)
  }

  /// The bundled model is of those that are trained here: read and written, its description is the same bytes.
  @Test func theBundledModelKeepsItsBytes() throws {
    let model = try DetectionModel(contentsOf: Self.bundledModel)
    #expect(model.description.conventions == .trainedHere)
    let checkpoint = try ModelFixture.metadata(of: Self.bundledModel)
    #expect(model.description.json == checkpoint[ModelFile.descriptionKey])
  }

  static let bundledModel = FilePath(#filePath).removingLastComponent().removingLastComponent()
    .removingLastComponent().appending("samples/models/codes.safetensors")

  @Test func aPresetSaysEverythingButTheClasses() throws {
    for preset in Conventions.Preset.allCases {
      let original = ModelDescription(
        preset: preset, architecture: .init(backbone: .resnet18), classes: ["x", "y"])
      let text = "conventions: {preset: \(preset.rawValue)}\nclasses: [x, y]"
      #expect(try read(text, of: original) == original)
    }
  }

  /// Over a model file's own rules, whose sizes, anchors and thresholds stay.
  @Test func aPresetGoesOverAFilesRulesAlone() throws {
    var own = description(.init())
    own.postprocessing.detectionsPerImage = 7
    let changed = try read(
      "conventions: {preset: mmdetection, anchors: {centre: 0.5}}", of: own, own: own)
    var right = own
    right.conventions = Conventions.Preset.mmdetection.conventions
    right.conventions.anchors.centre = 0.5
    // As in the weights.
    right.conventions.network.p6Source = .p5
    #expect(changed == right)
  }

  @Test(arguments: [
    (
      "{preset: yolo}",
      "'conventions.preset' has to be one of torchvision, torchvision-v2, detectron2, mmdetection, mmdetection-caffe, deepforest, mlperf, not 'yolo'"
    ),
    (
      "{input: {paddingMultiple: 48}}",
      "'conventions.input.paddingMultiple' has to be a multiple of 32, not '48'"
    ),
    (
      "{input: {paddingMultiple: 1e9}}",
      "'conventions.input.paddingMultiple' has to be a whole number from 32 to 1024, not '1e9'"
    ),
    (
      "{input: {resize: shrink}}",
      "'conventions.input.resize' has to be one of truncate, round, roundInSteps, stretch, not 'shrink'"
    ),
    (
      "{anchors: {centre: 2}}",
      "'conventions.anchors.centre' has to be a number from 0.0 to 1.0, not '2'"
    ),
    (
      "{boxes: {weights: [1, 1, 0, 1]}}",
      "'conventions.boxes.weights[2]' has to be a number from 0.001 to 1000.0, not '0'"
    ),
    (
      "{boxes: {weights: [1, 1]}}",
      "'conventions.boxes.weights' has to be four numbers: of dx, dy, dw, dh, not a list of 2"
    ),
    (
      "{boxes: {logRatioLimit: 1000}}",
      "'conventions.boxes.logRatioLimit' has to be a number from 0.1 to 20.0, not '1000'"
    ),
    (
      "{detections: {clip: never}}",
      "there is no key 'conventions.detections.clip'; clipping, suppressionFrame, classSeparation, emptyBoxes, suppressesAcrossClassesAtEnd can stand there"
    ),
    (
      "{nms: 1}",
      "there is no key 'conventions.nms'; preset, network, input, anchors, boxes, detections can stand there"
    ),
    (
      "{preset: mlperf}\npreprocessing: {minSize: 800, maxSize: 1333}",
      "'preprocessing.maxSize' has to be such that maxSize (1333) equals minSize (800): pictures are stretched to a square, not '1333'"
    ),
  ])
  func wrongOnesAreNamed(_ text: String, _ message: String) throws {
    let original = description(.init())
    let error = #expect(throws: SettingsError.self) {
      try read("conventions: \(text)", of: original, own: original)
    }
    let said = "\(try #require(error))"
    #expect(said.hasSuffix(": \(message)"), "\(said)")
  }

  /// A model that was trained here looks for its large objects in the same places at every size; by torchvision's rule
  /// the anchors of P7 move with the picture: 114 instead of 128 pixels from row to row at 800.
  @Test func anchorsOfOwnModelsStayWhereTheyAre() {
    for (conventions, expected) in [
      (Conventions.trainedHere, [128, 128]), (Conventions(), [128, 114]),
    ] {
      let anchors = AnchorGenerator(description(conventions))
      let strides = [640, 800].map { side in
        let grid = anchors.grid(
          paddedHeight: side, paddedWidth: side,
          gridSizes: [8, 16, 32, 64, 128].map { ((side + $0 - 1) / $0, (side + $0 - 1) / $0) })
        return grid.levels[4].strideY
      }
      #expect(strides == expected)
    }
  }
}

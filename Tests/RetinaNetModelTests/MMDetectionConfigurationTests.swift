import Testing

@testable import RetinaNetModel

@Suite struct MMDetectionConfigurationTests {
  private static func description() -> ModelDescription {
    ModelDescription(
      preset: .mmdetection, architecture: .init(backbone: .resnet50), classes: ["a"])
  }

  /// As 3.x writes it, with everything changed that can be.
  @Test func whatATrainingChanged() throws {
    let text = """
      # made by hand
      default_scope = 'mmdet'
      model = dict(
          backbone=dict(depth=50, style="caffe", init_cfg=None, norm_cfg=dict(type='BN', eps=0.001)),
          bbox_head=dict(
              anchor_generator=dict(
                  octave_base_scale=2, scales_per_octave=2, ratios=[1.0, ], strides=[8, 16, 32, 64, 128, ],
                  type='AnchorGenerator'),
              bbox_coder=dict(target_means=[0.0, 0.0, 0.0, 0.0], target_stds=[0.1, 0.1, 0.2, 0.25]),
              type='RetinaHead'),
          data_preprocessor=dict(bgr_to_rgb=False, mean=[1, 2, 3.5], std=(4, 5, 6), pad_size_divisor=64),
          neck=dict(relu_before_extra_convs=True),
          test_cfg=dict(
              max_per_img=7, nms=dict(iou_threshold=0.6, type='nms'), nms_pre=50, score_thr=1e-1))
      train_pipeline = [dict(type='Resize', scale=(1, 2))]
      test_dataloader = dict(
          dataset=dict(pipeline=[
              {'type': 'LoadImageFromFile'},
              dict(keep_ratio=True, scale=(640, 480), type='Resize'),
          ]))
      """
    let configuration = try #require(MMDetectionConfiguration(text))
    #expect(configuration.style == "caffe")
    var description = Self.description()
    #expect(configuration.apply(to: &description) == [])
    #expect(description.preprocessing == .init(minSize: 480, maxSize: 640))
    #expect(description.conventions.input.channelOrder == .bgr)
    #expect(description.conventions.input.mean == [3.5, 2, 1])
    #expect(description.conventions.input.standardDeviation == [6, 5, 4])
    #expect(description.conventions.input.paddingMultiple == 64)
    #expect(description.conventions.network.normEpsilon == 0.001)
    #expect(description.anchors.sizes[1] == [32, 32 * 1.4142135623730951])
    #expect(description.anchors.aspectRatios == [1])
    #expect(description.conventions.boxes.weights == [10, 10, 5, 4])
    #expect(description.conventions.network.reluBeforeP7)
    #expect(description.postprocessing.scoreThreshold == 0.1)
    #expect(description.postprocessing.nmsThreshold == 0.6)
    #expect(description.postprocessing.candidatesPerLevel == 50)
    #expect(description.postprocessing.detectionsPerImage == 7)
  }

  /// As 2.x writes it.
  @Test func theFormOf2() throws {
    let text = """
      model = dict(bbox_head=dict(type='RetinaHead'), test_cfg=dict(score_thr=0.05))
      data = dict(
          test=dict(pipeline=[
              dict(type='LoadImageFromFile'),
              dict(type='MultiScaleFlipAug', img_scale=(1000, 600), flip=False, transforms=[
                  dict(type='Resize', keep_ratio=True), dict(type='RandomFlip'),
                  dict(type='Normalize', mean=[103.53, 116.28, 123.675], std=[1.0, 1.0, 1.0], to_rgb=False)])]))
      """
    var description = Self.description()
    let configuration = try #require(MMDetectionConfiguration(text))
    #expect(configuration.style == nil)
    #expect(configuration.apply(to: &description) == [])
    #expect(description.preprocessing == .init(minSize: 600, maxSize: 1000))
    let caffe = Conventions.Preset.mmdetectionCaffe.conventions.input
    #expect(description.conventions.input == caffe)
  }

  @Test func whatCannotBeHadIsSaid() throws {
    for (text, words) in [
      ("test_cfg=dict(nms=dict(type='soft_nms'))", "suppression of kind soft_nms"),
      (
        "bbox_head=dict(type='RetinaHead', anchor_generator=dict(strides=[4, 8]))",
        "anchors of other strides, centres or base sizes"
      ),
      ("data_preprocessor=dict(mean=[1, 2, 3])", "inputs that are padded to a multiple of 1.0"),
      (
        "data_preprocessor=dict(pad_size_divisor=48)",
        "inputs that are padded to a multiple of 48.0"
      ),
      (
        "bbox_head=dict(type='RetinaHead', loss_cls=dict(use_sigmoid=False))", "scores by softmax"
      ),
      (
        "bbox_head=dict(type='RetinaHead', bbox_coder=dict(target_means=[1.0]))",
        "box regressions with means or a clamp of centres"
      ),
    ] {
      let head = text.contains("bbox_head") ? "" : "bbox_head=dict(type='RetinaHead'), "
      var description = Self.description()
      let configuration = try #require(MMDetectionConfiguration("model = dict(\(head)\(text))"))
      #expect(configuration.apply(to: &description) == [words])
    }
    var description = Self.description()
    let stretched = """
      model = dict(bbox_head=dict(type='RetinaHead'))
      test_pipeline = [dict(type='Resize', scale=(800, 800), keep_ratio=False)]
      """
    #expect(
      MMDetectionConfiguration(stretched)?.apply(to: &description) == [
        "pictures that are stretched"
      ])
  }

  /// Defaults written down change nothing: not a bit of an anchor.
  @Test func defaultsAreThePresets() throws {
    var description = Self.description()
    let configuration = try #require(
      MMDetectionConfiguration(
        "model = dict(bbox_head=dict(type='RetinaHead', anchor_generator=dict(octave_base_scale=4,"
          + " scales_per_octave=3, ratios=[0.5, 1.0, 2.0])))"))
    #expect(configuration.apply(to: &description) == [])
    #expect(description == Self.description())
  }

  @Test(arguments: [
    "model = open('x')", "model = dict(a=1", "model = [1, 2", "model = 'x", "model = dict(a=b)",
    "import os", "= 3", "model = {'a': }", "model = 1e999", "model = dict(a=1 b=2)", "model =",
  ])
  func nothingElseIsRead(_ text: String) {
    #expect(PythonLiteral.definitions(text) == nil)
  }

  @Test func literals() {
    let read = PythonLiteral.definitions(
      #"a = ('x' "y", -1.5e3, None, True, (1), (2, ), {'k': []}, 'it\'s', """l'o"ng""")"#)
    #expect(
      read?["a"]
        == .list([
          .text("xy"), .number(-1500), PythonLiteral.none, .flag(true), .number(1),
          .list([.number(2)]),
          .dictionary(["k": .list([])]), .text("it's"), .text("l'o\"ng"),
        ]))
    let deep = String(repeating: "[", count: 100_000)
    #expect(PythonLiteral.definitions("a = \(deep)") == nil)
  }
}

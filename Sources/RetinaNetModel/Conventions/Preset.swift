import BoxGeometry

extension Conventions {
  /// A program whose RetinaNets are known: its conventions, and what it leaves its users to choose, as it chooses itself.
  ///
  /// Facts are of torchvision 0.29, Detectron2 0.6 to 0.7, MMDetection 3.3, DeepForest 2.1 and MLPerf's training
  /// benchmark; `scripts/check-peers-parity` compares with them.
  public enum Preset: String, CaseIterable, Sendable {
    /// `retinanet_resnet50_fpn` with its published weights, whose batch norms have epsilon 0 (others: 1e-5).
    case torchvision
    /// `retinanet_resnet50_fpn_v2`.
    case torchvisionV2 = "torchvision-v2"
    /// The model zoo's `retinanet_R_50_FPN` and `_R_101_FPN`.
    case detectron2
    /// `retinanet_r18_fpn` to `retinanet_x101_64x4d_fpn`, of style pytorch.
    case mmdetection
    /// `retinanet_r50_caffe_fpn` and its like: blue first, stride in the 1x1.
    case mmdetectionCaffe = "mmdetection-caffe"
    /// DeepForest's models, torchvision's of a few classes. Those of its hub, and of checkpoints whose configuration
    /// names one, have epsilon 1e-5; those built of torchvision's COCO weights (all of DeepForest 1) have 0.
    case deepforest
    /// `retinanet_resnext50_32x4d_fpn` on Open Images, with inputs of 800 x 800.
    case mlperf

    /// Its rules.
    public var conventions: Conventions {
      var conventions = Conventions()
      switch self {
      case .torchvision:
        conventions.network.normEpsilon = 0
      case .torchvisionV2:
        conventions.network.p6Source = .c5
      case .detectron2:
        conventions.network = Network(p6Source: .c5, strideIn1x1: true)
        conventions.input = Input(
          resize: .roundInSteps, resampling: .pillow, channelOrder: .bgr, scale: .byte,
          mean: [123.675, 116.28, 103.53], standardDeviation: [1, 1, 1])
        conventions.anchors = AnchorRules(
          corners: .exact, order: .sizeMajor, strides: .powersOfTwo)
        conventions.detections = Detections(clipping: .atEnd, emptyBoxes: .dropAtEnd)
      case .mmdetection:
        conventions.network = Network(p6Source: .c5, reluBeforeP7: false)
        conventions.input = Input(
          resize: .round, resampling: .opencv, scale: .byte, mean: [123.675, 116.28, 103.53],
          standardDeviation: [58.395, 57.12, 57.375])
        conventions.anchors = AnchorRules(corners: .exact, strides: .powersOfTwo)
        conventions.boxes.limitsBothWays = true
        conventions.detections = Detections(
          suppressionFrame: .picture, classSeparation: .moved, emptyBoxes: .dropBeforeSuppression)
      case .mmdetectionCaffe:
        conventions = Self.mmdetection.conventions
        conventions.network.strideIn1x1 = true
        conventions.input.channelOrder = .bgr
        conventions.input.standardDeviation = [1, 1, 1]
      case .deepforest:
        conventions.detections.suppressesAcrossClassesAtEnd = true
      case .mlperf:
        conventions.input.resize = .stretch
      }
      return conventions
    }

    /// The sizes that it brings pictures to.
    public var preprocessing: ModelDescription.Preprocessing {
      self == .mlperf ? .init(minSize: 800, maxSize: 800) : .init()
    }

    /// Its anchors: sides of 32 to 512 pixels times 1, 2^(1/3) and 2^(2/3), whose fractions torchvision cuts off.
    public var anchors: ModelDescription.Anchors {
      switch conventions.anchors.corners {
      case .rounded: .init()
      case .exact:
        .init(
          sizes: [32, 64, 128, 256, 512].map { side in
            [side, side * 1.2599210498948732, side * 1.5874010519681994]
          })
      }
    }

    /// Its thresholds and limits.
    public var postprocessing: ModelDescription.Postprocessing {
      switch self {
      case .detectron2, .mmdetection, .mmdetectionCaffe: .init(detectionsPerImage: 100)
      case .deepforest: .init(scoreThreshold: 0.1, nmsThreshold: 0.05)
      case .torchvision, .torchvisionV2, .mlperf: .init()
      }
    }
  }
}

extension ModelDescription {
  /// The description of a program's network.
  ///
  /// - Parameters:
  ///   - preset: the program; its conventions, sizes, anchors and thresholds.
  ///   - architecture: the network's shape.
  ///   - classes: labels by column of the class head.
  public init(
    preset: Conventions.Preset, architecture: Architecture, classes: [String?]
  ) {
    self.init(
      architecture: architecture, classes: classes, conventions: preset.conventions,
      preprocessing: preset.preprocessing, anchors: preset.anchors,
      postprocessing: preset.postprocessing)
  }
}

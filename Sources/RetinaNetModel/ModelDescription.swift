/// What the weights of a RetinaNet do not say: the network's shape, its classes, how pictures are prepared
/// and how outputs become detections. Stored as JSON in the model file's metadata (see `ModelFile`).
public struct ModelDescription: Equatable, Sendable {
  /// The network's shape.
  public var architecture: Architecture
  /// Class labels by column of the class head; nil marks a column that stands for no class (torchvision's 91
  /// COCO columns have eleven of them), which is never reported.
  public var classes: [String?]
  /// How a picture becomes the network's input.
  public var preprocessing: Preprocessing
  /// Anchor shapes.
  public var anchors: Anchors
  /// How outputs become detections, unless the user says otherwise.
  public var postprocessing: Postprocessing

  /// Creates a description from its parts.
  public init(
    architecture: Architecture, classes: [String?], preprocessing: Preprocessing,
    anchors: Anchors, postprocessing: Postprocessing
  ) {
    self.architecture = architecture
    self.classes = classes
    self.preprocessing = preprocessing
    self.anchors = anchors
    self.postprocessing = postprocessing
  }
}

extension ModelDescription {
  /// ResNet or ResNeXt + feature pyramid + the two subnets (Lin et al. 2017, section 4).
  public struct Architecture: Equatable, Sendable {
    /// Depth of the residual network.
    public enum Backbone: String, CaseIterable, Sendable {
      case resnet18, resnet34, resnet50, resnet101, resnet152
    }
    /// What the P6 convolution reads.
    public enum P6Source: String, CaseIterable, Sendable {
      /// The pyramid's own P5 (torchvision v1).
      case p5
      /// The backbone's last stage (the paper, torchvision v2).
      case c5
    }
    /// Normalisation after each 3x3 convolution of the heads.
    public enum HeadNorm: String, CaseIterable, Sendable {
      case none
      /// GroupNorm of 32 groups, epsilon 1e-5 (torchvision v2).
      case groupNorm
    }

    /// Depth of the residual network.
    public var backbone: Backbone
    /// Channels of the stem; the stages give four times as many (bottlenecks) or as many, doubled from stage to stage.
    /// 64 in every published ResNet.
    public var baseWidth: Int
    /// Groups of each bottleneck's 3x3 convolution: 1 in a ResNet, 32 or 64 in a ResNeXt (Xie et al. 2017).
    public var groups: Int
    /// Channels of one group in the first stage, doubled from stage to stage: 4 in ResNeXt 32x4d and 64x4d; nil stands
    /// for `baseWidth`, as in a ResNet.
    public var groupWidth: Int?
    /// Whether a bottleneck's stride is in its first 1x1 convolution, as in He et al. 2016 and Caffe's weights, rather
    /// than in its 3x3, as torchvision has it. The weights do not say.
    public var strideIn1x1: Bool
    /// Epsilon of the backbone's batch norms: 0 for torchvision's published v1 weights, else 1e-5.
    public var normEpsilon: Float
    /// Channels of the pyramid and of the heads; 256 in the paper.
    public var pyramidChannels: Int
    /// What the P6 convolution reads.
    public var p6Source: P6Source
    /// 3x3 convolutions of each head before its output convolution; 4 in the paper.
    public var headDepth: Int
    /// Normalisation inside the heads.
    public var headNorm: HeadNorm

    /// Creates an architecture; the defaults are the paper's.
    public init(
      backbone: Backbone, baseWidth: Int = 64, groups: Int = 1, groupWidth: Int? = nil,
      strideIn1x1: Bool = false, normEpsilon: Float = 1e-5,
      pyramidChannels: Int = 256, p6Source: P6Source = .p5, headDepth: Int = 4,
      headNorm: HeadNorm = .none
    ) {
      self.backbone = backbone
      self.baseWidth = baseWidth
      self.groups = groups
      self.groupWidth = groupWidth
      self.strideIn1x1 = strideIn1x1
      self.normEpsilon = normEpsilon
      self.pyramidChannels = pyramidChannels
      self.p6Source = p6Source
      self.headDepth = headDepth
      self.headNorm = headNorm
    }
  }

  /// torchvision's `GeneralizedRCNNTransform`: normalise, then resize bilinearly without antialiasing.
  public struct Preprocessing: Equatable, Sendable {
    /// Target of the shorter side in pixels.
    public var minSize: Int
    /// Bound of the longer side in pixels.
    public var maxSize: Int
    /// Mean of red, green, blue for values in 0...1.
    public var mean: [Float]
    /// Standard deviation of red, green, blue for values in 0...1.
    public var standardDeviation: [Float]

    /// Creates the settings; the defaults are torchvision's, ImageNet's statistics.
    public init(
      minSize: Int = 800, maxSize: Int = 1333, mean: [Float] = [0.485, 0.456, 0.406],
      standardDeviation: [Float] = [0.229, 0.224, 0.225]
    ) {
      self.minSize = minSize
      self.maxSize = maxSize
      self.mean = mean
      self.standardDeviation = standardDeviation
    }
  }

  /// Anchor shapes: every level has all `aspectRatios` at each of its own sizes.
  public struct Anchors: Equatable, Sendable {
    /// Side lengths in pixels of the network's input, per level P3...P7.
    public var sizes: [[Int]]
    /// Height divided by width.
    public var aspectRatios: [Double]

    /// Creates the settings; the defaults are torchvision's truncated x, x·2^(1/3), x·2^(2/3).
    public init(
      sizes: [[Int]] = [
        [32, 40, 50], [64, 80, 101], [128, 161, 203], [256, 322, 406], [512, 645, 812],
      ],
      aspectRatios: [Double] = [0.5, 1, 2]
    ) {
      self.sizes = sizes
      self.aspectRatios = aspectRatios
    }

    /// Anchors per cell. Every level has the same number.
    public var countPerCell: Int { (sizes.first?.count ?? 0) * aspectRatios.count }
  }

  /// Defaults of the choices a user can make for each run.
  public struct Postprocessing: Equatable, Sendable {
    /// Detections must score above this (strictly).
    public var scoreThreshold: Float
    /// Overrides by label.
    public var classThresholds: [String: Float]
    /// Of each level, this many best-scoring (anchor, class) pairs go on to NMS.
    public var candidatesPerLevel: Int
    /// A box that overlaps a better one of its class by more than this IoU is dropped. A Double, because
    /// torchvision compares float32 IoUs with one: 0.3 is not Float(0.3).
    public var nmsThreshold: Double
    /// Whether boxes of different classes suppress each other: for classes of which an object can only be one.
    public var classAgnosticNMS: Bool
    /// At most this many detections are reported per picture.
    public var detectionsPerImage: Int

    /// Creates the settings; the defaults are torchvision's.
    public init(
      scoreThreshold: Float = 0.05, classThresholds: [String: Float] = [:],
      candidatesPerLevel: Int = 1000, nmsThreshold: Double = 0.5, classAgnosticNMS: Bool = false,
      detectionsPerImage: Int = 300
    ) {
      self.scoreThreshold = scoreThreshold
      self.classThresholds = classThresholds
      self.candidatesPerLevel = candidatesPerLevel
      self.nmsThreshold = nmsThreshold
      self.classAgnosticNMS = classAgnosticNMS
      self.detectionsPerImage = detectionsPerImage
    }
  }
}

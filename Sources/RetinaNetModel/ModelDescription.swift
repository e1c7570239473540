/// What a RetinaNet is beside its weights: the network's shape, its classes, whose rules hold from picture to
/// detections, and sizes, anchors and thresholds. Stored as JSON in the model file's metadata (see `ModelFile`).
public struct ModelDescription: Equatable, Sendable {
  /// The network's shape.
  public var architecture: Architecture
  /// Class labels by column of the class head; nil marks a column that stands for no class (torchvision's 91
  /// COCO columns have eleven of them), which is never reported.
  public var classes: [String?]
  /// Whose rules hold where programs differ.
  public var conventions: Conventions
  /// The sizes that pictures are brought to.
  public var preprocessing: Preprocessing
  /// Anchor shapes.
  public var anchors: Anchors
  /// How outputs become detections, unless the user says otherwise.
  public var postprocessing: Postprocessing
  /// How the network computes in 8 bits; nil for models that were not calibrated.
  public var quantization: ModelQuantization?

  /// Creates a description from its parts.
  public init(
    architecture: Architecture, classes: [String?], conventions: Conventions = .init(),
    preprocessing: Preprocessing, anchors: Anchors, postprocessing: Postprocessing,
    quantization: ModelQuantization? = nil
  ) {
    self.architecture = architecture
    self.classes = classes
    self.conventions = conventions
    self.preprocessing = preprocessing
    self.anchors = anchors
    self.postprocessing = postprocessing
    self.quantization = quantization
  }
}

extension ModelDescription {
  /// ResNet or ResNeXt + feature pyramid + the two subnets (Lin et al. 2017, section 4).
  public struct Architecture: Equatable, Sendable {
    /// Depth of the residual network.
    public enum Backbone: String, CaseIterable, Sendable {
      case resnet18, resnet34, resnet50, resnet101, resnet152
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
    /// Channels of the pyramid and of the heads; 256 in the paper.
    public var pyramidChannels: Int
    /// 3x3 convolutions of each head before its output convolution; 4 in the paper.
    public var headDepth: Int
    /// Normalisation inside the heads.
    public var headNorm: HeadNorm

    /// Creates an architecture; the defaults are the paper's.
    public init(
      backbone: Backbone, baseWidth: Int = 64, groups: Int = 1, groupWidth: Int? = nil,
      pyramidChannels: Int = 256, headDepth: Int = 4, headNorm: HeadNorm = .none
    ) {
      self.backbone = backbone
      self.baseWidth = baseWidth
      self.groups = groups
      self.groupWidth = groupWidth
      self.pyramidChannels = pyramidChannels
      self.headDepth = headDepth
      self.headNorm = headNorm
    }
  }

  /// The sizes that pictures are brought to, by the rule of `Conventions.Input.resize`.
  public struct Preprocessing: Equatable, Sendable {
    /// Target of the shorter side in pixels.
    public var minSize: Int
    /// Bound of the longer side in pixels.
    public var maxSize: Int

    /// Creates the settings; the defaults are torchvision's.
    public init(minSize: Int = 800, maxSize: Int = 1333) {
      self.minSize = minSize
      self.maxSize = maxSize
    }
  }

  /// Anchor shapes: every level has all `aspectRatios` at each of its own sizes.
  public struct Anchors: Equatable, Sendable {
    /// Side lengths in pixels of the network's input, per level P3...P7.
    public var sizes: [[Double]]
    /// Height divided by width.
    public var aspectRatios: [Double]

    /// Creates the settings; the defaults are torchvision's truncated x, x·2^(1/3), x·2^(2/3).
    public init(
      sizes: [[Double]] = [
        [32, 40, 50], [64, 80, 101], [128, 161, 203], [256, 322, 406], [512, 645, 812],
      ],
      aspectRatios: [Double] = [0.5, 1, 2]
    ) {
      self.sizes = sizes
      self.aspectRatios = aspectRatios
    }

    /// A size as files and people write it: whole ones without a point.
    ///
    /// - Parameter size: in pixels.
    /// - Returns: the shortest digits that give the same number.
    public static func text(_ size: Double) -> String {
      // Bounded: of 100 000 pixels at most.
      size == size.rounded() ? "\(Int(size))" : "\(size)"
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

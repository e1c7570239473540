import BoxGeometry

/// Whose rules hold: everything about a RetinaNet that programs do differently and neither the shapes of its weights
/// nor a user's choice say. Weights that were trained under one program's rules give that program's detections only
/// under the same rules. Each stage is built from its part; `Preset` has those of known programs.
///
/// The defaults are torchvision's, with the epsilon of PyTorch's batch norms.
public struct Conventions: Equatable, Sendable {
  /// Of the network itself.
  public var network: Network
  /// From a picture to the network's input.
  public var input: Input
  /// Anchors.
  public var anchors: AnchorRules
  /// Box regressions.
  public var boxes: BoxCoder
  /// From boxes and scores to detections.
  public var detections: Detections

  /// Creates conventions.
  public init(
    network: Network = .init(), input: Input = .init(), anchors: AnchorRules = .init(),
    boxes: BoxCoder = .init(), detections: Detections = .init()
  ) {
    self.network = network
    self.input = input
    self.anchors = anchors
    self.boxes = boxes
    self.detections = detections
  }

  /// Of models that are trained here: torchvision's, but with true strides, so that anchors stay where they are when a
  /// picture's size changes.
  public static let trainedHere = Conventions(anchors: AnchorRules(strides: .powersOfTwo))
}

extension Conventions {
  /// What of the network its weights' shapes do not say.
  public struct Network: Equatable, Sendable {
    /// What the P6 convolution reads. Weights say it too, unless C5 has as many channels as the pyramid.
    public enum P6Source: String, CaseIterable, Sendable {
      /// The pyramid's own P5 (torchvision v1).
      case p5
      /// The backbone's last stage (the paper, torchvision v2, Detectron2, MMDetection).
      case c5
    }

    /// What the P6 convolution reads.
    public var p6Source: P6Source
    /// Whether the P7 convolution reads P6 through a ReLU: everywhere but in MMDetection. The heads read P6 without.
    public var reluBeforeP7: Bool
    /// Whether a bottleneck's stride is in its first 1x1 convolution, as in He et al. 2016 and Caffe's weights
    /// (Detectron2, MMDetection's caffe variants), rather than in its 3x3.
    public var strideIn1x1: Bool
    /// Epsilon of the backbone's batch norms: 0 for torchvision's published v1 weights, else 1e-5.
    public var normEpsilon: Float

    /// Creates rules.
    public init(
      p6Source: P6Source = .p5, reluBeforeP7: Bool = true, strideIn1x1: Bool = false,
      normEpsilon: Float = 1e-5
    ) {
      self.p6Source = p6Source
      self.reluBeforeP7 = reluBeforeP7
      self.strideIn1x1 = strideIn1x1
      self.normEpsilon = normEpsilon
    }
  }

  /// How a picture becomes the network's input.
  public struct Input: Equatable, Sendable {
    /// The size that a picture is brought to, by `minSize` (m) and `maxSize` (M); sides are whole numbers.
    public enum Resize: String, CaseIterable, Sendable {
      /// Both sides times f = min(m / shorter, M / longer), truncated: 480x640 becomes 800x1066 (torchvision).
      case truncate
      /// Both sides times f, rounded: 480x640 becomes 800x1067 (MMDetection).
      case round
      /// The shorter side to m, the other times m / shorter; then, if longer than M, both times M / longer; rounded at
      /// the end (Detectron2's ResizeShortestEdge). Differs from `round` by a pixel where a product is near a half.
      case roundInSteps
      /// m x m, whatever the picture's shape (MLPerf). `maxSize` is the same.
      case stretch
    }
    /// How pixels are interpolated, and when they are normalised.
    public enum Resampling: String, CaseIterable, Sendable {
      /// Normalised, then bilinear in float32 without antialiasing (torchvision).
      case float
      /// Pillow's BILINEAR on bytes, which is antialiased where a picture shrinks; then normalised (Detectron2).
      case pillow
      /// OpenCV's INTER_LINEAR on bytes, in fixed point, without antialiasing; then normalised (MMDetection).
      case opencv
    }
    /// The order of the input's channels.
    public enum ChannelOrder: String, CaseIterable, Sendable {
      /// Red first (torchvision, MMDetection's pytorch variants).
      case rgb
      /// Blue first, as OpenCV loads and Caffe's weights were trained (Detectron2, MMDetection's caffe variants).
      case bgr
    }
    /// What a full channel is before normalisation: `mean` and `standardDeviation` are on this scale.
    public enum Scale: String, CaseIterable, Sendable {
      /// 1: bytes are divided by 255.
      case unit
      /// 255: bytes as they are.
      case byte
    }

    /// The size that a picture is brought to.
    public var resize: Resize
    /// How pixels are interpolated.
    public var resampling: Resampling
    /// The order of the input's channels.
    public var channelOrder: ChannelOrder
    /// What a full channel is before normalisation.
    public var scale: Scale
    /// Mean of red, green, blue (in this order, whatever `channelOrder` is), on the scale of `scale`.
    public var mean: [Float]
    /// Standard deviation of red, green, blue.
    public var standardDeviation: [Float]
    /// Zeros are added at the right and at the bottom up to a multiple of this, itself one of 32.
    public var paddingMultiple: Int

    /// Creates rules.
    public init(
      resize: Resize = .truncate, resampling: Resampling = .float,
      channelOrder: ChannelOrder = .rgb,
      scale: Scale = .unit, mean: [Float] = [0.485, 0.456, 0.406],
      standardDeviation: [Float] = [0.229, 0.224, 0.225], paddingMultiple: Int = 32
    ) {
      self.resize = resize
      self.resampling = resampling
      self.channelOrder = channelOrder
      self.scale = scale
      self.mean = mean
      self.standardDeviation = standardDeviation
      self.paddingMultiple = paddingMultiple
    }
  }

  /// How candidates become detections. In all: threshold and best candidates of each level, boxes, suppression by
  /// class, limit, scaling to the picture; the thresholds and limits are `ModelDescription.Postprocessing`.
  public struct Detections: Equatable, Sendable {
    /// When boxes are cut to the picture. All are in the end.
    public enum Clipping: String, CaseIterable, Sendable {
      /// To the resized picture, before suppression sees them (torchvision, MMDetection).
      case beforeSuppression
      /// To the picture, at the end only (Detectron2).
      case atEnd
    }
    /// The pixels that suppression counts in.
    public enum Frame: String, CaseIterable, Sendable {
      /// The network's input (torchvision, Detectron2).
      case input
      /// The picture, to which boxes are scaled before (MMDetection).
      case picture
    }
    /// What becomes of boxes without width or height.
    public enum EmptyBoxes: String, CaseIterable, Sendable {
      /// They stay (torchvision).
      case keep
      /// They are dropped before suppression (MMDetection).
      case dropBeforeSuppression
      /// They are dropped at the end, and leave their place among `detectionsPerImage` empty (Detectron2).
      case dropAtEnd
    }

    /// When boxes are cut to the picture.
    public var clipping: Clipping
    /// The pixels that suppression counts in.
    public var suppressionFrame: Frame
    /// How suppression keeps classes apart.
    public var classSeparation: ClassSeparation
    /// What becomes of boxes without width or height.
    public var emptyBoxes: EmptyBoxes
    /// Whether what is left after suppression by class and limit is suppressed once more, whatever the class
    /// (DeepForest).
    public var suppressesAcrossClassesAtEnd: Bool

    /// Creates rules.
    public init(
      clipping: Clipping = .beforeSuppression, suppressionFrame: Frame = .input,
      classSeparation: ClassSeparation = .movedUpTo1000, emptyBoxes: EmptyBoxes = .keep,
      suppressesAcrossClassesAtEnd: Bool = false
    ) {
      self.clipping = clipping
      self.suppressionFrame = suppressionFrame
      self.classSeparation = classSeparation
      self.emptyBoxes = emptyBoxes
      self.suppressesAcrossClassesAtEnd = suppressesAcrossClassesAtEnd
    }
  }
}

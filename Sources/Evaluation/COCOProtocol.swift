/// The fixed numbers of COCO's protocol for boxes (pycocotools, `Params.setDetParams`).
enum COCOProtocol {
  /// 0.50, 0.55 ... 0.95 with the bits of `numpy.linspace(.5, .95, 10)`.
  static let overlapThresholds = linearSpace(from: 0.5, through: 0.95, count: 10)
  /// 0.00, 0.01 ... 1.00 with the bits of `numpy.linspace(0, 1, 101)`.
  static let recallThresholds = linearSpace(from: 0, through: 1, count: 101)
  /// Detections kept of one image and category, the highest scores first.
  static let detectionLimit = 100

  private static func linearSpace(from first: Double, through last: Double, count: Int) -> [Double]
  {
    let step = (last - first) / Double(count - 1)
    return (0..<count - 1).map { Double($0) * step + first } + [last]
  }
}

/// The classes of size that COCO reports apart; both ends belong to a class.
public enum AreaRange: Int, CaseIterable, Sendable {
  /// Every object.
  case all
  /// Up to 32 x 32 pixels.
  case small
  /// From 32 x 32 to 96 x 96 pixels.
  case medium
  /// From 96 x 96 pixels.
  case large

  /// The range in square pixels.
  public var bounds: ClosedRange<Double> {
    switch self {
    case .all: 0...1e10
    case .small: 0...1024
    case .medium: 1024...9216
    case .large: 9216...1e10
    }
  }
}

/// COCO's twelve numbers, in the order in which they are always printed.
public enum COCOMetric: Int, CaseIterable, Sendable {
  /// Average precision over the overlaps 0.50 to 0.95.
  case ap
  /// Average precision at overlap 0.50.
  case ap50
  /// Average precision at overlap 0.75.
  case ap75
  /// Average precision of small objects.
  case apSmall
  /// Average precision of medium objects.
  case apMedium
  /// Average precision of large objects.
  case apLarge
  /// Average recall with 1 detection per image and category.
  case ar1
  /// Average recall with 10 detections per image and category.
  case ar10
  /// Average recall with 100 detections per image and category.
  case ar100
  /// Average recall of small objects.
  case arSmall
  /// Average recall of medium objects.
  case arMedium
  /// Average recall of large objects.
  case arLarge

  /// The short name, as in `AP50`.
  public var name: String {
    switch self {
    case .ap: "AP"
    case .ap50: "AP50"
    case .ap75: "AP75"
    case .apSmall: "APsmall"
    case .apMedium: "APmedium"
    case .apLarge: "APlarge"
    case .ar1: "AR1"
    case .ar10: "AR10"
    case .ar100: "AR100"
    case .arSmall: "ARsmall"
    case .arMedium: "ARmedium"
    case .arLarge: "ARlarge"
    }
  }

  /// The sizes that it looks at.
  var area: AreaRange {
    switch self {
    case .ap, .ap50, .ap75, .ar1, .ar10, .ar100: .all
    case .apSmall, .arSmall: .small
    case .apMedium, .arMedium: .medium
    case .apLarge, .arLarge: .large
    }
  }

  /// The overlap thresholds that it looks at, as indices.
  var overlaps: Range<Int> {
    switch self {
    case .ap50: 0..<1
    case .ap75: 5..<6
    default: 0..<COCOProtocol.overlapThresholds.count
    }
  }

  /// The highest-scoring detections per image and category that it looks at.
  var detectionLimit: Int {
    switch self {
    case .ar1: 1
    case .ar10: 10
    default: COCOProtocol.detectionLimit
    }
  }

  /// Whether it averages precision; else it averages recall.
  var isPrecision: Bool { rawValue <= COCOMetric.apLarge.rawValue }
}

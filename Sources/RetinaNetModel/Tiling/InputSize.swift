import Failures

/// Sizes of the network's input that do not suit the model.
public struct InputSizeError: ClassifiedError, Equatable, Sendable {
  /// One line: what, and what to do.
  public let description: String
  /// The kind.
  public var kind: FailureKind { .usage }
}

extension ModelDescription {
  /// Sides that pictures may be brought to.
  public static let inputSides = 1...16_384

  /// The same model with pictures brought to other sizes.
  ///
  /// - Parameters:
  ///   - shorter: pixels of the shorter side; nil: the model's.
  ///   - longer: bound of the longer side; nil: the model's, in proportion to `shorter` if that is given.
  /// - Returns: with other `preprocessing`.
  /// - Throws: `InputSizeError` where they do not go together, or with the model.
  func withInputSize(shorter: Int?, longer: Int?) throws(InputSizeError) -> ModelDescription {
    guard shorter != nil || longer != nil else { return self }
    var result = self
    let minSize = shorter ?? preprocessing.minSize
    result.preprocessing.minSize = minSize
    if conventions.input.resize == .stretch {
      guard longer == nil else {
        throw InputSizeError(
          description:
            "the model stretches every picture to a square: --size says its side, and --max-size nothing"
        )
      }
      result.preprocessing.maxSize = minSize
    } else {
      let proportion = Double(minSize) / Double(preprocessing.minSize)
      // Bounded: at most 16384², as the sides are checked where they come from.
      let inProportion = Int((Double(preprocessing.maxSize) * proportion).rounded())
      result.preprocessing.maxSize = longer ?? max(minSize, inProportion)
    }
    let maxSize = result.preprocessing.maxSize
    guard minSize <= maxSize else {
      throw InputSizeError(
        description:
          "the longer side of pictures, at most \(maxSize) pixels, has to be at least the shorter of \(minSize): "
          + "choose another --size or --max-size")
    }
    guard result.isCountable, maxSize <= Self.inputSides.upperBound else {
      throw InputSizeError(
        description:
          "pictures of \(maxSize)x\(minSize) are too large for this network: choose a smaller --size"
      )
    }
    return result
  }

  /// (anchor, class) pairs of a level are numbered in 32 bits (`CandidateSearch`).
  private var isCountable: Bool {
    // P3 has an eighth of the padded input's rows and columns.
    let padding = conventions.input.paddingMultiple - 1
    let cells = (preprocessing.minSize + padding) / 8 * ((preprocessing.maxSize + padding) / 8)
    return cells * anchors.countPerCell * classes.count <= UInt32.max
  }
}

extension Detector {
  /// A picture may be this many times as large as what the network sees of it: an object as large as the smallest anchor
  /// then covers a quarter of it, far below the overlap at which training calls an anchor background (0.4).
  private static let largestShrinkage = 2.0

  /// What to tell the user of a picture that is shrunk so much that small objects are lost; nil where it is not, and
  /// where it is looked at in tiles.
  ///
  /// - Parameters:
  ///   - width: columns of the picture.
  ///   - height: rows of the picture.
  /// - Returns: a line, or nil.
  public func remark(width: Int, height: Int) -> String? {
    guard looks.tiling == nil, let anchor = description.anchors.sizes.joined().min() else {
      return nil
    }
    let geometry = geometry(width: width, height: height)
    let shrinkage = max(
      Double(width) / Double(geometry.resizedWidth),
      Double(height) / Double(geometry.resizedHeight))
    guard shrinkage > Self.largestShrinkage else { return nil }
    // Bounded: a picture's side times an anchor's size, at most 100 000.
    let side = Int((anchor * shrinkage / Self.largestShrinkage).rounded())
    return
      "\(width)x\(height) is looked at as \(geometry.resizedWidth)x\(geometry.resizedHeight), where objects "
      + "below about \(side) pixels are lost: --tile \(description.preprocessing.minSize) looks at parts of it at their "
      + "own resolution"
  }
}

extension DetectorWorker {
  /// As `Detector.remark(width:height:)`.
  ///
  /// - Parameters:
  ///   - width: columns of the picture.
  ///   - height: rows of the picture.
  /// - Returns: a line, or nil.
  public func remark(width: Int, height: Int) -> String? {
    detector.remark(width: width, height: height)
  }
}

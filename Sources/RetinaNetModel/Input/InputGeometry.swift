/// The sizes a picture goes through on its way into the network.
public struct InputGeometry: Hashable, Sendable {
  /// Rows of the picture.
  public let originalHeight: Int
  /// Columns of the picture.
  public let originalWidth: Int
  /// Rows after the resize.
  public let resizedHeight: Int
  /// Columns after the resize.
  public let resizedWidth: Int

  /// Rows of the network's input: the resized rows, padded to a multiple; in a batch those of the highest picture.
  public var paddedHeight: Int
  /// Columns of the network's input: the resized columns, padded likewise.
  public var paddedWidth: Int

  /// Sizes by the model's rule, in its program's arithmetic: torchvision's `models/detection/transform.py` makes 799x1194
  /// of 335x500, for its scale is a little too small in double precision. A side that would vanish (pictures longer
  /// than 1333 times their width) keeps one pixel, where torchvision stops with an error.
  ///
  /// - Parameters:
  ///   - height: rows of the picture, at least 1.
  ///   - width: columns of the picture, at least 1.
  ///   - preprocessing: the model's sizes.
  ///   - rules: the model's rule.
  public init(
    height: Int, width: Int, preprocessing: ModelDescription.Preprocessing,
    rules: Conventions.Input
  ) {
    precondition(height > 0 && width > 0, "a picture of \(width)x\(height)")
    let sides = Self.resized(
      (Double(height), Double(width)), rules.resize, minSize: Double(preprocessing.minSize),
      maxSize: Double(preprocessing.maxSize))
    self.init(
      originalHeight: height, originalWidth: width,
      // Bounded: neither side becomes more than half a pixel above maxSize.
      resizedHeight: max(1, Int(sides.height)),
      // Bounded: as the height.
      resizedWidth: max(1, Int(sides.width)), paddingMultiple: rules.paddingMultiple)
  }

  /// Sizes as given, for tests against outputs made elsewhere.
  public init(
    originalHeight: Int, originalWidth: Int, resizedHeight: Int, resizedWidth: Int,
    paddingMultiple: Int = 32
  ) {
    func padded(_ side: Int) -> Int {
      (side + paddingMultiple - 1) / paddingMultiple * paddingMultiple
    }
    self.originalHeight = originalHeight
    self.originalWidth = originalWidth
    self.resizedHeight = resizedHeight
    self.resizedWidth = resizedWidth
    paddedHeight = padded(resizedHeight)
    paddedWidth = padded(resizedWidth)
  }

  /// Sides whose whole parts are meant; each rule in its program's order of operations.
  private static func resized(
    _ size: (height: Double, width: Double), _ rule: Conventions.Input.Resize, minSize: Double,
    maxSize: Double
  ) -> (height: Double, width: Double) {
    let shorter = min(size.height, size.width)
    let longer = max(size.height, size.width)
    switch rule {
    case .truncate:
      let scale = min(minSize / shorter, maxSize / longer)
      return (size.height * scale, size.width * scale)
    case .round:
      let scale = min(maxSize / longer, minSize / shorter)
      return (size.height * scale + 0.5, size.width * scale + 0.5)
    case .roundInSteps:
      let scale = minSize / shorter
      var sides =
        size.height < size.width
        ? (height: minSize, width: scale * size.width)
        : (height: scale * size.height, width: minSize)
      let reached = max(sides.height, sides.width)
      if reached > maxSize {
        let smaller = maxSize / reached
        sides = (sides.height * smaller, sides.width * smaller)
      }
      return (sides.height + 0.5, sides.width + 0.5)
    case .stretch:
      return (minSize, minSize)
    }
  }
}

extension ModelDescription {
  /// The sizes that a picture goes through.
  ///
  /// - Parameters:
  ///   - height: rows of the picture, at least 1.
  ///   - width: columns of the picture, at least 1.
  /// - Returns: by this model's sizes and rule.
  public func inputGeometry(height: Int, width: Int) -> InputGeometry {
    InputGeometry(
      height: height, width: width, preprocessing: preprocessing, rules: conventions.input)
  }
}

/// The sizes a picture goes through on its way into the network (torchvision
/// `models/detection/transform.py`).
public struct InputGeometry: Hashable, Sendable {
  /// Rows of the picture.
  public let originalHeight: Int
  /// Columns of the picture.
  public let originalWidth: Int
  /// Rows after the resize.
  public let resizedHeight: Int
  /// Columns after the resize.
  public let resizedWidth: Int

  /// Rows of the network's input: the resized rows, padded to a multiple of 32; in a batch those of the highest picture.
  public var paddedHeight: Int
  /// Columns of the network's input: the resized columns, padded likewise.
  public var paddedWidth: Int

  /// Sizes by torchvision's rule: scale = min(minSize / shorter side, maxSize / longer side) in double
  /// precision, both sides times scale, truncated: so that 335x500 becomes 799x1194, and 480x640 becomes
  /// 800x1066. A side that would vanish (pictures longer than 1333 times their width) keeps one pixel, where
  /// torchvision stops with an error.
  ///
  /// - Parameters:
  ///   - height: rows of the picture, at least 1.
  ///   - width: columns of the picture, at least 1.
  ///   - preprocessing: the model's sizes.
  public init(height: Int, width: Int, preprocessing: ModelDescription.Preprocessing) {
    precondition(height > 0 && width > 0, "a picture of \(width)x\(height)")
    let scale = min(
      Double(preprocessing.minSize) / Double(min(height, width)),
      Double(preprocessing.maxSize) / Double(max(height, width)))
    self.init(
      originalHeight: height, originalWidth: width,
      // Bounded: neither side becomes more than maxSize.
      resizedHeight: max(1, Int(Double(height) * scale)),
      // Bounded: as the height.
      resizedWidth: max(1, Int(Double(width) * scale)))
  }

  /// Sizes as given, for tests against outputs made elsewhere.
  public init(
    originalHeight: Int, originalWidth: Int, resizedHeight: Int, resizedWidth: Int
  ) {
    self.originalHeight = originalHeight
    self.originalWidth = originalWidth
    self.resizedHeight = resizedHeight
    self.resizedWidth = resizedWidth
    paddedHeight = (resizedHeight + 31) / 32 * 32
    paddedWidth = (resizedWidth + 31) / 32 * 32
  }
}

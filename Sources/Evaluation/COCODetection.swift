import Datasets

/// One detection to be judged.
public struct COCODetection: Equatable, Sendable {
  /// The image it was made in.
  public var imageID: Int
  /// The category it claims.
  public var categoryID: Int
  /// Its confidence; only the order counts.
  public var score: Double
  /// Its box in pixels.
  public var box: COCOBox

  /// Creates a detection from its parts.
  public init(imageID: Int, categoryID: Int, score: Double, box: COCOBox) {
    self.imageID = imageID
    self.categoryID = categoryID
    self.score = score
    self.box = box
  }
}

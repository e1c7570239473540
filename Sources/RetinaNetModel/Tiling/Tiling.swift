import BoxGeometry

/// Looking at a large picture in parts: square tiles in pixels of the picture, each resized as a picture of its own
/// would be, so that a tile of the model's size is seen at its own resolution; and how what they find is put together.
///
/// As SAHI and DeepForest's `predict_tile` do: neighbours overlap, the last column and the last row are moved inwards
/// until they end with the picture, and what tiles found is suppressed once more over all of them.
public struct Tiling: Equatable, Sendable {
  /// Sides that a tile may have, in pixels.
  public static let sides = 32...16_384
  /// Shares of a tile that its neighbour may have in common with it.
  public static let overlaps = 0.0...0.9

  /// Pixels of a tile's side; a picture's side that is shorter is taken whole.
  public var side: Int
  /// The share of a tile that the next one has in common with it, at least; in whole pixels, rounded down.
  public var overlap: Double
  /// How overlap is counted where what one tile found suppresses what another found.
  public var measure: OverlapMeasure
  /// Overlap above which the lesser of two detections goes, 0...1.
  public var threshold: Double
  /// Whether the whole picture is looked at as well, shrunk as ever: it is what sees objects larger than the tiles'
  /// overlap, of which tiles have pieces. As SAHI does; DeepForest does not.
  public var includesWhole: Bool

  /// Creates a tiling; the defaults are SAHI's.
  public init(
    side: Int, overlap: Double = 0.2, measure: OverlapMeasure = .ios, threshold: Double = 0.5,
    includesWhole: Bool = true
  ) {
    precondition(
      Self.sides.contains(side) && Self.overlaps.contains(overlap), "tiles of \(side), \(overlap)")
    self.side = side
    self.overlap = overlap
    self.measure = measure
    self.threshold = threshold
    self.includesWhole = includesWhole
  }
}

/// A part of a picture, in its pixels.
package struct PictureRegion: Equatable, Sendable {
  package var x: Int
  package var y: Int
  package var width: Int
  package var height: Int

  package init(x: Int, y: Int, width: Int, height: Int) {
    self.x = x
    self.y = y
    self.width = width
    self.height = height
  }
}

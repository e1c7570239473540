/// The anchor shapes of every level, centred on the origin, made once per model (Lin et al. 2017, section 4;
/// torchvision `models/detection/anchor_utils.py`). `grid(paddedHeight:paddedWidth:gridSizes:)` lays them over
/// an input.
///
/// All arithmetic is float32 and in torchvision's order, so the boxes are torchvision's to the bit.
public struct AnchorGenerator: Equatable, Sendable {
  /// Per level, the anchors of the cell at the origin: aspect ratio outermost, size innermost
  /// (anchor = ratio * sizes per level + size). Whole numbers: torchvision rounds the corners.
  public let cellAnchors: [[Box]]

  /// Makes the anchor shapes.
  ///
  /// With r = sqrt(ratio) an anchor of size s is s/r wide and s*r high; its four half sides are rounded to
  /// whole numbers, halves to even.
  ///
  /// - Parameters:
  ///   - sizes: side lengths in pixels of the network's input, per level (P3 first); every level has as many.
  ///   - aspectRatios: height divided by width, the same for every level.
  public init(sizes: [[Int]], aspectRatios: [Double]) {
    precondition(
      !aspectRatios.isEmpty && aspectRatios.allSatisfy { $0 > 0 && $0.isFinite },
      "aspect ratios must be positive: \(aspectRatios)")
    precondition(
      sizes.allSatisfy { !$0.isEmpty && $0.count == sizes[0].count && $0.allSatisfy { $0 > 0 } },
      "every level needs the same number of positive anchor sizes: \(sizes)")
    cellAnchors = sizes.map { levelSizes in
      aspectRatios.flatMap { aspectRatio in
        let heightRatio = Float(aspectRatio).squareRoot()
        let widthRatio = 1 / heightRatio
        return levelSizes.map { size in
          let halfWidth = (widthRatio * Float(size) / 2).rounded(.toNearestOrEven)
          let halfHeight = (heightRatio * Float(size) / 2).rounded(.toNearestOrEven)
          return Box(minX: -halfWidth, minY: -halfHeight, maxX: halfWidth, maxY: halfHeight)
        }
      }
    }
  }

  /// Anchors per cell, the same on every level.
  public var countPerCell: Int { cellAnchors.first?.count ?? 0 }

  /// Lays the anchors over one input.
  ///
  /// - Parameters:
  ///   - paddedHeight: rows of the network's input, padding included: with torchvision's batches that of the
  ///     whole batch, which is why the anchors of P6 and P7 depend on it.
  ///   - paddedWidth: columns of the network's input, padding included.
  ///   - gridSizes: rows and columns of each level's map, P3 first; as many as the generator has levels.
  /// - Returns: the grid, whose boxes are computed on demand.
  public func grid(
    paddedHeight: Int, paddedWidth: Int, gridSizes: [(rows: Int, columns: Int)]
  ) -> AnchorGrid {
    precondition(
      gridSizes.count == cellAnchors.count,
      "\(gridSizes.count) maps for anchors of \(cellAnchors.count) levels")
    var firstIndex = 0
    var levels: [AnchorGrid.Level] = []
    for (size, anchors) in zip(gridSizes, cellAnchors) {
      precondition(
        size.rows > 0 && size.columns > 0 && size.rows <= paddedHeight
          && size.columns <= paddedWidth,
        "a map of \(size.rows)x\(size.columns) over an input of \(paddedHeight)x\(paddedWidth)")
      levels.append(
        AnchorGrid.Level(
          rows: size.rows, columns: size.columns, strideY: paddedHeight / size.rows,
          strideX: paddedWidth / size.columns, cellAnchors: anchors, firstIndex: firstIndex))
      firstIndex += size.rows * size.columns * anchors.count
    }
    return AnchorGrid(levels: levels, count: firstIndex)
  }
}

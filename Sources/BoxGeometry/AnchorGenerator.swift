/// The anchor shapes of every level, centred on the origin, made once per model (Lin et al. 2017, section 4).
/// `grid(paddedHeight:paddedWidth:gridSizes:)` lays them over an input.
///
/// The boxes are to the bit those of the program whose `AnchorRules` are given: torchvision's
/// `models/detection/anchor_utils.py`, Detectron2's `modeling/anchor_generator.py`, and the same numbers in
/// MMDetection.
public struct AnchorGenerator: Equatable, Sendable {
  /// Per level, the anchors of the cell at the origin, in the rules' order.
  public let cellAnchors: [[Box]]
  private let rules: AnchorRules

  /// Makes the anchor shapes: with r = sqrt(ratio) an anchor of size s is s/r wide and s*r high.
  ///
  /// - Parameters:
  ///   - sizes: side lengths in pixels of the network's input, per level (P3 first); every level has as many.
  ///   - aspectRatios: height divided by width, the same for every level.
  ///   - rules: rounding, order and strides.
  public init(sizes: [[Double]], aspectRatios: [Double], rules: AnchorRules = .init()) {
    precondition(
      !aspectRatios.isEmpty && aspectRatios.allSatisfy { $0 > 0 && $0.isFinite },
      "aspect ratios must be positive: \(aspectRatios)")
    precondition(
      sizes.allSatisfy { !$0.isEmpty && $0.count == sizes[0].count && $0.allSatisfy { $0 > 0 } },
      "every level needs the same number of positive anchor sizes: \(sizes)")
    self.rules = rules
    cellAnchors = sizes.map { sizes in
      switch rules.order {
      case .ratioMajor:
        aspectRatios.flatMap { ratio in sizes.map { Self.anchor($0, ratio, rules.corners) } }
      case .sizeMajor:
        sizes.flatMap { size in aspectRatios.map { Self.anchor(size, $0, rules.corners) } }
      }
    }
  }

  /// One anchor around the origin; each rule in the order of operations of the program that it is of.
  private static func anchor(
    _ size: Double, _ aspectRatio: Double, _ corners: AnchorRules.Corners
  ) -> Box {
    let halfWidth: Float
    let halfHeight: Float
    switch corners {
    case .rounded:
      let heightRatio = Float(aspectRatio).squareRoot()
      let widthRatio = 1 / heightRatio
      halfWidth = (widthRatio * Float(size) / 2).rounded(.toNearestOrEven)
      halfHeight = (heightRatio * Float(size) / 2).rounded(.toNearestOrEven)
    case .exact:
      let width = (size * size / aspectRatio).squareRoot()
      halfWidth = Float(width / 2)
      halfHeight = Float(aspectRatio * width / 2)
    }
    return Box(minX: -halfWidth, minY: -halfHeight, maxX: halfWidth, maxY: halfHeight)
  }

  /// Anchors per cell, the same on every level.
  public var countPerCell: Int { cellAnchors.first?.count ?? 0 }

  /// Lays the anchors over one input.
  ///
  /// - Parameters:
  ///   - paddedHeight: rows of the network's input, padding included: that of the whole batch, on which P6's and P7's
  ///     anchors depend where strides are taken from the grid.
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
    for (level, (size, anchors)) in zip(gridSizes, cellAnchors).enumerated() {
      precondition(
        size.rows > 0 && size.columns > 0 && size.rows <= paddedHeight
          && size.columns <= paddedWidth,
        "a map of \(size.rows)x\(size.columns) over an input of \(paddedHeight)x\(paddedWidth)")
      levels.append(
        AnchorGrid.Level(
          rows: size.rows, columns: size.columns,
          strideY: rules.strides.stride(level: level, padded: paddedHeight, cells: size.rows),
          strideX: rules.strides.stride(level: level, padded: paddedWidth, cells: size.columns),
          centre: rules.centre, cellAnchors: anchors, firstIndex: firstIndex))
      firstIndex += size.rows * size.columns * anchors.count
    }
    return AnchorGrid(levels: levels, count: firstIndex)
  }
}

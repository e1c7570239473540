/// How anchors are shaped and laid out, beyond their sizes and aspect ratios: where programs for the same network
/// differ. The defaults are torchvision's.
public struct AnchorRules: Equatable, Sendable {
  /// What becomes of an anchor's half sides.
  public enum Corners: String, CaseIterable, Sendable {
    /// Computed in float32 and rounded to whole pixels, halves to even (torchvision).
    case rounded
    /// Computed in double precision and rounded once to float32 (Detectron2, MMDetection).
    case exact
  }

  /// The order of a cell's anchors, which is that of the heads' channels.
  public enum Order: String, CaseIterable, Sendable {
    /// anchor = ratio * sizes per level + size (torchvision, MMDetection).
    case ratioMajor
    /// anchor = size * ratios + ratio (Detectron2).
    case sizeMajor
  }

  /// Pixels of the network's input from one cell to the next.
  public enum Strides: String, CaseIterable, Sendable {
    /// The padded side divided by the map's, in whole numbers (torchvision): 8, 16 and 32 on P3 to P5; on P6 and P7
    /// it depends on the input's size, 61 and 114 rows for 800, 64 and 128 for 640.
    case fromGrid
    /// 8, 16, 32, 64 and 128, as the convolutions move (Detectron2, MMDetection).
    case powersOfTwo
  }

  /// Where in its cell an anchor's centre is: 0 is the cell's first corner, 0.5 its middle. 0 in all of torchvision,
  /// Detectron2 and MMDetection.
  public var centre: Float
  /// What becomes of an anchor's half sides.
  public var corners: Corners
  /// The order of a cell's anchors.
  public var order: Order
  /// Pixels from one cell to the next.
  public var strides: Strides

  /// Creates rules.
  public init(
    centre: Float = 0, corners: Corners = .rounded, order: Order = .ratioMajor,
    strides: Strides = .fromGrid
  ) {
    self.centre = centre
    self.corners = corners
    self.order = order
    self.strides = strides
  }
}

extension AnchorRules.Strides {
  /// The stride of a level along one side.
  ///
  /// - Parameters:
  ///   - level: 0 for P3.
  ///   - padded: rows (or columns) of the network's input.
  ///   - cells: rows (or columns) of the level's map, at least 1.
  /// - Returns: in pixels of the input.
  public func stride(level: Int, padded: Int, cells: Int) -> Int {
    switch self {
    case .fromGrid: padded / cells
    case .powersOfTwo: 8 << level
    }
  }
}

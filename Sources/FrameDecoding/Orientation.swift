import Media

/// How a stored picture is turned to stand upright: the eight ways to lay a rectangle on its axes.
///
/// Raw values are those of the EXIF tag 0x0112 (Exif 2.32, 4.6.4 A): which side of the scene the first row and the
/// first column of stored pixels show.
public enum Orientation: Int, Sendable, CaseIterable {
  /// Stored upright.
  case upright = 1
  /// Mirrored left to right.
  case mirrored = 2
  /// Turned by half.
  case turnedHalf = 3
  /// Mirrored top to bottom.
  case flipped = 4
  /// Mirrored along the main diagonal.
  case transposed = 5
  /// To be turned clockwise by a quarter.
  case turnedRight = 6
  /// Mirrored along the other diagonal.
  case transversed = 7
  /// To be turned counterclockwise by a quarter.
  case turnedLeft = 8

  /// Width and height change places.
  public var swapsSides: Bool { rawValue >= 5 }

  /// Where a step to the right and a step down in the stored picture lead in the upright one: (a, b) and (c, d), in
  /// the order of a display matrix (libavutil/display.h).
  private var steps: (a: Double, b: Double, c: Double, d: Double) {
    switch self {
    case .upright: (1, 0, 0, 1)
    case .mirrored: (-1, 0, 0, 1)
    case .turnedHalf: (-1, 0, 0, -1)
    case .flipped: (1, 0, 0, -1)
    case .transposed: (0, 1, 1, 0)
    case .turnedRight: (0, 1, -1, 0)
    case .transversed: (0, -1, -1, 0)
    case .turnedLeft: (0, -1, 1, 0)
    }
  }

  /// The orientation nearest to a display matrix, and whether the matrix is just that, at any scale; nil for a matrix
  /// that maps everything to a point. The matrix is nine 32-bit numbers in the order a b u c d v x y w; a to d share
  /// one scale.
  static func nearest(
    _ displayMatrix: UnsafeRawBufferPointer
  ) -> (Orientation, isExact: Bool)? {
    guard displayMatrix.count >= 9 * MemoryLayout<Int32>.size else { return nil }
    func entry(_ index: Int) -> Double {
      Double(displayMatrix.loadUnaligned(fromByteOffset: index * 4, as: Int32.self))
    }
    let (a, b, c, d) = (entry(0), entry(1), entry(3), entry(4))
    var best: (orientation: Orientation, agreement: Double) = (.upright, 0)
    for orientation in allCases {
      let steps = orientation.steps
      let agreement = a * steps.a + b * steps.b + c * steps.c + d * steps.d
      if agreement > best.agreement { best = (orientation, agreement) }
    }
    guard best.agreement > 0 else { return nil }
    let steps = best.orientation.steps
    let side = best.agreement / 2
    let isExact = (a, b, c, d) == (steps.a * side, steps.b * side, steps.c * side, steps.d * side)
    return (best.orientation, isExact)
  }

  /// Width and height of a stored picture once it is upright.
  func size(of stored: Frame) -> (width: Int, height: Int) {
    swapsSides ? (stored.height, stored.width) : (stored.width, stored.height)
  }

  /// Where rows and columns of the upright picture lie in the stored one. Turned by `turn`, what is read there is what is
  /// wanted.
  func stored(_ upright: PictureLattice, width: Int, height: Int) -> PictureLattice {
    func along(_ places: [Int], _ isReversed: Bool, _ length: Int) -> [Int] {
      isReversed ? places.reversed().map { length - 1 - $0 } : places
    }
    let (steps, isSwapped) = (steps, swapsSides)
    // Where the upright picture's x and y lead to the left or up in the stored one.
    return PictureLattice(
      rows: along(
        isSwapped ? upright.columns : upright.rows, (isSwapped ? steps.c : steps.d) < 0, height),
      columns: along(
        isSwapped ? upright.rows : upright.columns, (isSwapped ? steps.b : steps.a) < 0, width))
  }

  /// Turns a stored picture of packed RGB to stand upright.
  ///
  /// - Parameters:
  ///   - stored: `height * width * 3` bytes; more are ignored.
  ///   - width: of the stored picture.
  ///   - height: of the stored picture.
  ///   - upright: gets as many bytes; rows have `height` pixels where the sides are swapped.
  func turn(
    _ stored: [UInt8], width: Int, height: Int, into upright: UnsafeMutableBufferPointer<UInt8>
  ) {
    let count = width * height * 3
    precondition(
      stored.count >= count && upright.count >= count,
      "\(stored.count) and \(upright.count) bytes for \(width)x\(height) pixels")
    stored.withUnsafeBytes { stored in
      // Three bytes each, without padding: any address will do.
      turn(
        stored.assumingMemoryBound(to: RGBPixel.self),
        into: UnsafeMutableRawBufferPointer(upright).assumingMemoryBound(to: RGBPixel.self),
        width: width, height: height)
    }
  }

  private typealias RGBPixel = (UInt8, UInt8, UInt8)

  /// Turns rows of `width` pixels or samples; `upright` has room for as many.
  func turn<Pixel>(
    _ stored: UnsafeBufferPointer<Pixel>, into upright: UnsafeMutableBufferPointer<Pixel>,
    width: Int, height: Int
  ) {
    let lastRow = (height - 1) * width
    /// Index of the stored pixel for the upright one at x, y: first + x * right + y * down.
    let (first, right, down) =
      switch self {
      case .upright: (0, 1, width)
      case .mirrored: (width - 1, -1, width)
      case .turnedHalf: (lastRow + width - 1, -1, -width)
      case .flipped: (lastRow, 1, -width)
      case .transposed: (0, width, 1)
      case .turnedRight: (lastRow, -width, 1)
      case .transversed: (lastRow + width - 1, -width, -1)
      case .turnedLeft: (width - 1, width, -1)
      }
    let (columns, rows) = swapsSides ? (height, width) : (width, height)
    // Square tiles keep the rows that a column crosses in the cache.
    let tile = 32
    for top in stride(from: 0, to: rows, by: tile) {
      for left in stride(from: 0, to: columns, by: tile) {
        for y in top..<min(top + tile, rows) {
          var source = first + left * right + y * down
          let row = y * columns
          for x in left..<min(left + tile, columns) {
            upright[row + x] = stored[source]
            source += right
          }
        }
      }
    }
  }
}

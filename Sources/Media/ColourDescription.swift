/// What luma and chroma mean, in the code points of ITU-T H.273 (ISO/IEC 23091-2), which containers, codecs and FFmpeg
/// share; 2 is "unspecified".
public struct ColourDescription: Equatable, Sendable {
  /// MatrixCoefficients: how red, green and blue make luma. Never unspecified: who decodes decides.
  public var matrix: Int
  /// ColourPrimaries.
  public var primaries: Int
  /// TransferCharacteristics.
  public var transfer: Int
  /// Luma from 0 to 255, not from 16 to 235.
  public var isFullRange: Bool

  /// Names them.
  public init(matrix: Int, primaries: Int = 2, transfer: Int = 2, isFullRange: Bool = false) {
    self.matrix = matrix
    self.primaries = primaries
    self.transfer = transfer
    self.isFullRange = isFullRange
  }

  /// The shares of red and blue in luma (H.273, table 4), of BT.601 where the matrix has none.
  public var lumaShares: (red: Double, blue: Double) {
    switch matrix {
    case 1: (0.2126, 0.0722)
    case 4: (0.30, 0.11)
    case 7: (0.212, 0.087)
    case 9, 10: (0.2627, 0.0593)
    default: (0.299, 0.114)
    }
  }

  /// High definition's (BT.709), and what is not (BT.601).
  public static let bt709 = ColourDescription(matrix: 1)
  /// Standard definition's.
  public static let bt601 = ColourDescription(matrix: 6)
}

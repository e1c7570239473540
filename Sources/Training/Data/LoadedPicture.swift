import Media
import SystemPackage

/// A picture as a training reads it from a file.
public struct LoadedPicture: Sendable {
  /// Decodes a picture; its errors' text becomes that of `PictureRemark.undecodable`.
  public typealias Loader = @Sendable (FilePath) throws -> LoadedPicture

  /// Upright.
  public var picture: RGBPicture
  /// Whether the file is damaged or cut short, so that a part of the pixels is made up.
  public var isDamaged: Bool

  /// A picture, whole unless it is said to be damaged.
  public init(_ picture: RGBPicture, isDamaged: Bool = false) {
    self.picture = picture
    self.isDamaged = isDamaged
  }
}

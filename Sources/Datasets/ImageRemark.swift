/// What is said of images that are not as one would think, wherever their detections come from.
public enum ImageRemark {
  /// Of images that are not as large as annotations say.
  ///
  /// - Parameter names: of all of them.
  /// - Returns: a line; nil where there are none.
  public static func otherSizes(_ names: [String]) -> String? {
    names.min().map {
      "\(names.count) images are not as large as the annotations say (first: \($0)): were they annotated before they "
        + "were turned or scaled?"
    }
  }

  /// Of images that could be decoded in part.
  ///
  /// - Parameter names: of all of them.
  /// - Returns: a line; nil where there are none.
  public static func damaged(_ names: [String]) -> String? {
    names.min().map {
      "\(names.count) images are damaged or cut short (first: \($0)): what is found in the part that can be decoded "
        + "counts"
    }
  }
}

extension COCOAnnotations.Image {
  /// Whether the annotations are for another size than this; 0x0, as some tools write, says nothing.
  public func isOfOtherSize(width: Int, height: Int) -> Bool {
    guard let ownWidth = self.width, let ownHeight = self.height, ownWidth > 0, ownHeight > 0 else {
      return false
    }
    return ownWidth != width || ownHeight != height
  }
}

import BoxGeometry

/// What of a marked box lies inside its picture.
enum ClippedBox: Equatable {
  /// All of it, but for less than a pixel, which is somebody's rounding.
  case whole(Box)
  /// A part.
  case cut(Box)
  /// Nothing.
  case outside

  /// - Parameters:
  ///   - box: with area.
  ///   - width: columns of the picture.
  ///   - height: rows of the picture.
  init(_ box: Box, width: Int, height: Int) {
    let part = Box(
      minX: max(0, box.minX), minY: max(0, box.minY), maxX: min(Float(width), box.maxX),
      maxY: min(Float(height), box.maxY))
    guard part.width > 0, part.height > 0 else {
      self = .outside
      return
    }
    let lost = [
      part.minX - box.minX, part.minY - box.minY, box.maxX - part.maxX, box.maxY - part.maxY,
    ]
    self = lost.contains { $0 >= 1 } ? .cut(part) : .whole(part)
  }
}

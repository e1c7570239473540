import Media

/// A picture's memory while it is drawn on: three planes, of red, green and blue or of luma and chroma, which every way
/// of drawing treats alike. Valid only within the closure that it is given to.
public struct Canvas {
  /// Columns of the picture.
  public let width: Int
  /// Rows of the picture.
  public let height: Int

  /// One component of all pixels.
  struct Plane {
    /// The first sample.
    let base: UnsafeMutablePointer<UInt8>
    /// Bytes from one sample to the next, and from one row to the next.
    let step: Int
    let rowBytes: Int
    /// Pixels that share a sample, across and down, as powers of two: 0 or 1.
    let shift: Int
  }

  let planes: [Plane]
  let components: ComponentMatrix

  /// Draws on packed RGB.
  ///
  /// - Parameters:
  ///   - pixels: `height * width * 3` bytes.
  ///   - width: Columns.
  ///   - height: Rows.
  ///   - body: Draws.
  /// - Returns: What `body` returns.
  @discardableResult
  public static func draw<Result>(
    onRGB pixels: inout [UInt8], width: Int, height: Int, _ body: (Canvas) throws -> Result
  ) rethrows -> Result {
    precondition(
      width > 0 && height > 0 && pixels.count == width * height * 3,
      "\(pixels.count) bytes for a picture of \(width)x\(height)")
    return try pixels.withUnsafeMutableBufferPointer { buffer in
      guard let base = buffer.baseAddress else { preconditionFailure("a picture without pixels") }
      let planes = (0..<3).map { Plane(base: base + $0, step: 3, rowBytes: width * 3, shift: 0) }
      return try body(
        Canvas(width: width, height: height, planes: planes, components: .redGreenBlue))
    }
  }

  /// Draws on luma and chroma.
  @discardableResult
  public static func draw<Result>(
    on picture: inout YUVPicture, _ body: (Canvas) throws -> Result
  ) rethrows -> Result {
    let (width, height) = (picture.width, picture.height)
    let (chromaWidth, chromaHeight) = (picture.chromaWidth, picture.chromaHeight)
    let components = ComponentMatrix(picture.colour)
    return try picture.bytes.withUnsafeMutableBufferPointer { buffer in
      guard let base = buffer.baseAddress else { preconditionFailure("a picture without pixels") }
      let blue = base + width * height
      let planes = [
        Plane(base: base, step: 1, rowBytes: width, shift: 0),
        Plane(base: blue, step: 1, rowBytes: chromaWidth, shift: 1),
        Plane(
          base: blue + chromaWidth * chromaHeight, step: 1, rowBytes: chromaWidth, shift: 1),
      ]
      return try body(Canvas(width: width, height: height, planes: planes, components: components))
    }
  }

  /// All of it.
  public var bounds: PixelRectangle {
    PixelRectangle(left: 0, top: 0, right: width, bottom: height)
  }

  /// Pixels that share a sample of the coarsest plane, across and down.
  var granularity: Int { planes.reduce(1) { max($0, 1 << $1.shift) } }

  /// Paints pixels; a sample that other pixels share takes its part.
  public func fill(_ rectangle: PixelRectangle, _ colour: Colour) {
    let inside = rectangle.intersection(bounds)
    if inside.isEmpty { return }
    let values = components.values(of: colour)
    for (plane, value) in zip(planes, values) { plane.fill(inside, value) }
  }

  /// Lays a stamp with its top left corner at a pixel, which must be a multiple of `granularity`; what reaches outside is
  /// cut off.
  func lay(_ stamp: Stamp, left: Int, top: Int) {
    precondition(
      left % granularity == 0 && top % granularity == 0, "a stamp at \(left), \(top)")
    for (plane, layer) in zip(planes, stamp.layers) {
      plane.lay(layer, left: left >> plane.shift, top: top >> plane.shift, bounds)
    }
  }
}

extension Canvas.Plane {
  /// The samples of a picture.
  func bounds(of picture: PixelRectangle) -> PixelRectangle {
    let round = (1 << shift) - 1
    return PixelRectangle(
      left: 0, top: 0, right: (picture.right + round) >> shift,
      bottom: (picture.bottom + round) >> shift)
  }

  /// The samples that pixels of the picture share in, all of whose coordinates are at least 0.
  func samples(of pixels: PixelRectangle) -> PixelRectangle {
    let round = (1 << shift) - 1
    return PixelRectangle(
      left: pixels.left >> shift, top: pixels.top >> shift, right: (pixels.right + round) >> shift,
      bottom: (pixels.bottom + round) >> shift)
  }

  func row(_ y: Int) -> UnsafeMutablePointer<UInt8> { base + y * rowBytes }

  fileprivate func fill(_ pixels: PixelRectangle, _ value: UInt8) {
    let samples = samples(of: pixels)
    let side = 1 << shift
    for y in samples.top..<samples.bottom {
      let row = row(y)
      let rows = covered(y, pixels.top, pixels.bottom)
      if shift == 0 {
        for x in samples.left..<samples.right { row[x * step] = value }
        continue
      }
      for x in samples.left..<samples.right {
        let share = rows * covered(x, pixels.left, pixels.right)
        let rest = side * side - share
        row[x * step] = UInt8(
          (Int(value) * share + Int(row[x * step]) * rest + side) / (side * side))
      }
    }
  }

  /// How many pixels of a sample's row or column lie in `first ..< end`; at a picture's odd edge as if it went on.
  private func covered(_ sample: Int, _ first: Int, _ end: Int) -> Int {
    let (start, side) = (sample << shift, 1 << shift)
    return min(start + side, end) - max(start, first)
  }

  fileprivate func lay(_ layer: Stamp.Layer, left: Int, top: Int, _ picture: PixelRectangle) {
    let place = PixelRectangle(
      left: left, top: top, right: left + layer.width, bottom: top + layer.height
    ).intersection(bounds(of: picture))
    if place.isEmpty { return }
    layer.samples.withUnsafeBufferPointer { samples in
      for y in place.top..<place.bottom {
        let row = row(y)
        var source = ((y - top) * layer.width + place.left - left) * 2
        for x in place.left..<place.right {
          let opacity = Int(samples[source + 1])
          if opacity == 255 {
            row[x * step] = samples[source]
          } else if opacity > 0 {
            let below = (Int(row[x * step]) * (255 - opacity) + 127) / 255
            // Rounding may bring the sum of two parts of a white one past the end.
            row[x * step] = UInt8(min(255, Int(samples[source]) + below))
          }
          source += 2
        }
      }
    }
  }
}

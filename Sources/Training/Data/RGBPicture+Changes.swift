import Media

/// Changes that a training makes to pictures.
extension RGBPicture {
  /// The part that begins at (`x`, `y`); it must lie inside.
  func cropped(x: Int, y: Int, width: Int, height: Int) -> RGBPicture {
    precondition(
      x >= 0 && y >= 0 && width > 0 && height > 0 && x + width <= self.width
        && y + height <= self.height,
      "\(width)x\(height) from (\(x), \(y)) of \(self.width)x\(self.height)")
    let pixels = pixels
    var result: [UInt8] = []
    result.reserveCapacity(width * height * 3)
    for row in y..<y + height {
      let start = (row * self.width + x) * 3
      result += pixels[start..<start + width * 3]
    }
    return RGBPicture(width: width, height: height, pixels: result)
  }

  /// Mirrored left to right.
  func flipped() -> RGBPicture {
    remapped(width: width, height: height) { x, y in (self.width - 1 - x, y) }
  }

  /// Turned clockwise by quarter turns.
  func turned(_ quarters: Int) -> RGBPicture {
    switch quarters & 3 {
    case 1: remapped(width: height, height: width) { x, y in (y, self.height - 1 - x) }
    case 2: remapped(width: width, height: height) { (self.width - 1 - $0, self.height - 1 - $1) }
    case 3: remapped(width: height, height: width) { x, y in (self.width - 1 - y, x) }
    default: self
    }
  }

  /// A picture whose pixel (x, y) is the pixel `source(x, y)` of this one.
  @inline(__always)
  private func remapped(
    width: Int, height: Int, _ source: (Int, Int) -> (x: Int, y: Int)
  ) -> RGBPicture {
    let result = [UInt8](unsafeUninitializedCapacity: pixels.count) { result, count in
      pixels.withUnsafeBufferPointer { pixels in
        for y in 0..<height {
          for x in 0..<width {
            let from = source(x, y)
            let start = (from.y * self.width + from.x) * 3
            let target = (y * width + x) * 3
            for channel in 0..<3 { result[target + channel] = pixels[start + channel] }
          }
        }
      }
      count = pixels.count
    }
    return RGBPicture(width: width, height: height, pixels: result)
  }

  /// Colours changed: each value times `brightness`; then its distance from the picture's mean grey times
  /// `contrast`; then that from its own grey times `saturation`. Rounded once, at the end.
  func recoloured(brightness: Float, contrast: Float, saturation: Float) -> RGBPicture {
    // ITU-R BT.601's weights of red, green and blue.
    func grey(_ r: Float, _ g: Float, _ b: Float) -> Float { 0.299 * r + 0.587 * g + 0.114 * b }
    let count = width * height
    var total = 0.0
    pixels.withUnsafeBufferPointer { pixels in
      for y in 0..<height {
        var sum: Float = 0
        for x in 0..<width {
          let start = (y * width + x) * 3
          sum += grey(Float(pixels[start]), Float(pixels[start + 1]), Float(pixels[start + 2]))
        }
        total += Double(sum)
      }
    }
    let mean = Float(total / Double(count)) * brightness
    let result = [UInt8](unsafeUninitializedCapacity: pixels.count) { result, resultCount in
      pixels.withUnsafeBufferPointer { pixels in
        for pixel in 0..<count {
          let start = pixel * 3
          let r = (Float(pixels[start]) * brightness - mean) * contrast + mean
          let g = (Float(pixels[start + 1]) * brightness - mean) * contrast + mean
          let b = (Float(pixels[start + 2]) * brightness - mean) * contrast + mean
          let middle = grey(r, g, b)
          result[start] = byte((r - middle) * saturation + middle)
          result[start + 1] = byte((g - middle) * saturation + middle)
          result[start + 2] = byte((b - middle) * saturation + middle)
        }
      }
      resultCount = pixels.count
    }
    return RGBPicture(width: width, height: height, pixels: result)
  }
}

@inline(__always)
// Bounded: cut to 0...255; small numbers times small factors are numbers.
private func byte(_ value: Float) -> UInt8 { UInt8(min(max(value + 0.5, 0), 255)) }

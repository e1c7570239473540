/// A small picture with see-through parts, as a canvas's planes want it: made once, laid many times.
struct Stamp {
  /// What is laid on one plane.
  struct Layer {
    let width: Int
    let height: Int
    /// For each sample its value times its opacity, and its opacity.
    let samples: [UInt8]
  }

  let width: Int
  let height: Int
  let layers: [Layer]

  /// Converts a bitmap for the planes of a canvas.
  init(_ bitmap: Bitmap, for canvas: Canvas) {
    width = bitmap.width
    height = bitmap.height
    layers = zip(canvas.planes, canvas.components.rows).map { plane, row in
      Layer(bitmap, row, shift: plane.shift)
    }
  }
}

extension Stamp.Layer {
  /// Averages what shares a sample; beyond the bitmap's edge all is see-through.
  fileprivate init(_ bitmap: Bitmap, _ row: ComponentMatrix.Row, shift: Int) {
    let side = 1 << shift
    width = (bitmap.width + side - 1) >> shift
    height = (bitmap.height + side - 1) >> shift
    var samples: [UInt8] = []
    samples.reserveCapacity(width * height * 2)
    let share = 1 / Double(side * side)
    for y in 0..<height {
      for x in 0..<width {
        var (red, green, blue, opacity) = (0.0, 0.0, 0.0, 0.0)
        for bitmapY in y << shift..<min((y + 1) << shift, bitmap.height) {
          for bitmapX in x << shift..<min((x + 1) << shift, bitmap.width) {
            let pixel = (bitmapY * bitmap.width + bitmapX) * 4
            red += Double(bitmap.pixels[pixel])
            green += Double(bitmap.pixels[pixel + 1])
            blue += Double(bitmap.pixels[pixel + 2])
            opacity += Double(bitmap.pixels[pixel + 3])
          }
        }
        samples.append(
          row.value(red * share, green * share, blue * share, opacity: opacity * share / 255))
        samples.append(UInt8(max(0, min(255, (opacity * share).rounded()))))
      }
    }
    self.samples = samples
  }
}

/// A small picture with see-through parts.
struct Bitmap {
  let width: Int
  let height: Int
  /// Red, green and blue, each multiplied by the opacity, and the opacity: 4 bytes for each pixel, rows packed.
  let pixels: [UInt8]
}

/// Pillow's `resize` with BILINEAR on bytes, to the bit (`src/libImaging/Resample.c`): a triangle as wide as the pixels
/// that one output pixel covers, so that shrinking is antialiased; weights of 22 bits; first along rows, the result
/// rounded to bytes, then along columns. A side that keeps its length is left as it is.
struct PillowResize {
  private static let precision: Int32 = 22

  /// The input pixels that one output position weighs.
  private struct Window {
    var first: Int
    var weights: [Int32]
  }

  private let source: (height: Int, width: Int)
  private let target: (height: Int, width: Int)

  init(_ geometry: InputGeometry) {
    source = (geometry.originalHeight, geometry.originalWidth)
    target = (geometry.resizedHeight, geometry.resizedWidth)
  }

  /// Resizes.
  ///
  /// - Parameters:
  ///   - pixels: height x width x 3 bytes.
  ///   - output: as many for the target's size.
  func resize(_ pixels: UnsafeBufferPointer<UInt8>, into output: UnsafeMutableBufferPointer<UInt8>)
  {
    let rows = Self.windows(from: source.height, to: target.height)
    if source.width == target.width { return resizeColumns(pixels, rows, into: output) }
    let columns = Self.windows(from: source.width, to: target.width)
    if source.height == target.height { return resizeRows(pixels, columns, into: output) }
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: source.height * target.width * 3) {
      resizeRows(pixels, columns, into: $0)
      resizeColumns(UnsafeBufferPointer($0), rows, into: output)
    }
  }

  private func resizeRows(
    _ pixels: UnsafeBufferPointer<UInt8>, _ columns: [Window],
    into output: UnsafeMutableBufferPointer<UInt8>
  ) {
    for y in 0..<source.height {
      let start = y * source.width * 3
      for (x, window) in columns.enumerated() {
        var sums = SIMD4<Int32>(repeating: 1 << (Self.precision - 1))
        var place = start + window.first * 3
        for weight in window.weights {
          sums &+=
            weight
            &* SIMD4(
              Int32(pixels[place]), Int32(pixels[place + 1]), Int32(pixels[place + 2]), 0)
          place += 3
        }
        for channel in 0..<3 {
          output[(y * target.width + x) * 3 + channel] = Self.byte(sums[channel])
        }
      }
    }
  }

  private func resizeColumns(
    _ pixels: UnsafeBufferPointer<UInt8>, _ rows: [Window],
    into output: UnsafeMutableBufferPointer<UInt8>
  ) {
    let stride = target.width * 3
    var sums = [Int32](repeating: 0, count: stride)
    sums.withUnsafeMutableBufferPointer { sums in
      for (y, window) in rows.enumerated() {
        sums.update(repeating: 1 << (Self.precision - 1))
        for (index, weight) in window.weights.enumerated() {
          let line = pixels.extracting(
            (window.first + index) * stride..<(window.first + index + 1) * stride)
          for x in 0..<stride { sums[x] &+= weight &* Int32(line[x]) }
        }
        for x in 0..<stride { output[y * stride + x] = Self.byte(sums[x]) }
      }
    }
  }

  private static func byte(_ sum: Int32) -> UInt8 {
    UInt8(truncatingIfNeeded: min(max(sum >> precision, 0), 255))
  }

  private static func windows(from source: Int, to target: Int) -> [Window] {
    if source == target { return (0..<target).map { Window(first: $0, weights: [1 << precision]) } }
    let scale = Double(source) / Double(target)
    let support = max(scale, 1)
    let inverse = 1 / support
    return (0..<target).map { index in
      let centre = (Double(index) + 0.5) * scale
      // Bounded: between minus one and one more than the side of a picture.
      let first = max(0, Int(centre - support + 0.5))
      // Bounded: as the first.
      let end = min(source, Int(centre + support + 0.5))
      let weights = (first..<end).map { pixel in
        max(0, 1 - abs((Double(pixel) - centre + 0.5) * inverse))
      }
      let sum = weights.reduce(0, +)
      return Window(
        first: first,
        // Bounded: weights are at most 1.
        weights: weights.map { Int32(0.5 + $0 / sum * Double(1 << precision)) })
    }
  }
}

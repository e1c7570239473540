/// The operations that oneDNN 2.6 lacks or does otherwise than PyTorch, on images in blocked layout (see
/// `BlockedImage`). All of them are bound by memory, not arithmetic.
enum BlockedKernels {
  /// max(x, 0) of `count` numbers.
  static func relu(
    _ input: UnsafePointer<Float>, to output: UnsafeMutablePointer<Float>, count: Int
  ) {
    for index in 0..<count { output[index] = max(input[index], 0) }
  }

  /// a + b of `count` numbers.
  static func add(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, to output: UnsafeMutablePointer<Float>,
    count: Int
  ) {
    for index in 0..<count { output[index] = a[index] + b[index] }
  }

  /// Repeats pixels: output row y reads input row floor(y * input.height / outputHeight), columns likewise.
  ///
  /// PyTorch computes the ratio in float32 (`nearest_idx` in UpSample.h): scale = Float(in) / Float(out), then
  /// floor(Float(dst) * scale), at most in - 1; equal to the integer formula but for rounding, which is kept.
  static func upsampleNearest(
    _ input: BlockedImage, to output: UnsafeMutablePointer<Float>, height: Int, width: Int
  ) {
    let columns = nearestIndices(from: input.width, to: width).map { $0 * input.block }
    let rows = nearestIndices(from: input.height, to: height)
    let block = input.block
    let rowCount = width * block
    for channelBlock in 0..<input.blockCount {
      let source = input.base + channelBlock * input.blockStride
      let target = output + channelBlock * height * rowCount
      for y in 0..<height {
        let targetRow = target + y * rowCount
        if y > 0, rows[y] == rows[y - 1] {
          targetRow.update(from: targetRow - rowCount, count: rowCount)
          continue
        }
        let sourceRow = source + rows[y] * input.width * block
        for x in 0..<width {
          (targetRow + x * block).update(from: sourceRow + columns[x], count: block)
        }
      }
    }
  }

  static func nearestIndices(from source: Int, to target: Int) -> [Int] {
    let scale = Float(source) / Float(target)
    return (0..<target).map { min(Int(Float($0) * scale), source - 1) }
  }

  /// Group normalisation: each group of `image.channels / groups` channels is brought to mean 0 and variance 1
  /// over all its pixels, then scaled and shifted by channel. `output` may be the image's own memory.
  ///
  /// Sums run in float32 over one row and in float64 over rows and channels, the variance around the mean
  /// found before: as close to the float64 result as float32 inputs allow.
  static func groupNorm(
    _ image: BlockedImage, groups: Int, epsilon: Float, scale: [Float], shift: [Float],
    relu: Bool, to output: UnsafeMutablePointer<Float>
  ) {
    let perGroup = image.channels / groups
    let pixels = image.height * image.width
    let means = channelSums(image, minus: nil)
    var groupMeans = [Double](repeating: 0, count: groups)
    for channel in 0..<image.channels { groupMeans[channel / perGroup] += means[channel] }
    for group in 0..<groups { groupMeans[group] /= Double(perGroup * pixels) }
    let centre = (0..<image.blockCount * image.block).map {
      $0 < image.channels ? Float(groupMeans[$0 / perGroup]) : 0
    }
    let squares = channelSums(image, minus: centre)
    var groupSquares = [Double](repeating: 0, count: groups)
    for channel in 0..<image.channels { groupSquares[channel / perGroup] += squares[channel] }

    var factors = [Float](repeating: 0, count: image.blockCount * image.block)
    var offsets = factors
    for channel in 0..<image.channels {
      let group = channel / perGroup
      let variance = groupSquares[group] / Double(perGroup * pixels)
      let factor = Double(scale[channel]) / (variance + Double(epsilon)).squareRoot()
      factors[channel] = Float(factor)
      offsets[channel] = Float(Double(shift[channel]) - Double(centre[channel]) * factor)
    }
    let floor: Float = relu ? 0 : -.infinity
    for channelBlock in 0..<image.blockCount {
      let start = channelBlock * image.blockStride
      for lane in stride(from: 0, to: image.block, by: 8) {
        let first = channelBlock * image.block + lane
        let factor = vector8(factors, at: first)
        let offset = vector8(offsets, at: first)
        let least = SIMD8<Float>(repeating: floor)
        for pixel in 0..<pixels {
          let place = start + pixel * image.block + lane
          let value = load8(image.base + place) * factor + offset
          store8(value.replacing(with: least, where: value .< least), to: output + place)
        }
      }
    }
  }

  /// Sum of each channel over all pixels: of the numbers, or, given a centre, of the squares of what they
  /// differ from it. Has an entry for padded channels too.
  private static func channelSums(_ image: BlockedImage, minus centre: [Float]?) -> [Double] {
    var sums = [Double](repeating: 0, count: image.blockCount * image.block)
    for channelBlock in 0..<image.blockCount {
      for lane in stride(from: 0, to: image.block, by: 8) {
        let first = channelBlock * image.block + lane
        var total = SIMD8<Double>.zero
        for y in 0..<image.height {
          let row = image.base + channelBlock * image.blockStride + y * image.width * image.block
          var sum = SIMD8<Float>.zero
          if let centre {
            let middle = vector8(centre, at: first)
            for x in 0..<image.width {
              let difference = load8(row + x * image.block + lane) - middle
              sum += difference * difference
            }
          } else {
            for x in 0..<image.width { sum += load8(row + x * image.block + lane) }
          }
          total += SIMD8<Double>(sum)
        }
        for index in 0..<8 { sums[first + index] = total[index] }
      }
    }
    return sums
  }

  private static func load8(_ pointer: UnsafePointer<Float>) -> SIMD8<Float> {
    UnsafeRawPointer(pointer).loadUnaligned(as: SIMD8<Float>.self)
  }

  private static func store8(_ vector: SIMD8<Float>, to pointer: UnsafeMutablePointer<Float>) {
    UnsafeMutableRawPointer(pointer).storeBytes(of: vector, as: SIMD8<Float>.self)
  }

  private static func vector8(_ values: [Float], at index: Int) -> SIMD8<Float> {
    SIMD8(values[index..<index + 8])
  }
}

/// Group normalisation of a batch in blocked layout, and its way back. oneDNN 2.6 has none.
///
/// With mean m and deviation s of a group, x' = (x - m) / s and y = scale * x' + shift. Sums run in float32 over one
/// row and in float64 over rows and channels, the variance around the mean found before; the mean is taken away
/// before anything is multiplied, so that nothing is lost where it is large.
struct GroupNormLoops: Sendable {
  let groups: Int
  let epsilon: Float
  /// Whether y goes through a ReLU.
  let relu: Bool
  let shape: BlockedShape

  /// Numbers that `forward` leaves for `backward`.
  var statisticsCount: Int { shape.batch * statisticsPerImage }

  private var statisticsPerImage: Int { (2 * groups).rounded(toMultipleOf: 16) }
  private var perGroup: Int { shape.channels / groups }

  /// - Parameters:
  ///   - input: x.
  ///   - scale: by channel.
  ///   - shift: by channel.
  ///   - output: gets y; may be the input's memory.
  ///   - statistics: gets, for each image, the groups' means, then 1 / s.
  func forward(
    _ input: UnsafePointer<Float>, scale: UnsafePointer<Float>, shift: UnsafePointer<Float>,
    to output: UnsafeMutablePointer<Float>, statistics: UnsafeMutablePointer<Float>
  ) {
    for image in 0..<shape.batch {
      forward(
        Image(shape, input + image * shape.imageStride), scale: scale, shift: shift,
        to: output + image * shape.imageStride,
        statistics: statistics + image * statisticsPerImage)
    }
  }

  private func forward(
    _ image: Image, scale: UnsafePointer<Float>, shift: UnsafePointer<Float>,
    to output: UnsafeMutablePointer<Float>, statistics: UnsafeMutablePointer<Float>
  ) {
    let count = Double(perGroup * shape.size.pixels)
    let sums = image.channelSums { x, _, _ in x }
    var means = [Double](repeating: 0, count: groups)
    for channel in 0..<shape.channels { means[channel / perGroup] += sums[channel] / count }
    let centre = image.byChannel { Float(means[$0 / perGroup]) }
    let squares = image.channelSums { x, place, _ in
      let difference = x - centre[place]
      return difference * difference
    }
    var variances = [Double](repeating: 0, count: groups)
    for channel in 0..<shape.channels { variances[channel / perGroup] += squares[channel] / count }
    for group in 0..<groups {
      statistics[group] = Float(means[group])
      statistics[groups + group] = Float(1 / (variances[group] + Double(epsilon)).squareRoot())
    }
    let factors = image.byChannel { scale[$0] * statistics[groups + $0 / perGroup] }
    let shifts = image.byChannel { shift[$0] }
    let floor = SIMD8<Float>(repeating: relu ? 0 : -.infinity)
    image.forEachVector { index, place in
      let x = NumberLoops.load(image.base + index)
      let y = (x - centre[place]) * factors[place] + shifts[place]
      NumberLoops.store(y.replacing(with: floor, where: y .< floor), to: output + index)
    }
  }

  /// - Parameters:
  ///   - input: x.
  ///   - outputGradient: by y before its ReLU.
  ///   - statistics: what `forward` left.
  ///   - scale: by channel.
  ///   - inputGradient: gets the gradient by x.
  ///   - scaleGradient: by channel; added to.
  ///   - shiftGradient: by channel; added to.
  func backward(
    _ input: UnsafePointer<Float>, outputGradient: UnsafePointer<Float>,
    statistics: UnsafePointer<Float>, scale: UnsafePointer<Float>,
    to inputGradient: UnsafeMutablePointer<Float>, scaleGradient: UnsafeMutablePointer<Float>,
    shiftGradient: UnsafeMutablePointer<Float>
  ) {
    for image in 0..<shape.batch {
      let start = image * shape.imageStride
      backward(
        Image(shape, input + start), outputGradient: outputGradient + start,
        statistics: statistics + image * statisticsPerImage, scale: scale,
        to: inputGradient + start, scaleGradient: scaleGradient, shiftGradient: shiftGradient)
    }
  }

  private func backward(
    _ image: Image, outputGradient: UnsafePointer<Float>, statistics: UnsafePointer<Float>,
    scale: UnsafePointer<Float>, to inputGradient: UnsafeMutablePointer<Float>,
    scaleGradient: UnsafeMutablePointer<Float>, shiftGradient: UnsafeMutablePointer<Float>
  ) {
    let count = Double(perGroup * shape.size.pixels)
    let means = image.byChannel { statistics[$0 / perGroup] }
    let inverses = image.byChannel { statistics[groups + $0 / perGroup] }
    let sums = image.channelSums { _, _, index in NumberLoops.load(outputGradient + index) }
    let products = image.channelSums { x, place, index in
      (x - means[place]) * inverses[place] * NumberLoops.load(outputGradient + index)
    }
    // Means over the group of the gradient by x', and of its product with x'.
    var gradientMeans = [Double](repeating: 0, count: groups)
    var productMeans = gradientMeans
    for channel in 0..<shape.channels {
      let factor = Double(scale[channel]) / count
      gradientMeans[channel / perGroup] += factor * sums[channel]
      productMeans[channel / perGroup] += factor * products[channel]
      scaleGradient[channel] += Float(products[channel])
      shiftGradient[channel] += Float(sums[channel])
    }
    let scales = image.byChannel { scale[$0] }
    let firsts = image.byChannel { Float(gradientMeans[$0 / perGroup]) }
    let seconds = image.byChannel { Float(productMeans[$0 / perGroup]) }
    image.forEachVector { index, place in
      let inverse = inverses[place]
      let normalized = (NumberLoops.load(image.base + index) - means[place]) * inverse
      let gradient = NumberLoops.load(outputGradient + index) * scales[place]
      NumberLoops.store(
        inverse * ((gradient - firsts[place]) - normalized * seconds[place]),
        to: inputGradient + index)
    }
  }
}

/// One image of a batch, in vectors of eight channels. A vector's place counts them through all blocks.
private struct Image {
  let shape: BlockedShape
  let base: UnsafePointer<Float>

  init(_ shape: BlockedShape, _ base: UnsafePointer<Float>) {
    self.shape = shape
    self.base = base
  }

  /// A number for every channel, 0 for padding.
  func byChannel(_ number: (Int) -> Float) -> [SIMD8<Float>] {
    (0..<shape.blocks * shape.block / 8).map { place in
      var vector = SIMD8<Float>.zero
      for lane in 0..<8 where place * 8 + lane < shape.channels {
        vector[lane] = number(place * 8 + lane)
      }
      return vector
    }
  }

  /// Sum of each channel over all pixels of what `term` makes of a vector, its place, and its index.
  @inline(__always)
  func channelSums(_ term: (SIMD8<Float>, Int, Int) -> SIMD8<Float>) -> [Double] {
    var sums = [Double](repeating: 0, count: shape.blocks * shape.block)
    let perBlock = shape.block / 8
    for place in 0..<shape.blocks * perBlock {
      let start = place / perBlock * shape.planeStride + place % perBlock * 8
      var total = SIMD8<Double>.zero
      for y in 0..<shape.size.height {
        var sum = SIMD8<Float>.zero
        for x in 0..<shape.size.width {
          let index = start + (y * shape.size.width + x) * shape.block
          sum += term(NumberLoops.load(base + index), place, index)
        }
        total += SIMD8<Double>(sum)
      }
      for lane in 0..<8 { sums[place * 8 + lane] = total[lane] }
    }
    return sums
  }

  /// Calls `body` with the index and the place of every vector.
  @inline(__always)
  func forEachVector(_ body: (Int, Int) -> Void) {
    let perBlock = shape.block / 8
    for place in 0..<shape.blocks * perBlock {
      let start = place / perBlock * shape.planeStride + place % perBlock * 8
      for pixel in 0..<shape.size.pixels { body(start + pixel * shape.block, place) }
    }
  }
}

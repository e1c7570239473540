/// Group normalisation of one blocked image, forward with its statistics kept, and backward. oneDNN 2.6 has none.
///
/// With mean m and deviation s of a group, x' = (x - m) / s and y = scale * x' + shift. Sums run in float32 over one
/// row and in float64 over rows and channels.
struct GroupNormTraining {
  let groups: Int
  let epsilon: Float
  /// By channel.
  let scale: UnsafePointer<Float>
  /// By channel.
  let shift: UnsafePointer<Float>

  /// Numbers that `forward` leaves for `backward`, for each image.
  static func statisticsCount(groups: Int) -> Int { (2 * groups + 15) / 16 * 16 }

  /// - Parameters:
  ///   - image: x.
  ///   - relu: whether y goes through a ReLU.
  ///   - output: gets y, of the image's size.
  ///   - statistics: gets the groups' means, then 1 / s.
  func forward(
    _ image: BlockedImage, relu: Bool, to output: UnsafeMutablePointer<Float>,
    statistics: UnsafeMutablePointer<Float>
  ) {
    let perGroup = image.channels / groups
    let count = Double(perGroup * image.height * image.width)
    let sums = channelSums(image) { x, _, _ in x }
    var means = [Double](repeating: 0, count: groups)
    for channel in 0..<image.channels { means[channel / perGroup] += sums[channel] / count }
    let centre = byChannel(image) { Float(means[$0 / perGroup]) }
    let squares = channelSums(image) { x, place, _ in
      let difference = x - vector(centre, place)
      return difference * difference
    }
    var variances = [Double](repeating: 0, count: groups)
    for channel in 0..<image.channels { variances[channel / perGroup] += squares[channel] / count }
    for group in 0..<groups {
      statistics[group] = Float(means[group])
      statistics[groups + group] = Float(1 / (variances[group] + Double(epsilon)).squareRoot())
    }
    // y = factor * (x - mean) + shift: taking the mean away first loses nothing where it is large.
    let factors = byChannel(image) { scale[$0] * statistics[groups + $0 / perGroup] }
    let shifts = byChannel(image) { shift[$0] }
    let floor = SIMD8<Float>(repeating: relu ? 0 : -.infinity)
    forEachVector(image) { index, place in
      let x = TrainingKernels.load8(image.base + index)
      let y = (x - vector(centre, place)) * vector(factors, place) + vector(shifts, place)
      TrainingKernels.store8(y.replacing(with: floor, where: y .< floor), to: output + index)
    }
  }

  /// - Parameters:
  ///   - image: x.
  ///   - outputGradient: by y before its ReLU.
  ///   - statistics: what `forward` left.
  ///   - inputGradient: gets the gradient by x.
  ///   - scaleGradient: by channel; added to.
  ///   - shiftGradient: by channel; added to.
  func backward(
    _ image: BlockedImage, outputGradient: UnsafePointer<Float>,
    statistics: UnsafePointer<Float>, to inputGradient: UnsafeMutablePointer<Float>,
    scaleGradient: UnsafeMutablePointer<Float>, shiftGradient: UnsafeMutablePointer<Float>
  ) {
    let perGroup = image.channels / groups
    let count = Double(perGroup * image.height * image.width)
    let means = byChannel(image) { statistics[$0 / perGroup] }
    let inverses = byChannel(image) { statistics[groups + $0 / perGroup] }
    let sums = channelSums(image) { _, _, index in TrainingKernels.load8(outputGradient + index) }
    let products = channelSums(image) { x, place, index in
      (x - vector(means, place)) * vector(inverses, place)
        * TrainingKernels.load8(outputGradient + index)
    }
    // Means over the group of the gradient by x', and of its product with x'.
    var gradientMeans = [Double](repeating: 0, count: groups)
    var productMeans = gradientMeans
    for channel in 0..<image.channels {
      let factor = Double(scale[channel]) / count
      gradientMeans[channel / perGroup] += factor * sums[channel]
      productMeans[channel / perGroup] += factor * products[channel]
      scaleGradient[channel] += Float(products[channel])
      shiftGradient[channel] += Float(sums[channel])
    }
    let scales = byChannel(image) { scale[$0] }
    let firsts = byChannel(image) { Float(gradientMeans[$0 / perGroup]) }
    let seconds = byChannel(image) { Float(productMeans[$0 / perGroup]) }
    forEachVector(image) { index, place in
      let inverse = vector(inverses, place)
      let normalized =
        (TrainingKernels.load8(image.base + index) - vector(means, place)) * inverse
      let gradient = TrainingKernels.load8(outputGradient + index) * vector(scales, place)
      TrainingKernels.store8(
        inverse * ((gradient - vector(firsts, place)) - normalized * vector(seconds, place)),
        to: inputGradient + index)
    }
  }

  /// A number for every channel, 0 for padding, in vectors of eight.
  private func byChannel(_ image: BlockedImage, _ number: (Int) -> Float) -> [SIMD8<Float>] {
    (0..<image.blockCount * image.block / 8).map { place in
      var vector = SIMD8<Float>.zero
      for lane in 0..<8 where place * 8 + lane < image.channels {
        vector[lane] = number(place * 8 + lane)
      }
      return vector
    }
  }

  @inline(__always)
  private func vector(_ vectors: [SIMD8<Float>], _ place: Int) -> SIMD8<Float> { vectors[place] }

  /// Calls `body` with the index of each vector of eight numbers, and that of its channels.
  @inline(__always)
  private func forEachVector(_ image: BlockedImage, _ body: (Int, Int) -> Void) {
    for channelBlock in 0..<image.blockCount {
      for lane in stride(from: 0, to: image.block, by: 8) {
        let place = (channelBlock * image.block + lane) / 8
        var index = channelBlock * image.blockStride + lane
        for _ in 0..<image.height * image.width {
          body(index, place)
          index += image.block
        }
      }
    }
  }

  /// Sum over all pixels of what `term` makes of eight numbers, the place of their channels and their index.
  @inline(__always)
  private func channelSums(
    _ image: BlockedImage, _ term: (SIMD8<Float>, Int, Int) -> SIMD8<Float>
  ) -> [Double] {
    var sums = [Double](repeating: 0, count: image.blockCount * image.block)
    for channelBlock in 0..<image.blockCount {
      for lane in stride(from: 0, to: image.block, by: 8) {
        let first = channelBlock * image.block + lane
        var total = SIMD8<Double>.zero
        var index = channelBlock * image.blockStride + lane
        for _ in 0..<image.height {
          var sum = SIMD8<Float>.zero
          for _ in 0..<image.width {
            sum += term(TrainingKernels.load8(image.base + index), first / 8, index)
            index += image.block
          }
          total += SIMD8<Double>(sum)
        }
        for index in 0..<8 { sums[first + index] = total[index] }
      }
    }
    return sums
  }
}

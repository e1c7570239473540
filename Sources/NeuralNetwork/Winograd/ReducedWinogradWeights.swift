/// Transformed weights of a `ReducedWinogradConvolution`: one product's after another's; of 8-bit ones, behind them for
/// each point and output channel the step, and then what the input's zero point adds, negated.
struct ReducedWinogradWeights: ParameterPacking {
  var weights: FoldedWeights
  /// Outputs of a tile in each direction, 2 or 4.
  var side: Int
  /// Of one product, [outputs, inputs, 1, 1] with outputs that are a multiple of 16.
  var layout: TensorLayout
  /// bfloat16 or int8.
  var type: ElementType
  /// What the input's 0 is in an 8-bit product.
  var zero: Int

  private var points: Int { (side + 2) * (side + 2) }
  private var outputs: Int { weights.shape.outputChannels.rounded(toMultipleOf: 16) }

  /// From one point's weights to the next one's.
  var pointStride: Int { layout.byteCount.rounded(toMultipleOf: 64) }
  var stepsOffset: Int { points * pointStride }
  var shiftsOffset: Int { stepsOffset + points * outputs * MemoryLayout<Float>.stride }

  var byteCount: Int {
    type == .int8 ? shiftsOffset + points * outputs * MemoryLayout<Float>.stride : stepsOffset
  }

  func pack(_ parameters: some ParameterSource, to address: UnsafeMutableRawPointer) throws {
    let inputs = weights.shape.inputChannels
    let count = outputs * inputs
    let buffer = try AlignedBuffer(byteCount: points * count * MemoryLayout<Float>.stride)
    let transformed = buffer.address.assumingMemoryBound(to: Float.self)
    transformed.update(repeating: 0, count: points * count)
    let matrix = WinogradMatrices.weights(side: side)
    try weights.withWeights(parameters) { values in
      guard let first = values.baseAddress else { return }
      for pair in 0..<weights.shape.outputChannels * inputs {
        transform(first + 9 * pair, matrix, to: transformed + pair, stride: count)
      }
    }
    let reorder = try Reorder(
      from: .plain([outputs, inputs, 1, 1], type == .int8 ? .int8 : .float32), to: layout,
      engine: try Engine.shared())
    for point in 0..<points {
      let target = address + point * pointStride
      let numbers = transformed + point * count
      if type == .int8 {
        try writeRounded(numbers, point, to: address) { try reorder.run($0, to: target) }
      } else {
        try reorder.run(UnsafeMutableRawPointer(numbers), to: target)
      }
    }
  }

  /// Rounds one point's weights, hands them over and writes what goes with them.
  private func writeRounded(
    _ numbers: UnsafePointer<Float>, _ point: Int, to address: UnsafeMutableRawPointer,
    _ write: (UnsafeMutableRawPointer) throws -> Void
  ) throws {
    let inputs = weights.shape.inputChannels
    var (integers, steps) = Quantization.rounded(
      UnsafeBufferPointer(start: numbers, count: outputs * inputs), outputChannels: outputs)
    try integers.withUnsafeMutableBytes { if let base = $0.baseAddress { try write(base) } }
    let place = point * outputs
    (address + stepsOffset).assumingMemoryBound(to: Float.self).advanced(by: place)
      .update(from: steps, count: outputs)
    let shifts = (address + shiftsOffset).assumingMemoryBound(to: Float.self) + place
    for channel in 0..<outputs {
      let sum = integers[channel * inputs..<(channel + 1) * inputs].reduce(0) { $0 + Int($1) }
      // Exact: below 2^24 for up to a thousand channels.
      shifts[channel] = Float(-zero * sum)
    }
  }

  /// G g Gᵀ of one pair of channels, in float64.
  private func transform(
    _ taps: UnsafePointer<Float>, _ matrix: [Double], to target: UnsafeMutablePointer<Float>,
    stride: Int
  ) {
    let size = side + 2
    matrix.withUnsafeBufferPointer { matrix in
      withUnsafeTemporaryAllocation(of: Double.self, capacity: 3 * size) { half in
        for row in 0..<size {
          for column in 0..<3 {
            half[row * 3 + column] =
              matrix[row * 3] * Double(taps[column])
              + matrix[row * 3 + 1] * Double(taps[3 + column])
              + matrix[row * 3 + 2] * Double(taps[6 + column])
          }
        }
        for row in 0..<size {
          for column in 0..<size {
            let sum =
              half[row * 3] * matrix[column * 3] + half[row * 3 + 1] * matrix[column * 3 + 1]
              + half[row * 3 + 2] * matrix[column * 3 + 2]
            target[(row * size + column) * stride] = Float(sum)
          }
        }
      }
    }
  }
}

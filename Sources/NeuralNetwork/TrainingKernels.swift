/// What a training step needs beside oneDNN's primitives, on blocked numbers: all bound by memory. Counts are
/// multiples of 8.
enum TrainingKernels {
  /// gradient = 0 where the ReLU's output is.
  static func mask(
    _ gradient: UnsafeMutablePointer<Float>, byPositive output: UnsafePointer<Float>, count: Int
  ) {
    for index in stride(from: 0, to: count, by: 8) {
      let isOff = load8(output + index) .<= 0
      store8(load8(gradient + index).replacing(with: 0, where: isOff), to: gradient + index)
    }
  }

  /// sum += numbers.
  static func add(
    _ numbers: UnsafePointer<Float>, to sum: UnsafeMutablePointer<Float>, count: Int
  ) {
    for index in stride(from: 0, to: count, by: 8) {
      store8(load8(sum + index) + load8(numbers + index), to: sum + index)
    }
  }

  /// output = a + b, or max(a + b, 0); `output` may be one of them. NaN stays NaN.
  static func add(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, relu: Bool,
    to output: UnsafeMutablePointer<Float>, count: Int
  ) {
    let floor = SIMD8<Float>(repeating: relu ? 0 : -.infinity)
    for index in stride(from: 0, to: count, by: 8) {
      let sum = load8(a + index) + load8(b + index)
      store8(sum.replacing(with: floor, where: sum .< floor), to: output + index)
    }
  }

  /// output = max(input, 0). NaN stays NaN.
  static func relu(
    _ input: UnsafePointer<Float>, to output: UnsafeMutablePointer<Float>, count: Int
  ) {
    for index in stride(from: 0, to: count, by: 8) {
      let numbers = load8(input + index)
      store8(numbers.replacing(with: 0, where: numbers .< 0), to: output + index)
    }
  }

  /// inputGradient = outputGradient, or += it, where the ReLU's output is positive.
  static func reluBackward(
    _ outputGradient: UnsafePointer<Float>, output: UnsafePointer<Float>,
    to inputGradient: UnsafeMutablePointer<Float>, accumulates: Bool, count: Int
  ) {
    for index in stride(from: 0, to: count, by: 8) {
      let isOff = load8(output + index) .<= 0
      let gradient = load8(outputGradient + index).replacing(with: 0, where: isOff)
      let sum = accumulates ? load8(inputGradient + index) + gradient : gradient
      store8(sum, to: inputGradient + index)
    }
  }

  /// Each input pixel's gradient is the sum, row by row, of those of its copies (`BlockedKernels.upsampleNearest`).
  static func upsampleNearestBackward(
    _ outputGradient: BlockedImage, to inputGradient: MutableBlockedImage, accumulates: Bool
  ) {
    let block = outputGradient.block
    let columns = BlockedKernels.nearestIndices(from: inputGradient.width, to: outputGradient.width)
    let rows = BlockedKernels.nearestIndices(from: inputGradient.height, to: outputGradient.height)
    if !accumulates { inputGradient.base.update(repeating: 0, count: inputGradient.count) }
    let inputStride = inputGradient.height * inputGradient.width * block
    for channelBlock in 0..<outputGradient.blockCount {
      let source = outputGradient.base + channelBlock * outputGradient.blockStride
      let target = inputGradient.base + channelBlock * inputStride
      for (y, row) in rows.enumerated() {
        for (x, column) in columns.enumerated() {
          let from = source + (y * outputGradient.width + x) * block
          let to = target + (row * inputGradient.width + column) * block
          add(from, to: to, count: block)
        }
      }
    }
  }

  /// A batch's variance with n - 1 in place of n, as running statistics keep it.
  static func unbias(
    _ variance: UnsafePointer<Float>, to unbiased: UnsafeMutablePointer<Float>, channels: Int,
    numbersPerChannel: Int
  ) {
    let factor = Float(Double(numbersPerChannel) / Double(max(1, numbersPerChannel - 1)))
    for channel in 0..<channels { unbiased[channel] = variance[channel] * factor }
  }

  @inline(__always)
  static func load8(_ pointer: UnsafePointer<Float>) -> SIMD8<Float> {
    UnsafeRawPointer(pointer).loadUnaligned(as: SIMD8<Float>.self)
  }

  @inline(__always)
  static func store8(_ vector: SIMD8<Float>, to pointer: UnsafeMutablePointer<Float>) {
    UnsafeMutableRawPointer(pointer).storeBytes(of: vector, as: SIMD8<Float>.self)
  }
}

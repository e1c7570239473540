/// Transformed weights of a Winograd convolution, one product's after another's, with the bias behind.
struct WinogradWeights: ParameterPacking {
  var weights: FoldedWeights
  /// Those of the convolution that computes the gradient by the input: with the taps in reverse order, and inputs and
  /// outputs changed places.
  var turned: Bool
  /// Of one product, [outputs, inputs, 1, 1] with channels that fill whole blocks.
  var layout: TensorLayout
  var block: Int
  var hasBias: Bool

  private var paddedOutputs: Int {
    (turned ? weights.shape.inputChannels : weights.shape.outputChannels)
      .rounded(toMultipleOf: block)
  }

  var biasOffset: Int { WinogradTransforms.points * layout.byteCount }

  var byteCount: Int { biasOffset + (hasBias ? paddedOutputs * MemoryLayout<Float>.stride : 0) }

  func pack(_ parameters: some ParameterSource, to address: UnsafeMutableRawPointer) throws {
    let plain = WinogradTaps(weights.shape, block: block)
    let packed = try AlignedBuffer(byteCount: WinogradTransforms.taps * layout.byteCount)
    let reorder = try Reorder(
      from: turned ? try plain.turnedLayout() : try plain.layout(outputs: plain.outputs),
      to: layout, engine: try Engine.shared())
    try weights.withWeights(parameters) { values in
      try plain.withPadded(values) { first in
        try reorder.run(
          (0..<WinogradTransforms.taps).map { tap in
            let source = turned ? WinogradTransforms.taps - 1 - tap : tap
            return (
              UnsafeMutableRawPointer(mutating: first + source),
              packed.address + tap * layout.byteCount
            )
          })
      }
    }
    WinogradTransforms.weights(
      packed.address.assumingMemoryBound(to: Float.self),
      count: layout.byteCount / MemoryLayout<Float>.stride,
      to: address.assumingMemoryBound(to: Float.self))
    guard hasBias else { return }
    try weights.writeBias(
      parameters,
      to: UnsafeMutableBufferPointer(
        start: (address + biasOffset).assumingMemoryBound(to: Float.self), count: paddedOutputs))
  }
}

/// Weights of a 3x3 convolution in PyTorch's order, as nine matrices of taps that lie in each other, with channels that
/// fill whole blocks.
struct WinogradTaps {
  private let shape: ConvolutionShape
  /// With those that fill the last block up.
  let outputs: Int
  let inputs: Int

  init(_ shape: ConvolutionShape, block: Int) {
    self.shape = shape
    outputs = shape.outputChannels.rounded(toMultipleOf: block)
    inputs = shape.inputChannels.rounded(toMultipleOf: block)
  }

  /// Whether PyTorch's order has the padding already, there being none.
  private var isWhole: Bool { outputs == shape.outputChannels && inputs == shape.inputChannels }

  private var count: Int { outputs * inputs * WinogradTransforms.taps }

  /// One tap's matrix, [outputs, inputs, 1, 1], of all output channels or of some that lie together.
  func layout(outputs: Int) throws(NeuralNetworkError) -> TensorLayout {
    try .strided(
      [outputs, inputs, 1, 1], [inputs * WinogradTransforms.taps, WinogradTransforms.taps, 1, 1])
  }

  /// The same matrix with rows and columns changed places, [inputs, outputs, 1, 1].
  func turnedLayout() throws(NeuralNetworkError) -> TensorLayout {
    try .strided(
      [inputs, outputs, 1, 1], [WinogradTransforms.taps, inputs * WinogradTransforms.taps, 1, 1])
  }

  /// Hands the padded weights over.
  func withPadded(
    _ weights: UnsafeBufferPointer<Float>, _ body: (UnsafePointer<Float>) throws -> Void
  ) throws {
    guard let first = weights.baseAddress else { return }
    if isWhole { return try body(first) }
    let buffer = try AlignedBuffer(byteCount: count * MemoryLayout<Float>.stride)
    let padded = buffer.address.assumingMemoryBound(to: Float.self)
    padded.update(repeating: 0, count: count)
    forEachRow { plain, place, count in
      (padded + place).update(from: first + plain, count: count)
    }
    try body(padded)
  }

  /// Numbers of scratch that `writeUnpadded` needs.
  var unpaddingCount: Int { isWhole ? 0 : count }

  /// Lets padded weights be written, and takes the padding off.
  ///
  /// - Parameters:
  ///   - target: gets the weights.
  ///   - scratch: `unpaddingCount` numbers.
  ///   - body: writes all taps.
  /// - Throws: what `body` throws.
  func writeUnpadded(
    to target: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>,
    _ body: (UnsafeMutablePointer<Float>) throws(NeuralNetworkError) -> Void
  ) throws(NeuralNetworkError) {
    if isWhole { return try body(target) }
    try body(scratch)
    forEachRow { plain, place, count in
      (target + plain).update(from: scratch + place, count: count)
    }
  }

  /// Where the weights of each output channel begin, plain and padded, and how many there are.
  private func forEachRow(_ body: (Int, Int, Int) -> Void) {
    let taps = WinogradTransforms.taps
    let count = shape.inputChannels * taps
    for row in 0..<shape.outputChannels { body(row * count, row * inputs * taps, count) }
  }
}

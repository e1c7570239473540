/// A convolution of 8-bit numbers by oneDNN: sums of products are exact, then in float32
/// (sum + bias / s) * (s / output step) with s = input step * weights' step of the channel, plus the summand, ReLU, and
/// last the rounding to the output's storage, halves to even.
///
/// Operands: input, weights (`QuantizedWeights`), their steps, bias (`CorrectedBias`), output.
struct QuantizedConvolution: Kernel {
  private let kernel: BandedConvolution
  private let outputChannels: Int
  private let inputStep: Float
  private let outputStep: Float

  /// Layout of the weights.
  var weights: TensorLayout { kernel.weights }

  /// - Parameters:
  ///   - shape: one group.
  ///   - input: in 8 bits.
  ///   - output: in 8 bits, or float32 with the channels last.
  ///   - summand: the storage of what the output holds before, where that is added.
  ///   - relu: whether the result goes through a ReLU, last.
  ///   - areas: of the map, as for `BandedConvolution`.
  ///   - block: channels per block of float32 maps.
  ///   - engine: where it runs.
  /// - Throws: `NeuralNetworkError.oneDNN`.
  init(
    _ shape: ConvolutionShape, input: Plan.Tensor, output: Plan.Tensor, summand: Storage?,
    relu: Bool, areas: [Int], block: Int, engine: Engine
  ) throws(NeuralNetworkError) {
    precondition(
      input.storage.isEightBits && output.storage.isChannelsLast,
      "8-bit products of \(input.storage) to \(output.storage)")
    outputChannels = shape.outputChannels
    inputStep = input.storage.step
    outputStep = output.storage.step
    let factors = try TensorLayout.channelsLast([1, outputChannels, 1, 1], .float32)
    var operations = [PostOperation.multiply(factors)]
    if let summand {
      operations.append(.sum(scale: summand.step / outputStep, summand.type))
    }
    if relu { operations.append(.relu) }
    let convolution = DirectConvolution(
      shape: shape, input: input.layout, output: output.layout, engine: engine, weightsType: .int8)
    kernel = try BandedConvolution(
      convolution, input: input, output: output, hasBias: true, postOperations: operations,
      areas: areas, block: block)
  }

  var scratchByteCount: Int { kernel.scratchByteCount }

  func bind(to memory: KernelMemory) throws(NeuralNetworkError) -> BoundKernel {
    let numbers = try AlignedBuffer(byteCount: 2 * outputChannels * MemoryLayout<Float>.stride)
    let shifts = numbers.address.assumingMemoryBound(to: Float.self)
    let factors = shifts + outputChannels
    let (steps, bias) = (memory.numbers(2), memory.numbers(3))
    for channel in 0..<outputChannels {
      // Of weights that are all 0, the bias is the result.
      // Else their step, as long as a bias can be counted in it.
      let step = steps[channel] == 0 ? inputStep : max(inputStep * steps[channel], 1e-30)
      shifts[channel] = bias[channel] / step
      factors[channel] = step / outputStep
    }
    let bound = try kernel.bind(
      [
        memory.operands[0], memory.operands[1], numbers.address, memory.operands[4],
        UnsafeMutableRawPointer(factors),
      ], memory)
    return { () throws(NeuralNetworkError) in
      try bound()
      withExtendedLifetime(numbers) {}
    }
  }
}

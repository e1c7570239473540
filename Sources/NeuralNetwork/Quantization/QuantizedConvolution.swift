/// A convolution of 8-bit numbers by oneDNN: sums of products are exact, then in float32
/// (sum + bias / s) * (s / output step) with s = input step * weights' step of the channel, plus the summand, ReLU, and
/// last the rounding to the output's storage, halves to even.
///
/// Operands: input, weights (`QuantizedWeights`), their steps, bias (`CorrectedBias`), output.
struct QuantizedConvolution: Kernel {
  private let kernel: PrimitiveKernel
  private let outputChannels: Int
  private let inputStep: Float
  private let outputStep: Float

  /// Layout of the weights.
  let weights: TensorLayout

  /// - Parameters:
  ///   - shape: one group.
  ///   - input: in 8 bits.
  ///   - output: in 8 bits, or float32 with the channels last.
  ///   - summand: the storage of what the output holds before, where that is added.
  ///   - relu: whether the result goes through a ReLU, last.
  ///   - engine: where it runs.
  /// - Throws: `NeuralNetworkError.oneDNN`.
  init(
    _ shape: ConvolutionShape, input: Plan.Tensor, output: Plan.Tensor, summand: Storage?,
    relu: Bool, engine: Engine
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
    let compiled = try DirectConvolution(
      shape: shape, input: input.layout, output: output.layout, engine: engine, weightsType: .int8
    ).forward(hasBias: true, postOperations: operations)
    kernel = compiled.kernel
    weights = compiled.weights
  }

  var scratchByteCount: Int { kernel.scratchByteCount }

  func bind(to memory: KernelMemory) throws(NeuralNetworkError) -> BoundKernel {
    let numbers = try AlignedBuffer(byteCount: 2 * outputChannels * MemoryLayout<Float>.stride)
    let shifts = numbers.address.assumingMemoryBound(to: Float.self)
    let factors = shifts + outputChannels
    let (steps, bias) = (memory.numbers(2), memory.numbers(3))
    for channel in 0..<outputChannels {
      // Of weights that are all 0, the bias is the result.
      let step = inputStep * (steps[channel] == 0 ? 1 : steps[channel])
      shifts[channel] = bias[channel] / step
      factors[channel] = step / outputStep
    }
    let bound = try kernel.bind(
      [
        memory.operands[0], memory.operands[1], numbers.address, memory.operands[4],
        UnsafeMutableRawPointer(factors),
      ], scratch: memory.scratch, memory.stream)
    return { () throws(NeuralNetworkError) in
      try bound.run()
      withExtendedLifetime(numbers) {}
    }
  }
}

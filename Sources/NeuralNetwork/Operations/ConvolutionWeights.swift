/// A convolution's weights and bias with its batch norm folded in: with s = gamma / sqrt(variance + epsilon),
/// weight * s and (bias - mean) * s + beta, in float64, rounded once.
struct FoldedWeights: Hashable, Sendable {
  var weight: String
  var bias: String?
  var batchNorm: FoldedBatchNorm?
  var shape: ConvolutionShape

  init(_ convolution: Convolution) {
    weight = convolution.weight
    bias = convolution.bias
    batchNorm = convolution.batchNorm
    shape = convolution.shape
  }

  /// s, by output channel; nil without a batch norm.
  func scale(_ parameters: some ParameterSource) throws -> [Double]? {
    guard let batchNorm else { return nil }
    let count = shape.outputChannels
    let gamma = try parameters.doubles("\(batchNorm.prefix).weight", count: count)
    let variance = try parameters.doubles("\(batchNorm.prefix).running_var", count: count)
    return zip(gamma, variance).map { $0 / ($1 + Double(batchNorm.epsilon)).squareRoot() }
  }

  /// Hands the folded weights over, (out, in / groups, kernel, kernel).
  func withWeights<Result>(
    _ parameters: some ParameterSource, _ body: (UnsafeBufferPointer<Float>) throws -> Result
  ) throws -> Result {
    let scale = try scale(parameters)
    return try parameters.read(weight, count: shape.weightCount) { weights in
      guard let scale, let batchNorm else { return try body(weights) }
      let perChannel = shape.weightCount / shape.outputChannels
      return try withUnsafeTemporaryAllocation(of: Float.self, capacity: weights.count) { folded in
        for (channel, factor) in scale.enumerated() {
          for index in channel * perChannel..<(channel + 1) * perChannel {
            folded[index] = Float(Double(weights[index]) * factor)
          }
        }
        let result = UnsafeBufferPointer(folded)
        try requireFinite(result, batchNorm, parameters)
        return try body(result)
      }
    }
  }

  /// Writes the folded bias, zeros where there is none.
  ///
  /// - Parameters:
  ///   - parameters: the values.
  ///   - target: one number for each output channel; what lies behind becomes 0.
  /// - Throws: what the source throws; `NeuralNetworkError.parameter`.
  func writeBias(
    _ parameters: some ParameterSource, to target: UnsafeMutableBufferPointer<Float>
  ) throws {
    let count = shape.outputChannels
    target.update(repeating: 0)
    if let bias {
      try parameters.read(bias, count: count) { values in
        for channel in 0..<count { target[channel] = values[channel] }
      }
    }
    guard let batchNorm, let scale = try scale(parameters) else { return }
    let mean = try parameters.doubles("\(batchNorm.prefix).running_mean", count: count)
    let beta = try parameters.doubles("\(batchNorm.prefix).bias", count: count)
    for channel in 0..<count {
      target[channel] = Float(
        (Double(target[channel]) - mean[channel]) * scale[channel] + beta[channel])
    }
    try requireFinite(UnsafeBufferPointer(target), batchNorm, parameters)
  }

  private func requireFinite(
    _ values: UnsafeBufferPointer<Float>, _ norm: FoldedBatchNorm,
    _ parameters: some ParameterSource
  ) throws {
    if parameters.mustBeFinite, !isFinite(values) {
      throw NeuralNetworkError.parameter(
        name: "\(norm.prefix).running_var",
        problem: "with these variances '\(weight)' becomes NaN or infinite")
    }
  }

  /// Multiplies the gradient by the folded weights into that by the weights.
  func unfold(
    _ gradient: UnsafeMutablePointer<Float>, _ parameters: ParameterSlab
  ) throws {
    guard let scale = try scale(parameters) else { return }
    let perChannel = shape.weightCount / shape.outputChannels
    for (channel, factor) in scale.map({ Float($0) }).enumerated() {
      for index in channel * perChannel..<(channel + 1) * perChannel { gradient[index] *= factor }
    }
  }
}

extension ParameterSource {
  fileprivate func doubles(_ name: String, count: Int) throws -> [Double] {
    try read(name, count: count) { $0.map { Double($0) } }
  }
}

/// Weights as oneDNN's direct convolution wants them, with the bias behind.
struct DirectWeights: ParameterPacking {
  var weights: FoldedWeights
  /// The shape that runs, with groups taken together.
  var merged: ConvolutionShape
  var layout: TensorLayout
  var hasBias: Bool

  var biasOffset: Int { (layout.byteCount + 63) / 64 * 64 }

  var byteCount: Int {
    biasOffset + (hasBias ? merged.outputChannels * MemoryLayout<Float>.stride : 0)
  }

  func pack(_ parameters: some ParameterSource, to address: UnsafeMutableRawPointer) throws {
    let plain = try TensorLayout.plain(merged.weightsShape)
    let reorder = try Reorder(from: plain, to: layout, engine: try Engine.shared())
    try weights.withWeights(parameters) { values in
      guard merged != weights.shape else {
        guard let base = values.baseAddress else { return }
        try reorder.run(UnsafeMutableRawPointer(mutating: base), to: address)
        return
      }
      let spread = try AlignedBuffer(byteCount: plain.byteCount)
      let numbers = spread.address.assumingMemoryBound(to: Float.self)
      numbers.update(repeating: 0, count: merged.weightCount)
      weights.shape.forEachKernel(in: merged) { from, to, count in
        for index in 0..<count { numbers[to + index] = values[from + index] }
      }
      try reorder.run(spread.address, to: address)
    }
    guard hasBias else { return }
    try weights.writeBias(
      parameters,
      to: UnsafeMutableBufferPointer(
        start: (address + biasOffset).assumingMemoryBound(to: Float.self),
        count: merged.outputChannels))
  }
}

/// The gradient by the weights of oneDNN's direct convolution.
struct DirectWeightGradient: GradientForm {
  var weights: FoldedWeights
  var merged: ConvolutionShape
  var layout: TensorLayout

  var byteCount: Int { layout.byteCount }

  func unpack(
    _ source: UnsafeMutableRawPointer, to target: UnsafeMutablePointer<Float>,
    _ parameters: ParameterSlab
  ) throws {
    let plain = try TensorLayout.plain(merged.weightsShape)
    let reorder = try Reorder(from: layout, to: plain, engine: try Engine.shared())
    if merged == weights.shape {
      try reorder.run(source, to: UnsafeMutableRawPointer(target))
    } else {
      let spread = try AlignedBuffer(byteCount: plain.byteCount)
      try reorder.run(source, to: spread.address)
      let numbers = spread.address.assumingMemoryBound(to: Float.self)
      weights.shape.forEachKernel(in: merged) { to, from, count in
        (target + to).update(from: numbers + from, count: count)
      }
    }
    try weights.unfold(target, parameters)
  }
}

extension ConvolutionShape {
  /// Where each output channel's kernels lie in the weights of `merged`, whose groups hold several of this shape's.
  ///
  /// - Parameters:
  ///   - merged: the shape with fewer groups.
  ///   - body: gets the first number's index here, that in `merged`, and how many numbers lie side by side.
  fileprivate func forEachKernel(in merged: ConvolutionShape, _ body: (Int, Int, Int) -> Void) {
    let perInput = kernel * kernel
    let (inputs, outputs) = (inputChannels / groups, outputChannels / groups)
    let mergedInputs = merged.inputChannels / merged.groups
    let together = groups / merged.groups
    for channel in 0..<outputChannels {
      let firstInput = channel / outputs % together * inputs
      body(
        channel * inputs * perInput, (channel * mergedInputs + firstInput) * perInput,
        inputs * perInput)
    }
  }
}

/// Weights rounded to 8 bits for each output channel, as oneDNN wants them, with the step of each channel behind.
struct QuantizedWeights: ParameterPacking {
  var weights: FoldedWeights
  var layout: TensorLayout

  var stepsOffset: Int { layout.byteCount.rounded(toMultipleOf: 64) }

  var byteCount: Int { stepsOffset + weights.shape.outputChannels * MemoryLayout<Float>.stride }

  func pack(_ parameters: some ParameterSource, to address: UnsafeMutableRawPointer) throws {
    let outputs = weights.shape.outputChannels
    var (integers, steps) = try weights.withWeights(parameters) {
      Quantization.rounded($0, outputChannels: outputs)
    }
    let reorder = try Reorder(
      from: .plain(weights.shape.weightsShape, .int8), to: layout, engine: try Engine.shared())
    try integers.withUnsafeMutableBytes { bytes in
      guard let base = bytes.baseAddress else { return }
      try reorder.run(base, to: address)
    }
    (address + stepsOffset).assumingMemoryBound(to: Float.self)
      .update(from: steps, count: outputs)
  }
}

/// A convolution's folded bias with what calibration adds to it, zeros for channels that fill up.
struct CorrectedBias: ParameterPacking {
  var weights: FoldedWeights
  /// The correction's name; nil where there is none.
  var correction: String?
  /// Numbers with those that fill up.
  var count: Int

  var byteCount: Int { count * MemoryLayout<Float>.stride }

  func pack(_ parameters: some ParameterSource, to address: UnsafeMutableRawPointer) throws {
    let target = UnsafeMutableBufferPointer(
      start: address.assumingMemoryBound(to: Float.self), count: count)
    try weights.writeBias(parameters, to: target)
    guard let correction else { return }
    try parameters.read(correction, count: weights.shape.outputChannels) { numbers in
      for (channel, number) in numbers.enumerated() { target[channel] += number }
    }
  }
}

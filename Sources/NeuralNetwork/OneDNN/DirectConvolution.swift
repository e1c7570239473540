import COneDNN

/// oneDNN's direct convolution of one shape, in its three directions.
struct DirectConvolution {
  let shape: ConvolutionShape
  /// [N, inputChannels, height, width].
  var input: TensorLayout
  /// [N, outputChannels, height, width], blocked.
  var output: TensorLayout
  let engine: Engine
  var weightsType = ElementType.float32
  /// Forward: whether there is padding above and below too, not only at the sides.
  var padsRows = true

  /// A kernel and the layout of the weights, or of their gradient, that it wants.
  struct Compiled {
    let kernel: PrimitiveKernel
    let weights: TensorLayout
  }

  /// output = weights * input. Operands: input, weights, bias if there is one, output, and factors that
  /// post-operations multiply by.
  ///
  /// - Parameters:
  ///   - hasBias: whether a bias is added.
  ///   - postOperations: applied after the bias.
  /// - Returns: the kernel.
  /// - Throws: `NeuralNetworkError.oneDNN`.
  func forward(
    hasBias: Bool, postOperations: [PostOperation]
  ) throws(NeuralNetworkError) -> Compiled {
    let description = try describeForward(hasBias: hasBias, postOperations)
    let weights = try description.layout(dnnl_query_weights_md)
    var arguments = [(DNNL_ARG_SRC, input), (DNNL_ARG_WEIGHTS, weights)]
    if hasBias { arguments.append((DNNL_ARG_BIAS, try biasLayout())) }
    arguments.append((DNNL_ARG_DST, output))
    for (index, operation) in postOperations.enumerated() {
      guard case .multiply(let factors) = operation else { continue }
      arguments.append((onednn_post_operation_argument(Int32(index)), factors))
    }
    return Compiled(
      kernel: try PrimitiveKernel(description, arguments, engine: engine), weights: weights)
  }

  /// Gradient by the input. Operands: gradient by the output, weights, gradient by the input.
  ///
  /// - Throws: `NeuralNetworkError.oneDNN`.
  func backwardData() throws(NeuralNetworkError) -> Compiled {
    let forward = try describeForward(hasBias: false, [])
    let any = try TensorLayout.any(shape.weightsShape)
    let description = try PrimitiveDescription("dnnl_convolution_backward_data") {
      onednn_convolution_backward_data(
        $0, engine.handle, input.handle, any.handle, output.handle, pair(shape.stride),
        pair(shape.padding), forward.handle, $1)
    }
    let weights = try description.layout(dnnl_query_weights_md)
    return Compiled(
      kernel: try PrimitiveKernel(
        description,
        [(DNNL_ARG_DIFF_DST, output), (DNNL_ARG_WEIGHTS, weights), (DNNL_ARG_DIFF_SRC, input)],
        engine: engine), weights: weights)
  }

  /// Gradient by the weights. Operands: input, gradient by the output, gradient by the weights.
  ///
  /// - Parameter layout: that of the gradient, where another convolution has chosen it.
  /// - Returns: the kernel.
  /// - Throws: `NeuralNetworkError.oneDNN`.
  func backwardWeights(layout: TensorLayout?) throws(NeuralNetworkError) -> Compiled {
    let forward = try describeForward(hasBias: false, [])
    let wanted = if let layout { layout } else { try TensorLayout.any(shape.weightsShape) }
    let description = try PrimitiveDescription("dnnl_convolution_backward_weights") {
      onednn_convolution_backward_weights(
        $0, engine.handle, input.handle, wanted.handle, nil, output.handle, pair(shape.stride),
        pair(shape.padding), forward.handle, $1)
    }
    let weights = try description.layout(dnnl_query_diff_weights_md)
    return Compiled(
      kernel: try PrimitiveKernel(
        description,
        [(DNNL_ARG_SRC, input), (DNNL_ARG_DIFF_DST, output), (DNNL_ARG_DIFF_WEIGHTS, weights)],
        engine: engine), weights: weights)
  }

  private func describeForward(
    hasBias: Bool, _ postOperations: [PostOperation]
  ) throws(NeuralNetworkError) -> PrimitiveDescription {
    let weights = try TensorLayout.any(shape.weightsShape, weightsType)
    let bias = hasBias ? try biasLayout() : nil
    return try PrimitiveDescription("dnnl_convolution_forward", postOperations) {
      onednn_convolution_forward(
        $0, engine.handle, dnnl_forward_training, input.handle, weights.handle, bias?.handle,
        output.handle, pair(shape.stride),
        [padsRows ? Int64(shape.padding) : 0, Int64(shape.padding)],
        $1)
    }
  }

  private func biasLayout() throws(NeuralNetworkError) -> TensorLayout {
    try .plain([shape.outputChannels])
  }
}

/// The same number for both dimensions of a map.
func pair(_ value: Int) -> [Int64] { [Int64(value), Int64(value)] }

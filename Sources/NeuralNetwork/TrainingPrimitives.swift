import COneDNN

/// A convolution over a batch, forward and backward, compiled for one shape.
struct TrainingConvolution {
  let shape: ConvolutionShape
  let batch: Int
  let input: TensorLayout
  let output: TensorLayout
  let algorithm: ConvolutionAlgorithm
  let engine: Engine

  /// A primitive and the layout of the weights, or of their gradient, that it wants.
  struct Compiled {
    let primitive: Primitive
    let weights: TensorLayout
    let algorithm: ConvolutionAlgorithm
  }

  /// Where Winograd's algorithm is asked for: as in inference from 32 channels on, and where there are pixels
  /// enough. In training its weights are transformed in each call, for which 512 pixels of all images together
  /// pay: 16x16 takes 2.3 ms alone (direct: 1.6), two images 2.9 (3.3), 64x64 12.4 (27.9), 256 to 256 channels on
  /// one thread, and much the same backward.
  static func isWorthWinograd(_ shape: ConvolutionShape, batch: Int) -> Bool {
    shape.kernel == 3 && shape.stride == 1 && shape.padding == 1 && shape.inputChannels >= 32
      && shape.outputChannels >= 32 && batch * shape.outputHeight * shape.outputWidth >= 512
  }

  /// - Parameters:
  ///   - shape: its numbers.
  ///   - batch: images.
  ///   - input: layout of the input.
  ///   - output: layout of the output.
  ///   - algorithm: what to use where it pays.
  ///   - engine: where it runs.
  init(
    _ shape: ConvolutionShape, batch: Int, input: TensorLayout, output: TensorLayout,
    algorithm: ConvolutionAlgorithm, engine: Engine
  ) {
    self.shape = shape
    self.batch = batch
    self.input = input
    self.output = output
    self.algorithm = Self.isWorthWinograd(shape, batch: batch) ? algorithm : .direct
    self.engine = engine
  }

  /// output = weights * input, plus bias if there is one, through a ReLU if asked for.
  func forward(hasBias: Bool, relu: Bool) throws(NeuralNetworkError) -> Compiled {
    let weights = try anyWeights()
    let bias = hasBias ? try TensorLayout.plain([shape.outputChannels]) : nil
    return try compile(
      postOperations: relu ? [.relu] : [], weightsQuery: dnnl_query_weights_md
    ) { operation, kind, strides, padding in
      withDescriptors(input, weights, bias, output) { input, weights, bias, output in
        dnnl_convolution_forward_desc_init(
          &operation, dnnl_forward_training, kind, input, weights, bias, output, strides, padding,
          padding)
      }
    }
  }

  /// Gradient by the input from that by the output.
  func backwardData() throws(NeuralNetworkError) -> Compiled {
    let weights = try anyWeights()
    return try compile(weightsQuery: dnnl_query_weights_md) { operation, kind, strides, padding in
      withDescriptors(input, weights, nil, output) { input, weights, _, output in
        dnnl_convolution_backward_data_desc_init(
          &operation, kind, input, weights, output, strides, padding, padding)
      }
    }
  }

  /// Gradient by the weights, and by the bias if there is one, from input and gradient by the output.
  ///
  /// - Parameters:
  ///   - hasBias: whether the bias' gradient is wanted.
  ///   - layout: that of the gradient by the weights, where another convolution has chosen it.
  /// - Returns: the primitive and the gradient's layout.
  /// - Throws: `NeuralNetworkError.oneDNN`.
  func backwardWeights(
    hasBias: Bool, layout: TensorLayout?
  ) throws(NeuralNetworkError) -> Compiled {
    let weights = if let layout { layout } else { try anyWeights() }
    let bias = hasBias ? try TensorLayout.plain([shape.outputChannels]) : nil
    return try compile(weightsQuery: dnnl_query_diff_weights_md) {
      operation, kind, strides, padding in
      withDescriptors(input, weights, bias, output) { input, weights, bias, output in
        dnnl_convolution_backward_weights_desc_init(
          &operation, kind, input, weights, bias, output, strides, padding, padding)
      }
    }
  }

  private func anyWeights() throws(NeuralNetworkError) -> TensorLayout {
    try TensorLayout.any(
      [shape.outputChannels, shape.inputChannels, shape.kernel, shape.kernel])
  }

  private func compile(
    postOperations: [PostOperation] = [], weightsQuery: dnnl_query_t,
    _ initialize: (
      inout dnnl_convolution_desc_t, dnnl_alg_kind_t, [dnnl_dim_t], [dnnl_dim_t]
    ) -> dnnl_status_t
  ) throws(NeuralNetworkError) -> Compiled {
    func compile(_ algorithm: ConvolutionAlgorithm) throws(NeuralNetworkError) -> Compiled {
      var operation = dnnl_convolution_desc_t()
      let kind =
        switch algorithm {
        case .direct: dnnl_convolution_direct
        case .winograd: dnnl_convolution_winograd
        }
      let strides = [dnnl_dim_t](repeating: dnnl_dim_t(shape.stride), count: 2)
      let padding = [dnnl_dim_t](repeating: dnnl_dim_t(shape.padding), count: 2)
      try check(
        initialize(&operation, kind, strides, padding), "dnnl_convolution_*_desc_init")
      let description = try PrimitiveDescription(&operation, postOperations, engine: engine)
      return Compiled(
        primitive: try description.makePrimitive(), weights: try description.layout(weightsQuery),
        algorithm: algorithm)
    }
    if algorithm == .winograd {
      do { return try compile(.winograd) } catch {
        // Not an error: below AVX-512 there is no such implementation.
      }
    }
    return try compile(.direct)
  }

  private func withDescriptors(
    _ input: TensorLayout, _ weights: TensorLayout, _ bias: TensorLayout?, _ output: TensorLayout,
    _ body: (
      UnsafePointer<dnnl_memory_desc_t>, UnsafePointer<dnnl_memory_desc_t>,
      UnsafePointer<dnnl_memory_desc_t>?, UnsafePointer<dnnl_memory_desc_t>
    ) -> dnnl_status_t
  ) -> dnnl_status_t {
    withUnsafePointer(to: input.descriptor) { input in
      withUnsafePointer(to: weights.descriptor) { weights in
        withUnsafePointer(to: output.descriptor) { output in
          guard let bias else { return body(input, weights, nil, output) }
          return withUnsafePointer(to: bias.descriptor) { body(input, weights, $0, output) }
        }
      }
    }
  }
}

/// Max pooling over a batch; where the maxima were is kept in a workspace.
struct TrainingMaxPooling {
  let forward: Primitive
  let backward: Primitive
  let workspace: TensorLayout

  /// Compiles both directions; see `MaxPoolingPrimitive`.
  init(
    input: TensorLayout, output: TensorLayout, kernel: Int, stride: Int, padding: Int,
    engine: Engine
  ) throws(NeuralNetworkError) {
    func pair(_ value: Int) -> [dnnl_dim_t] { [dnnl_dim_t](repeating: dnnl_dim_t(value), count: 2) }
    var input = input.descriptor
    var output = output.descriptor
    var operation = dnnl_pooling_desc_t()
    try check(
      dnnl_pooling_forward_desc_init(
        &operation, dnnl_forward_training, dnnl_pooling_max, &input, &output, pair(stride),
        pair(kernel), pair(padding), pair(padding)),
      "dnnl_pooling_forward_desc_init")
    let forward = try PrimitiveDescription(&operation, [], engine: engine)
    try check(
      dnnl_pooling_backward_desc_init(
        &operation, dnnl_pooling_max, &input, &output, pair(stride), pair(kernel), pair(padding),
        pair(padding)),
      "dnnl_pooling_backward_desc_init")
    let backward = try PrimitiveDescription(&operation, [], engine: engine, forward: forward)
    workspace = try forward.layout(dnnl_query_workspace_md)
    self.forward = try forward.makePrimitive()
    self.backward = try backward.makePrimitive()
  }
}

/// Batch normalisation with the statistics of the batch; which ReLU outputs were positive is kept in a workspace.
struct TrainingBatchNorm {
  let forward: Primitive
  let backward: Primitive
  /// Of one with ReLU.
  let workspace: TensorLayout?

  /// - Parameters:
  ///   - layout: of input and output.
  ///   - epsilon: added to the variance.
  ///   - relu: whether the output goes through a ReLU.
  ///   - engine: where it runs.
  /// - Throws: `NeuralNetworkError.oneDNN`.
  init(
    layout: TensorLayout, epsilon: Float, relu: Bool, engine: Engine
  ) throws(NeuralNetworkError) {
    var data = layout.descriptor
    var operation = dnnl_batch_normalization_desc_t()
    let flags =
      dnnl_use_scale.rawValue | dnnl_use_shift.rawValue
      | (relu ? dnnl_fuse_norm_relu.rawValue : 0)
    try check(
      dnnl_batch_normalization_forward_desc_init(
        &operation, dnnl_forward_training, &data, epsilon, flags),
      "dnnl_batch_normalization_forward_desc_init")
    let forward = try PrimitiveDescription(&operation, [], engine: engine)
    try check(
      dnnl_batch_normalization_backward_desc_init(
        &operation, dnnl_backward, &data, &data, epsilon, flags),
      "dnnl_batch_normalization_backward_desc_init")
    let backward = try PrimitiveDescription(&operation, [], engine: engine, forward: forward)
    workspace = relu ? try forward.layout(dnnl_query_workspace_md) : nil
    self.forward = try forward.makePrimitive()
    self.backward = try backward.makePrimitive()
  }
}

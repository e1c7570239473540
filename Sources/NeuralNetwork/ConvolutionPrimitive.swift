import COneDNN

/// A two-dimensional convolution's numbers, for one image. Square kernels, equal padding on all sides.
package struct ConvolutionShape: Hashable, Sendable {
  package var inputChannels: Int
  package var outputChannels: Int
  package var inputHeight: Int
  package var inputWidth: Int
  package var kernel: Int
  package var stride: Int
  package var padding: Int

  package init(
    inputChannels: Int, outputChannels: Int, inputHeight: Int, inputWidth: Int, kernel: Int,
    stride: Int, padding: Int
  ) {
    self.inputChannels = inputChannels
    self.outputChannels = outputChannels
    self.inputHeight = inputHeight
    self.inputWidth = inputWidth
    self.kernel = kernel
    self.stride = stride
    self.padding = padding
  }

  var outputHeight: Int { (inputHeight + 2 * padding - kernel) / stride + 1 }
  var outputWidth: Int { (inputWidth + 2 * padding - kernel) / stride + 1 }

  /// Where Winograd's algorithm is asked for; oneDNN's `auto` never picks it forward. On one core of a Xeon
  /// (Sapphire Rapids) it takes 0.84 of direct convolution's time at 32 channels, 0.6 at 128, 0.3 to 0.5 at 256,
  /// down to maps of 10x10 (`detect-batch-dev convolutions` prints the table). Below that it saves a fraction of
  /// a millisecond an image, and its weights, of another format there, cost more at start-up.
  package var isWorthWinograd: Bool {
    kernel == 3 && stride == 1 && padding == 1 && inputChannels >= 32 && outputChannels >= 32
      && outputHeight * outputWidth >= 100
  }
}

/// The algorithms of oneDNN that compute a convolution in float32.
public enum ConvolutionAlgorithm: Sendable {
  /// Sums products as they are. Every CPU, every shape.
  case direct
  /// F(4x4, 3x3), through transformed tiles: fewer products. AVX-512 only; 3x3 kernels of stride 1.
  case winograd
}

/// A convolution with bias, compiled for one shape, and the layouts it wants.
struct ConvolutionPrimitive: Sendable {
  let primitive: Primitive
  let algorithm: ConvolutionAlgorithm
  let weights: TensorLayout
  let output: TensorLayout

  /// Compiles a convolution from `input` to a blocked output.
  ///
  /// - Parameters:
  ///   - shape: its numbers.
  ///   - input: layout of the input, [1, inputChannels, inputHeight, inputWidth].
  ///   - block: channels per block of the output.
  ///   - postOperations: applied after the bias.
  ///   - algorithm: `winograd` falls back to `direct` where the CPU has none.
  ///   - engine: where it runs.
  /// - Throws: `NeuralNetworkError.oneDNN`.
  init(
    _ shape: ConvolutionShape, input: TensorLayout, block: Int, postOperations: [PostOperation],
    algorithm: ConvolutionAlgorithm, engine: Engine
  ) throws(NeuralNetworkError) {
    let output = try TensorLayout.blocked(
      [1, shape.outputChannels, shape.outputHeight, shape.outputWidth], block: block)
    let weights = try TensorLayout.any(
      [shape.outputChannels, shape.inputChannels, shape.kernel, shape.kernel])
    let bias = try TensorLayout.plain([shape.outputChannels])

    func describe(_ kind: dnnl_alg_kind_t) throws(NeuralNetworkError) -> PrimitiveDescription {
      var operation = dnnl_convolution_desc_t()
      let strides = [dnnl_dim_t](repeating: dnnl_dim_t(shape.stride), count: 2)
      let padding = [dnnl_dim_t](repeating: dnnl_dim_t(shape.padding), count: 2)
      var input = input.descriptor
      var weights = weights.descriptor
      var bias = bias.descriptor
      var output = output.descriptor
      try check(
        dnnl_convolution_forward_desc_init(
          &operation, dnnl_forward_inference, kind, &input, &weights, &bias, &output, strides,
          padding, padding),
        "dnnl_convolution_forward_desc_init")
      return try PrimitiveDescription(&operation, postOperations, engine: engine)
    }

    var chosen = algorithm
    var description: PrimitiveDescription?
    if algorithm == .winograd {
      do {
        description = try describe(dnnl_convolution_winograd)
      } catch .oneDNN(_, NeuralNetworkError.notImplemented) {
        // Below AVX-512 oneDNN has no such implementation; direct gives the same numbers within rounding.
        chosen = .direct
      }
    }
    let found = if let description { description } else { try describe(dnnl_convolution_direct) }
    self.algorithm = chosen
    self.weights = try found.layout(dnnl_query_weights_md)
    self.output = output
    primitive = try found.makePrimitive()
  }
}

/// Max pooling compiled for one shape.
struct MaxPoolingPrimitive: Sendable {
  let primitive: Primitive

  /// - Parameters:
  ///   - input: layout of the input.
  ///   - output: layout of the output.
  ///   - kernel: side of the window.
  ///   - stride: its step.
  ///   - padding: on all sides; padded places never win.
  ///   - engine: where it runs.
  /// - Throws: `NeuralNetworkError.oneDNN`.
  init(
    input: TensorLayout, output: TensorLayout, kernel: Int, stride: Int, padding: Int,
    engine: Engine
  ) throws(NeuralNetworkError) {
    var operation = dnnl_pooling_desc_t()
    var input = input.descriptor
    var output = output.descriptor
    func pair(_ value: Int) -> [dnnl_dim_t] { [dnnl_dim_t](repeating: dnnl_dim_t(value), count: 2) }
    try check(
      dnnl_pooling_forward_desc_init(
        &operation, dnnl_forward_inference, dnnl_pooling_max, &input, &output, pair(stride),
        pair(kernel), pair(padding), pair(padding)),
      "dnnl_pooling_forward_desc_init")
    primitive = try PrimitiveDescription(&operation, [], engine: engine).makePrimitive()
  }
}

/// Copies a tensor from one layout to another, on the calling thread.
///
/// - Parameters:
///   - source: its values, in `sourceLayout`.
///   - sourceLayout: where it comes from.
///   - destination: memory of `destinationLayout.byteCount` bytes.
///   - destinationLayout: where it goes; padding is filled with zeros.
///   - engine: where it runs.
/// - Throws: `NeuralNetworkError`.
func reorder(
  _ source: UnsafeMutableRawPointer, _ sourceLayout: TensorLayout,
  to destination: UnsafeMutableRawPointer, _ destinationLayout: TensorLayout, engine: Engine
) throws(NeuralNetworkError) {
  let primitive = try PrimitiveDescription(
    reorderFrom: sourceLayout, to: destinationLayout, engine: engine
  ).makePrimitive()
  let scratch = try AlignedBuffer(byteCount: primitive.scratchpad.byteCount)
  let memories = [
    (DNNL_ARG_FROM, try TensorMemory(sourceLayout, at: source, engine: engine)),
    (DNNL_ARG_TO, try TensorMemory(destinationLayout, at: destination, engine: engine)),
    (
      DNNL_ARG_SCRATCHPAD,
      try TensorMemory(primitive.scratchpad, at: scratch.address, engine: engine)
    ),
  ]
  try primitive.execute(
    memories.map { dnnl_exec_arg_t(arg: $0.0, memory: $0.1.handle) },
    on: ExecutionStream(engine: engine))
  withExtendedLifetime(memories) {}
}

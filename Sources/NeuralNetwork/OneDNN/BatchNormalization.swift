import COneDNN

/// oneDNN's batch normalisation with the statistics of the batch, and the way back. With a ReLU, which outputs
/// were positive is kept in a workspace.
struct BatchNormalization {
  /// Operands: input, output, mean, variance, scale, shift, and the workspace of one with ReLU.
  let forward: PrimitiveKernel
  /// Operands: input, gradient by the output, mean, variance, scale, shift if `backwardTakesShift`, gradients by scale
  /// and shift, gradient by the input, and the workspace of one with ReLU.
  let backward: PrimitiveKernel
  let workspace: TensorLayout?

  /// Nothing backward reads it; some versions of oneDNN ask for it all the same.
  static var backwardTakesShift: Bool { onednn_batch_norm_backward_takes_shift != 0 }

  /// - Parameters:
  ///   - layout: of input and output.
  ///   - channels: of both.
  ///   - epsilon: added to the variance.
  ///   - relu: whether the output goes through a ReLU.
  ///   - engine: where it runs.
  /// - Throws: `NeuralNetworkError.oneDNN`.
  init(
    layout: TensorLayout, channels: Int, epsilon: Float, relu: Bool, engine: Engine
  ) throws(NeuralNetworkError) {
    let flags =
      dnnl_use_scale.rawValue | dnnl_use_shift.rawValue
      | (relu ? dnnl_fuse_norm_relu.rawValue : 0)
    let forward = try PrimitiveDescription("dnnl_batch_normalization_forward") {
      onednn_batch_norm_forward($0, engine.handle, layout.handle, epsilon, flags, $1)
    }
    let backward = try PrimitiveDescription("dnnl_batch_normalization_backward") {
      onednn_batch_norm_backward(
        $0, engine.handle, layout.handle, epsilon, flags, forward.handle, $1)
    }
    let byChannel = try TensorLayout.plain([channels])
    let statistics = [
      (DNNL_ARG_MEAN, byChannel), (DNNL_ARG_VARIANCE, byChannel), (DNNL_ARG_SCALE, byChannel),
      (DNNL_ARG_SHIFT, byChannel),
    ]
    workspace = relu ? try forward.layout(dnnl_query_workspace_md) : nil
    let last = workspace.map { [(DNNL_ARG_WORKSPACE, $0)] } ?? []
    self.forward = try PrimitiveKernel(
      forward, [(DNNL_ARG_SRC, layout), (DNNL_ARG_DST, layout)] + statistics + last,
      engine: engine)
    self.backward = try PrimitiveKernel(
      backward,
      [(DNNL_ARG_SRC, layout), (DNNL_ARG_DIFF_DST, layout)]
        + (Self.backwardTakesShift ? statistics : statistics.dropLast())
        + [
          (DNNL_ARG_DIFF_SCALE, byChannel), (DNNL_ARG_DIFF_SHIFT, byChannel),
          (DNNL_ARG_DIFF_SRC, layout),
        ] + last, engine: engine)
  }
}

import COneDNN

/// oneDNN's max pooling: forward alone, or with a workspace that says where the maxima were, for the way back.
struct MaxPooling {
  /// Operands: input, output, and the workspace if there is one.
  let forward: PrimitiveKernel
  /// Operands: gradient by the output, workspace, gradient by the input.
  let backward: PrimitiveKernel?
  let workspace: TensorLayout?

  /// - Parameters:
  ///   - input: layout of the input.
  ///   - output: layout of the output.
  ///   - kernel: side of the window.
  ///   - stride: its step.
  ///   - padding: on all sides; padded places never win.
  ///   - hasBackward: whether the way back is compiled too.
  ///   - engine: where it runs.
  /// - Throws: `NeuralNetworkError.oneDNN`.
  init(
    input: TensorLayout, output: TensorLayout, kernel: Int, stride: Int, padding: Int,
    hasBackward: Bool, engine: Engine
  ) throws(NeuralNetworkError) {
    let description = try PrimitiveDescription("dnnl_pooling_forward") {
      onednn_max_pooling_forward(
        $0, engine.handle, hasBackward ? dnnl_forward_training : dnnl_forward_inference,
        input.handle, output.handle, pair(stride), pair(kernel), pair(padding), $1)
    }
    var arguments = [(DNNL_ARG_SRC, input), (DNNL_ARG_DST, output)]
    guard hasBackward else {
      (backward, workspace) = (nil, nil)
      forward = try PrimitiveKernel(description, arguments, engine: engine)
      return
    }
    let workspace = try description.layout(dnnl_query_workspace_md)
    arguments.append((DNNL_ARG_WORKSPACE, workspace))
    forward = try PrimitiveKernel(description, arguments, engine: engine)
    self.workspace = workspace
    backward = try PrimitiveKernel(
      try PrimitiveDescription("dnnl_pooling_backward") {
        onednn_max_pooling_backward(
          $0, engine.handle, input.handle, output.handle, pair(stride), pair(kernel),
          pair(padding), description.handle, $1)
      },
      [
        (DNNL_ARG_DIFF_DST, output), (DNNL_ARG_WORKSPACE, workspace), (DNNL_ARG_DIFF_SRC, input),
      ], engine: engine)
  }
}

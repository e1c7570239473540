import COneDNN

extension TrainingPlanBuilder {
  /// Appends the forward step of an operation.
  mutating func appendForward(_ index: Int) throws(NeuralNetworkError) {
    let operation = operations[index]
    let input = value(operation.inputs[0])
    let relu = operation.hasRelu ? " relu" : ""
    switch operation.kind {
    case .convolution(let convolution):
      try appendConvolution(convolution, index, input)
    case .batchNorm(let prefix, let epsilon):
      try appendBatchNorm(prefix, epsilon, index, input)
    case .groupNorm(let prefix, let groups, let epsilon):
      let output = try newTensor(like: operation.output)
      let statistics = newBuffer(
        batch * GroupNormTraining.statisticsCount(groups: groups) * MemoryLayout<Float>.stride)
      let norm = TrainingPlan.GroupNorm(
        prefix: prefix, groups: groups, epsilon: epsilon, relu: operation.hasRelu, input: input,
        output: output, statistics: statistics)
      leftBehind[index] = .groupNorm(norm)
      finish(
        index, output, .groupNorm(norm), "group norm \(prefix)\(relu)",
        uses: [input.buffer, statistics])
    case .add:
      let other = value(operation.inputs[1])
      let overwritten = operation.inputs.first { isFree($0, after: index) }
      let output =
        if let overwritten { value(overwritten) } else { try newTensor(like: operation.output) }
      finish(
        index, output, .add(a: input, b: other, relu: operation.hasRelu, output: output),
        "add\(relu)", uses: [input.buffer, other.buffer])
    case .relu:
      let output = try newTensor(like: operation.output)
      finish(index, output, .relu(input: input, output: output), "relu", uses: [input.buffer])
    case .maxPool(let kernel, let stride, let padding):
      let output = try newTensor(like: operation.output)
      let pooling = try TrainingMaxPooling(
        input: input.layout, output: output.layout, kernel: kernel, stride: stride,
        padding: padding, engine: engine)
      let workspace = newBuffer(pooling.workspace.byteCount)
      leftBehind[index] = .maxPool(pooling, workspace: workspace)
      tensors[operation.output.index] = output
      emit(
        pooling.forward,
        [
          input.argument(DNNL_ARG_SRC), output.argument(DNNL_ARG_DST),
          .init(
            index: DNNL_ARG_WORKSPACE, layout: pooling.workspace, location: .slab(workspace)),
        ], label("max pool", input, output), output: output)
    case .upsampleNearest:
      let output = try newTensor(like: operation.output)
      finish(
        index, output, .upsample(input: input, output: output), "upsample", uses: [input.buffer])
    }
  }

  /// The name of a step with its shape.
  func label(_ name: String, _ input: Tensor, _ output: Tensor) -> String {
    "\(name) \(batch)x \(input.channels)>\(output.channels) \(output.height)x\(output.width)"
  }

  private mutating func finish(
    _ index: Int, _ output: Tensor, _ action: Action, _ name: String, uses: [Int]
  ) {
    let input = value(operations[index].inputs[0])
    tensors[operations[index].output.index] = output
    emit(action, label(name, input, output), output: output, uses: uses + [output.buffer])
  }

  /// Whether nobody needs a value once operation `index` has read it: then its memory can become the output's.
  private func isFree(_ value: NetworkGraph.Value, after index: Int) -> Bool {
    value != graph.input && !graph.outputs.contains(value) && !saved.contains(value.index)
      && (readers[value.index] ?? []).allSatisfy { $0 <= index }
  }

  private mutating func appendConvolution(
    _ fused: FusedConvolution, _ index: Int, _ input: Tensor
  ) throws(NeuralNetworkError) {
    let operation = operations[index]
    let output = try newTensor(like: operation.output)
    let shape = ConvolutionShape(
      inputChannels: input.channels, outputChannels: output.channels, inputHeight: input.height,
      inputWidth: input.width, kernel: fused.kernel, stride: fused.stride, padding: fused.padding)
    let convolution = TrainingConvolution(
      shape, batch: batch, input: input.layout, output: output.layout, algorithm: algorithm,
      engine: engine)
    let hasBias = fused.parameters.bias != nil || fused.parameters.batchNorm != nil
    let compiled = try convolution.forward(hasBias: hasBias, relu: operation.hasRelu)
    let key = weights(self.key(fused, shape, compiled.weights))
    var arguments = [
      input.argument(DNNL_ARG_SRC),
      TrainingPlan.Argument(
        index: DNNL_ARG_WEIGHTS, layout: compiled.weights, location: .weights(key)),
      output.argument(DNNL_ARG_DST),
    ]
    if hasBias {
      arguments.append(
        .init(
          index: DNNL_ARG_BIAS, layout: try .plain([output.channels]), location: .bias(key)))
    }
    leftBehind[index] = .convolution(convolution)
    tensors[operation.output.index] = output
    emit(
      compiled.primitive, arguments,
      label(convolutionName(fused, compiled.algorithm), input, output), output: output)
  }

  func key(
    _ fused: FusedConvolution, _ shape: ConvolutionShape, _ layout: TensorLayout
  ) -> WeightStore.Key {
    WeightStore.Key(
      parameters: fused.parameters, inputChannels: shape.inputChannels,
      outputChannels: shape.outputChannels, kernel: shape.kernel, layout: layout)
  }

  func convolutionName(_ fused: FusedConvolution, _ algorithm: ConvolutionAlgorithm) -> String {
    "\(fused.parameters.weight) \(fused.kernel)x\(fused.kernel)/\(fused.stride) \(algorithm)"
  }

  private mutating func appendBatchNorm(
    _ prefix: String, _ epsilon: Float, _ index: Int, _ input: Tensor
  ) throws(NeuralNetworkError) {
    let operation = operations[index]
    let output = try newTensor(like: operation.output)
    let norm = try TrainingBatchNorm(
      layout: input.layout, epsilon: epsilon, relu: operation.hasRelu, engine: engine)
    let channels = try TensorLayout.plain([output.channels])
    let mean = newBuffer(channels.byteCount)
    let variance = newBuffer(channels.byteCount)
    var arguments = [
      input.argument(DNNL_ARG_SRC), output.argument(DNNL_ARG_DST),
      TrainingPlan.Argument(index: DNNL_ARG_MEAN, layout: channels, location: .slab(mean)),
      .init(index: DNNL_ARG_VARIANCE, layout: channels, location: .slab(variance)),
      .init(index: DNNL_ARG_SCALE, layout: channels, location: .parameter("\(prefix).weight")),
      .init(index: DNNL_ARG_SHIFT, layout: channels, location: .parameter("\(prefix).bias")),
    ]
    let workspace = norm.workspace.map { newBuffer($0.byteCount) }
    if let workspace, let layout = norm.workspace {
      arguments.append(
        .init(index: DNNL_ARG_WORKSPACE, layout: layout, location: .slab(workspace)))
    }
    leftBehind[index] = .batchNorm(norm, mean: mean, variance: variance, workspace: workspace)
    tensors[operation.output.index] = output
    emit(
      norm.forward, arguments,
      label("batch norm \(prefix)\(operation.hasRelu ? " relu" : "")", input, output),
      output: output)
    let means = gradient("\(prefix).running_mean", layout: channels)
    let variances = gradient("\(prefix).running_var", layout: channels)
    precondition(means.isNew, "batch norm \(prefix) runs twice in one network")
    emit(
      .statistics(
        mean: mean, variance: variance, meanGradient: means.index,
        varianceGradient: variances.index, output), "statistics of \(prefix)",
      uses: [mean, variance])
  }
}

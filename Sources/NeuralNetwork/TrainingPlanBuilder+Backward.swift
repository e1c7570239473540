import COneDNN

extension TrainingPlanBuilder {
  /// Appends the backward steps of an operation whose output's gradient is complete.
  mutating func appendBackward(_ index: Int) throws(NeuralNetworkError) {
    let operation = operations[index]
    // Nobody reads what has none: a loss that leaves an output out, say.
    guard let gradient = gradientTensors[operation.output.index] else { return }
    let output = value(operation.output)
    switch (operation.kind, leftBehind[index]) {
    case (.convolution(let fused), .convolution(let convolution)):
      mask(operation, gradient)
      try appendBackward(fused, convolution, operation, gradient)
    case (.batchNorm(let prefix, _), .batchNorm(let norm, let mean, let variance, let workspace)):
      try appendBackward(
        norm, prefix, operation, gradient, mean: mean, variance: variance, workspace: workspace)
    case (.groupNorm, .groupNorm(let norm)):
      mask(operation, gradient)
      try appendBackward(norm, operation, gradient)
    case (.add, _):
      mask(operation, gradient)
      for input in operation.inputs where needsGradient.contains(input.index) {
        try passOn(gradient, to: input, from: index)
      }
    case (.relu, _):
      let (target, isNew) = try gradientTensor(of: operation.inputs[0])
      emit(
        .reluBackward(
          outputGradient: gradient, output: output, inputGradient: target,
          accumulates: !isNew), label("relu backward", target, gradient),
        uses: [gradient.buffer, output.buffer, target.buffer])
    case (.maxPool, .maxPool(let pooling, let workspace)):
      try contribute(to: operation.inputs[0]) { builder, target in
        builder.emit(
          pooling.backward,
          [
            gradient.argument(DNNL_ARG_DIFF_DST), target.argument(DNNL_ARG_DIFF_SRC),
            .init(
              index: DNNL_ARG_WORKSPACE, layout: pooling.workspace, location: .slab(workspace)),
          ], builder.label("max pool backward", target, gradient))
      }
    case (.upsampleNearest, _):
      let (target, isNew) = try gradientTensor(of: operation.inputs[0])
      emit(
        .upsampleBackward(
          outputGradient: gradient, inputGradient: target, accumulates: !isNew),
        label("upsample backward", target, gradient), uses: [gradient.buffer, target.buffer])
    default:
      preconditionFailure("operation \(index) left nothing for its backward step")
    }
  }

  /// Through the ReLU that an operation took along.
  private mutating func mask(_ operation: TrainingOperation, _ gradient: Tensor) {
    guard operation.hasRelu else { return }
    let output = value(operation.output)
    emit(
      .mask(gradient: gradient, output: output), label("relu mask", output, gradient),
      uses: [gradient.buffer, output.buffer])
  }

  /// Lets a step write a part of a value's gradient: the first part into its place, any later one beside it, to be
  /// added.
  private mutating func contribute(
    to value: NetworkGraph.Value,
    _ step: (inout TrainingPlanBuilder, Tensor) throws(NeuralNetworkError) -> Void
  ) throws(NeuralNetworkError) {
    let part = try newTensor(like: value)
    try step(&self, part)
    if let gradient = gradientTensors[value.index] {
      emit(
        .accumulate(gradient: part, into: gradient), label("accumulate", part, gradient),
        uses: [part.buffer, gradient.buffer])
    } else {
      gradientTensors[value.index] = part
    }
  }

  /// The place of a value's gradient, for a step that writes or adds there.
  private mutating func gradientTensor(
    of value: NetworkGraph.Value
  ) throws(NeuralNetworkError) -> (tensor: Tensor, isNew: Bool) {
    if let known = gradientTensors[value.index] { return (known, false) }
    let tensor = try newTensor(like: value)
    gradientTensors[value.index] = tensor
    return (tensor, true)
  }

  /// An addition's gradient is that of its inputs. They share its memory where none of those that do is changed
  /// before all others have been read.
  private mutating func passOn(
    _ gradient: Tensor, to value: NetworkGraph.Value, from index: Int
  ) throws(NeuralNetworkError) {
    if let known = gradientTensors[value.index] {
      emit(
        .accumulate(gradient: gradient, into: known), label("accumulate", gradient, known),
        uses: [gradient.buffer, known.buffer])
      return
    }
    // Gradients that lie there and have not been read yet.
    let pending = gradientTensors.filter { other, tensor in
      tensor.buffer == gradient.buffer && (producers[other] ?? -1) < index
    }.keys
    // What is added to itself gets a second part at once.
    let isAlone = operations[index].inputs.count { $0 == value } == 1
    if isAlone && pending.allSatisfy({ mayShare(value.index, $0, before: index) }) {
      gradientTensors[value.index] = gradient
      return
    }
    let copy = try newTensor(like: value)
    gradientTensors[value.index] = copy
    emit(
      .copy(gradient: gradient, into: copy), label("copy", gradient, copy),
      uses: [gradient.buffer, copy.buffer])
  }

  /// Whether the gradients of two values can lie in one place from operation `index` on. Operations run backward:
  /// a value's gradient is read by its producer, and changed by the readers of the value that come before it.
  private func mayShare(_ a: Int, _ b: Int, before index: Int) -> Bool {
    func firstChange(_ value: Int) -> Int {
      var changes = (readers[value] ?? []).filter { $0 < index }
      if let producer = producers[value], operations[producer].hasRelu { changes.append(producer) }
      return changes.max() ?? -1
    }
    return firstChange(a) < producers[b] ?? -1 && firstChange(b) < producers[a] ?? -1
  }

  private mutating func appendBackward(
    _ fused: FusedConvolution, _ convolution: TrainingConvolution, _ operation: TrainingOperation,
    _ gradient: Tensor
  ) throws(NeuralNetworkError) {
    let input = value(operation.inputs[0])
    if !operation.trained.isEmpty {
      let name = fused.parameters.weight
      let bias = fused.parameters.bias
      let compiled = try convolution.backwardWeights(
        hasBias: bias != nil, layout: gradientLayout(name))
      var arguments = [
        input.argument(DNNL_ARG_SRC), gradient.argument(DNNL_ARG_DIFF_DST),
      ]
      var additions: [(buffer: Int, gradient: Int)] = []
      func place(
        _ name: String, _ argument: Int32, _ layout: TensorLayout,
        _ builder: inout TrainingPlanBuilder
      ) {
        var location: TrainingPlan.Location?
        if operation.trained.contains(name) {
          let (index, isNew) = builder.gradient(
            name, layout: layout,
            batchNorm: name == fused.parameters.weight ? fused.parameters.batchNorm : nil)
          if isNew {
            location = .gradient(index)
          } else {
            let buffer = builder.newBuffer(layout.byteCount)
            additions.append((buffer, index))
            location = .slab(buffer)
          }
        }
        // What is not trained is computed all the same, and forgotten.
        arguments.append(
          TrainingPlan.Argument(
            index: argument, layout: layout,
            location: location ?? .slab(builder.newBuffer(layout.byteCount))))
      }
      place(name, DNNL_ARG_DIFF_WEIGHTS, compiled.weights, &self)
      if let bias { place(bias, DNNL_ARG_DIFF_BIAS, try .plain([gradient.channels]), &self) }
      emit(
        compiled.primitive, arguments,
        label(
          "backward weights " + convolutionName(fused, compiled.algorithm), input, gradient))
      for (buffer, index) in additions {
        emit(
          .accumulateGradient(buffer: buffer, gradient: index),
          "accumulate \(gradients[index].name)", uses: [buffer])
      }
    }
    guard needsGradient.contains(operation.inputs[0].index) else { return }
    let compiled = try convolution.backwardData()
    let key = weights(self.key(fused, convolution.shape, compiled.weights))
    try contribute(to: operation.inputs[0]) { builder, target in
      builder.emit(
        compiled.primitive,
        [
          gradient.argument(DNNL_ARG_DIFF_DST),
          .init(index: DNNL_ARG_WEIGHTS, layout: compiled.weights, location: .weights(key)),
          target.argument(DNNL_ARG_DIFF_SRC),
        ],
        builder.label(
          "backward data " + builder.convolutionName(fused, compiled.algorithm), target, gradient))
    }
  }

  private mutating func appendBackward(
    _ norm: TrainingBatchNorm, _ prefix: String, _ operation: TrainingOperation,
    _ gradient: Tensor, mean: Int, variance: Int, workspace: Int?
  ) throws(NeuralNetworkError) {
    let input = value(operation.inputs[0])
    let channels = try TensorLayout.plain([gradient.channels])
    var arguments = [
      input.argument(DNNL_ARG_SRC), gradient.argument(DNNL_ARG_DIFF_DST),
      TrainingPlan.Argument(index: DNNL_ARG_MEAN, layout: channels, location: .slab(mean)),
      .init(index: DNNL_ARG_VARIANCE, layout: channels, location: .slab(variance)),
      .init(index: DNNL_ARG_SCALE, layout: channels, location: .parameter("\(prefix).weight")),
      // Read by none; the JIT asks for it with the ReLU.
      .init(index: DNNL_ARG_SHIFT, layout: channels, location: .parameter("\(prefix).bias")),
    ]
    if let workspace, let layout = norm.workspace {
      arguments.append(
        .init(index: DNNL_ARG_WORKSPACE, layout: layout, location: .slab(workspace)))
    }
    for (suffix, index) in [("weight", DNNL_ARG_DIFF_SCALE), ("bias", DNNL_ARG_DIFF_SHIFT)] {
      arguments.append(
        .init(
          index: index, layout: channels,
          location: .gradient(self.gradient("\(prefix).\(suffix)", layout: channels).index)))
    }
    let finished = arguments
    try contribute(to: operation.inputs[0]) { builder, target in
      builder.emit(
        norm.backward, finished + [target.argument(DNNL_ARG_DIFF_SRC)],
        builder.label("batch norm backward \(prefix)", target, gradient))
    }
  }

  private mutating func appendBackward(
    _ norm: TrainingPlan.GroupNorm, _ operation: TrainingOperation, _ gradient: Tensor
  ) throws(NeuralNetworkError) {
    let channels = try TensorLayout.plain([gradient.channels])
    var places: [TrainingPlan.GradientPlace] = []
    for suffix in ["weight", "bias"] {
      let name = "\(norm.prefix).\(suffix)"
      if operation.trained.contains(name) {
        let (index, isNew) = self.gradient(name, layout: channels)
        places.append(.init(location: .gradient(index), isNew: isNew))
      } else {
        places.append(.init(location: .slab(newBuffer(channels.byteCount)), isNew: true))
      }
    }
    let (scale, shift) = (places[0], places[1])
    let temporary = places.compactMap { place in
      if case .slab(let buffer) = place.location { buffer } else { nil }
    }
    try contribute(to: operation.inputs[0]) { builder, target in
      builder.emit(
        .groupNormBackward(
          norm, outputGradient: gradient, inputGradient: target, scale: scale, shift: shift),
        builder.label("group norm backward \(norm.prefix)", target, gradient),
        uses: [
          gradient.buffer, norm.input.buffer, norm.statistics, target.buffer,
        ] + temporary)
    }
  }
}

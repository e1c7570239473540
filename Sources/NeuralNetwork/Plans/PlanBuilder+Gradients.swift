/// The way back: where gradients by values and parameters are gathered.
extension PlanBuilder {
  /// Through the ReLU that a call took along.
  mutating func mask(_ gradient: Tensor, _ output: Tensor) {
    let count = gradient.count
    emit(
      [gradient.location, output.location], label("relu mask", output, gradient)
    ) {
      NumberLoops.mask($0.numbers(0), byPositive: $0.numbers(1), count: count)
    }
  }

  /// Lets a step write, or add, a part of a value's gradient. Nothing happens where none is wanted.
  ///
  /// - Parameters:
  ///   - value: whose gradient it is part of.
  ///   - canAdd: whether the step can add to what is there; else a later part is written elsewhere and added.
  ///   - step: gets where to, and whether to add.
  /// - Throws: `NeuralNetworkError`, or what `step` throws.
  mutating func contribute(
    to value: NetworkGraph.Value, canAdd: Bool = false,
    _ step: (inout PlanBuilder, Tensor, Bool) throws(NeuralNetworkError) -> Void
  ) throws(NeuralNetworkError) {
    guard dependencies.needsGradient.contains(value) else { return }
    guard let gradient = gradientTensors[value] else {
      let first = try newTensor(like: value)
      gradientTensors[value] = first
      try step(&self, first, false)
      return
    }
    if canAdd {
      try step(&self, gradient, true)
      return
    }
    let part = try newTensor(like: value)
    try step(&self, part, false)
    accumulate(part, into: gradient)
  }

  /// The gradient of an addition is that of its operands. They share its memory where none of those that do is
  /// changed before all others have been read.
  mutating func passOn(
    _ gradient: Tensor, to value: NetworkGraph.Value, from call: OperationCall
  ) throws(NeuralNetworkError) {
    guard dependencies.needsGradient.contains(value) else { return }
    if let known = gradientTensors[value] {
      accumulate(gradient, into: known)
      return
    }
    let pending = gradientTensors.filter { other, tensor in
      tensor.buffer == gradient.buffer && dependencies.isPending(other, before: call)
    }.keys
    // What is added to itself gets a second part at once.
    let isAlone = call.inputs.count { $0 == value } == 1
    if isAlone && pending.allSatisfy({ dependencies.mayShare(value, $0, before: call) }) {
      gradientTensors[value] = gradient
      return
    }
    let copy = try newTensor(like: value)
    gradientTensors[value] = copy
    let count = copy.count
    emit([gradient.location, copy.location], label("copy", gradient, copy)) {
      $0.numbers(1).update(from: $0.numbers(0), count: count)
    }
  }

  private mutating func accumulate(_ part: Tensor, into gradient: Tensor) {
    let count = gradient.count
    emit([part.location, gradient.location], label("accumulate", part, gradient)) {
      NumberLoops.add($0.numbers(0), to: $0.numbers(1), count: count)
    }
  }

  /// Lets a step write, or add, a part of the gradient by a parameter.
  ///
  /// - Parameters:
  ///   - name: the parameter's.
  ///   - form: how the numbers lie. Parts of one form are added here; those of several when they are unpacked.
  ///   - isTrained: false where a step computes what nobody wants: it gets memory to be forgotten.
  ///   - canAdd: whether the step can add to what is there.
  ///   - step: gets where to, and whether to add.
  /// - Throws: what `step` throws.
  mutating func contribute(
    toParameter name: String, as form: some GradientForm, isTrained: Bool, canAdd: Bool = false,
    _ step: (inout PlanBuilder, Location, Bool) throws(NeuralNetworkError) -> Void
  ) throws(NeuralNetworkError) {
    guard isTrained else {
      try step(&self, .buffer(newBuffer(form.byteCount)), false)
      return
    }
    let known = gradients.firstIndex {
      $0.name == name && AnyHashable($0.form) == AnyHashable(form)
    }
    guard let known else {
      gradients.append(Plan.Gradient(name: name, form: form, offset: gradientByteCount))
      gradientByteCount += (form.byteCount + 63) / 64 * 64
      try step(&self, .gradient(gradients.count - 1), false)
      return
    }
    if canAdd {
      try step(&self, .gradient(known), true)
      return
    }
    let part = newBuffer((form.byteCount + 63) / 64 * 64)
    try step(&self, .buffer(part), false)
    // To the end of the last cache line: what lies behind a gradient is padding of its own.
    let count = (form.byteCount + 63) / 64 * 16
    emit([.buffer(part), .gradient(known)], "accumulate \(name)") {
      NumberLoops.add($0.numbers(0), to: $0.numbers(1), count: count)
    }
  }

  /// The form of this kind in which the gradient by a parameter is gathered already.
  func gradientForm<Form: GradientForm>(_ name: String, _ kind: Form.Type) -> Form? {
    for gradient in gradients where gradient.name == name {
      if let form = gradient.form as? Form { return form }
    }
    return nil
  }
}

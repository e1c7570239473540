extension NetworkGraph {
  /// Batch normalisation (Ioffe and Szegedy 2015) with `<prefix>.weight`, `.bias`, `.running_mean`, `.running_var`.
  /// It must follow a convolution that nobody else reads, unless it is trained.
  public mutating func batchNorm(_ value: Value, _ prefix: String, epsilon: Float) -> Value {
    append(
      BatchNorm(prefix: prefix, channels: channels(value), epsilon: epsilon), [value],
      channels: channels(value))
  }
}

/// Batch normalisation. With running statistics it is a part of the convolution before it; where it is trained it
/// takes the statistics of its batch, and has steps of its own.
struct BatchNorm: Operation {
  var prefix: String
  var channels: Int
  var epsilon: Float
  /// oneDNN's primitive does it, and its mask on the way back, so this is no `hasRelu`.
  var appliesRelu = false

  var name: String { "batch norm \(prefix)" + (appliesRelu ? " relu" : "") }

  var parameters: [NetworkGraph.Parameter] {
    ["weight", "bias", "running_mean", "running_var"].map {
      NetworkGraph.Parameter(name: "\(prefix).\($0)", shape: [channels])
    }
  }

  var trainable: [String] { ["\(prefix).weight", "\(prefix).bias"] }
  var isNorm: Bool { true }

  func reference(
    _ inputs: [ReferenceImage], _ parameter: (String) throws -> [Double]
  ) throws -> ReferenceImage {
    let image = inputs[0]
    let gamma = try parameter("\(prefix).weight")
    let beta = try parameter("\(prefix).bias")
    let mean = try parameter("\(prefix).running_mean")
    let variance = try parameter("\(prefix).running_var")
    return ReferenceImage(channels: channels, height: image.height, width: image.width) {
      (image[$0, $1, $2] - mean[$0]) / (variance[$0] + Double(epsilon)).squareRoot() * gamma[$0]
        + beta[$0]
    }
  }

  func absorb(_ next: any Operation, _ fusion: FusionContext) -> Absorbed? {
    guard next is Relu, !appliesRelu else { return nil }
    var both = self
    both.appliesRelu = true
    return Absorbed(operation: both)
  }

  func keeps(isTrained: Bool) -> KeptForBackward { .input }

  func append(
    _ calls: [OperationCall], to builder: inout PlanBuilder
  ) throws(NeuralNetworkError) {
    let call = calls[0]
    precondition(
      !call.trained.isEmpty,
      "batch norm \(prefix), not trained, does not follow a convolution of its own")
    let input = try builder.blocked(call.inputs[0])
    let output = try builder.makeOutput(of: call)
    let norm = try BatchNormalization(
      layout: input.layout, channels: channels, epsilon: epsilon, relu: appliesRelu,
      engine: builder.engine)
    let byteCount = channels * MemoryLayout<Float>.stride
    let mean = Plan.Location.buffer(builder.newBuffer(byteCount))
    let variance = Plan.Location.buffer(builder.newBuffer(byteCount))
    let statistics = [
      mean, variance, builder.parameter("\(prefix).weight", count: channels),
      builder.parameter("\(prefix).bias", count: channels),
    ]
    let workspace =
      norm.workspace.map {
        [Plan.Location.buffer(builder.newBuffer($0.byteCount))]
      } ?? []
    builder.emit(
      norm.forward, [input.location, output.location] + statistics + workspace,
      builder.label(name, input, output), outputs: [output])
    try appendStatistics(mean, variance, output, to: &builder)
    builder.onGradient(of: call) { builder, gradient throws(NeuralNetworkError) in
      var targets: [Plan.Location] = []
      for name in trainable {
        try builder.contribute(
          toParameter: name, as: PlainGradient(count: channels),
          isTrained: call.trained.contains(name)
        ) { _, target, _ in targets.append(target) }
      }
      try builder.contribute(to: call.inputs[0]) { builder, target, _ in
        builder.emit(
          norm.backward,
          [input.location, gradient.location]
            + (BatchNormalization.backwardTakesShift ? statistics : statistics.dropLast())
            + targets + [target.location]
            + workspace, builder.label("\(name) backward", target, gradient))
      }
    }
  }

  /// Leaves the batch's statistics as gradients by the running ones, the variance with n - 1 in place of n, as
  /// running statistics keep it.
  private func appendStatistics(
    _ mean: Plan.Location, _ variance: Plan.Location, _ output: Plan.Tensor,
    to builder: inout PlanBuilder
  ) throws(NeuralNetworkError) {
    let (channels, count) = (channels, builder.batch * output.size.pixels)
    let unbiased = Float(Double(count) / Double(max(1, count - 1)))
    for (name, statistic, factor) in [
      ("running_mean", mean, 1), ("running_var", variance, unbiased),
    ] {
      try builder.contribute(
        toParameter: "\(prefix).\(name)", as: PlainGradient(count: channels), isTrained: true
      ) { builder, target, _ in
        builder.emit([statistic, target], "\(name) of \(prefix)") {
          for channel in 0..<channels {
            $0.numbers(1)[channel] = $0.numbers(0)[channel] * factor
          }
        }
      }
    }
  }
}

extension NetworkGraph {
  /// Group normalisation (Wu and He 2018) with `<prefix>.weight` and `.bias`. `groups` must divide the channels.
  public mutating func groupNorm(
    _ value: Value, _ prefix: String, groups: Int, epsilon: Float
  ) -> Value {
    precondition(channels(value) % groups == 0, "\(channels(value)) channels in \(groups) groups")
    return append(
      GroupNorm(prefix: prefix, channels: channels(value), groups: groups, epsilon: epsilon),
      [value], channels: channels(value))
  }
}

/// Each group of channels of an image is brought to mean 0 and variance 1 over all its pixels, then scaled and shifted
/// by channel, then through the ReLU it took along. The arithmetic is in `GroupNormLoops`.
struct GroupNorm: Operation {
  var prefix: String
  var channels: Int
  var groups: Int
  var epsilon: Float
  var hasRelu = false

  var name: String { "group norm \(prefix)" + (hasRelu ? " relu" : "") }

  func valueName(_ input: String) -> String { prefix }

  var parameters: [NetworkGraph.Parameter] {
    ["weight", "bias"].map { NetworkGraph.Parameter(name: "\(prefix).\($0)", shape: [channels]) }
  }

  var isNorm: Bool { true }

  func reference(
    _ inputs: [ReferenceImage], _ parameter: (String) throws -> [Double]
  ) throws -> ReferenceImage {
    let image = inputs[0]
    let gamma = try parameter("\(prefix).weight")
    let beta = try parameter("\(prefix).bias")
    let count = image.values.count / groups
    let statistics = (0..<groups).map { group in
      let values = image.values[group * count..<(group + 1) * count]
      let mean = values.reduce(0, +) / Double(count)
      let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(count)
      return (mean: mean, deviation: (variance + Double(epsilon)).squareRoot())
    }
    return ReferenceImage(channels: channels, height: image.height, width: image.width) {
      let group = statistics[$0 * groups / channels]
      return (image[$0, $1, $2] - group.mean) / group.deviation * gamma[$0] + beta[$0]
    }
  }

  func absorb(_ next: any Operation, _ fusion: FusionContext) -> Absorbed? {
    guard next is Relu, !hasRelu else { return nil }
    var both = self
    both.hasRelu = true
    return Absorbed(operation: both)
  }

  func keeps(isTrained: Bool) -> KeptForBackward { hasRelu ? [.input, .output] : .input }

  func append(
    _ calls: [OperationCall], to builder: inout PlanBuilder
  ) throws(NeuralNetworkError) {
    let call = calls[0]
    let input = builder.blocked(call.inputs[0])
    let output = try builder.makeOutput(
      of: call, over: builder.isFree(call.inputs[0], after: call) ? call.inputs[0] : nil)
    let loops = GroupNormLoops(
      groups: groups, epsilon: epsilon, relu: hasRelu, shape: builder.shape(input))
    let statistics = Plan.Location.buffer(
      builder.newBuffer(loops.statisticsCount * MemoryLayout<Float>.stride))
    let scale = builder.parameter("\(prefix).weight", count: channels)
    let shift = builder.parameter("\(prefix).bias", count: channels)
    builder.emit(
      [input.location, scale, shift, output.location, statistics],
      builder.label(name, input, output), outputs: [output]
    ) {
      loops.forward(
        $0.numbers(0), scale: $0.numbers(1), shift: $0.numbers(2), to: $0.numbers(3),
        statistics: $0.numbers(4))
    }
    builder.onGradient(of: call) { builder, gradient throws(NeuralNetworkError) in
      var targets: [Plan.Location] = []
      for name in trainable {
        try builder.contribute(
          toParameter: name, as: PlainGradient(count: channels),
          isTrained: call.trained.contains(name), canAdd: true
        ) { builder, target, adds in
          targets.append(target)
          guard !adds else { return }
          let channels = channels
          builder.emit([target], "clear \(name)") {
            $0.numbers(0).update(repeating: 0, count: channels)
          }
        }
      }
      try builder.contribute(to: call.inputs[0]) { builder, target, _ in
        builder.emit(
          [input.location, gradient.location, statistics, scale, target.location] + targets,
          builder.label("\(name) backward", target, gradient)
        ) {
          loops.backward(
            $0.numbers(0), outputGradient: $0.numbers(1), statistics: $0.numbers(2),
            scale: $0.numbers(3), to: $0.numbers(4), scaleGradient: $0.numbers(5),
            shiftGradient: $0.numbers(6))
        }
      }
    }
  }
}

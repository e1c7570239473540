extension NetworkGraph {
  /// max(x, 0).
  public mutating func relu(_ value: Value) -> Value {
    append(Relu(), [value], channels: channels(value))
  }
}

/// A ReLU that no operation before it could take along.
struct Relu: Operation {
  var name: String { "relu" }

  func reference(
    _ inputs: [ReferenceImage], _ parameter: (String) throws -> [Double]
  ) -> ReferenceImage {
    inputs[0].map { max($0, 0) }
  }

  func keeps(isTrained: Bool) -> KeptForBackward { .output }

  func append(
    _ calls: [OperationCall], to builder: inout PlanBuilder
  ) throws(NeuralNetworkError) {
    let call = calls[0]
    let input = try builder.blocked(call.inputs[0])
    let output = try builder.makeOutput(of: call)
    let count = output.count
    builder.emit(
      [input.location, output.location], builder.label(name, input, output), outputs: [output]
    ) {
      Self.forward($0.numbers(0), to: $0.numbers(1), count: count)
    }
    builder.onGradient(of: call) { builder, gradient throws(NeuralNetworkError) in
      try builder.contribute(to: call.inputs[0], canAdd: true) { builder, target, adds in
        builder.emit(
          [gradient.location, output.location, target.location],
          builder.label("relu backward", target, gradient)
        ) {
          Self.backward(
            $0.numbers(0), output: $0.numbers(1), to: $0.numbers(2), adds: adds, count: count)
        }
      }
    }
  }

  /// output = max(input, 0). NaN stays NaN.
  private static func forward(
    _ input: UnsafePointer<Float>, to output: UnsafeMutablePointer<Float>, count: Int
  ) {
    for index in stride(from: 0, to: count, by: 8) {
      let numbers = NumberLoops.load(input + index)
      NumberLoops.store(numbers.replacing(with: 0, where: numbers .< 0), to: output + index)
    }
  }

  /// inputGradient = outputGradient, or += it, where the output is positive.
  private static func backward(
    _ outputGradient: UnsafePointer<Float>, output: UnsafePointer<Float>,
    to inputGradient: UnsafeMutablePointer<Float>, adds: Bool, count: Int
  ) {
    for index in stride(from: 0, to: count, by: 8) {
      let isOff = NumberLoops.load(output + index) .<= 0
      let gradient = NumberLoops.load(outputGradient + index).replacing(with: 0, where: isOff)
      let sum = adds ? NumberLoops.load(inputGradient + index) + gradient : gradient
      NumberLoops.store(sum, to: inputGradient + index)
    }
  }
}

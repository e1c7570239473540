extension NetworkGraph {
  /// a + b, element by element, of two values of one shape.
  public mutating func add(_ a: Value, _ b: Value) -> Value {
    precondition(channels(a) == channels(b), "adding \(channels(a)) and \(channels(b)) channels")
    return append(Add(), [a, b], channels: channels(a))
  }
}

/// An addition that no convolution could take along.
struct Add: Operation {
  var hasRelu = false

  var name: String { hasRelu ? "add relu" : "add" }

  func reference(
    _ inputs: [ReferenceImage], _ parameter: (String) throws -> [Double]
  ) -> ReferenceImage {
    precondition(inputs[0].values.count == inputs[1].values.count, "a sum of two sizes")
    var sum = inputs[0]
    for index in sum.values.indices { sum.values[index] += inputs[1].values[index] }
    return sum
  }

  func absorb(_ next: any Operation, _ fusion: FusionContext) -> Absorbed? {
    next is Relu && !hasRelu ? Absorbed(operation: Add(hasRelu: true)) : nil
  }

  func keeps(isTrained: Bool) -> KeptForBackward { hasRelu ? .output : [] }

  func append(
    _ calls: [OperationCall], to builder: inout PlanBuilder
  ) throws(NeuralNetworkError) {
    let call = calls[0]
    let a = try builder.blocked(call.inputs[0])
    let b = try builder.blocked(call.inputs[1])
    let overwritten = zip(call.inputs, [a, b]).first { builder.isFree($0.0, after: call) }?.1
    let output = try builder.makeOutput(of: call, over: overwritten)
    let (count, relu) = (output.count, hasRelu)
    builder.emit(
      [a.location, b.location, output.location], builder.label(name, a, output),
      outputs: [output]
    ) {
      Self.forward($0.numbers(0), $0.numbers(1), relu: relu, to: $0.numbers(2), count: count)
    }
    builder.onGradient(of: call) { builder, gradient throws(NeuralNetworkError) in
      for input in call.inputs { try builder.passOn(gradient, to: input, from: call) }
    }
  }

  /// output = a + b, or max(a + b, 0); `output` may be one of them. NaN stays NaN.
  private static func forward(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, relu: Bool,
    to output: UnsafeMutablePointer<Float>, count: Int
  ) {
    let floor = SIMD8<Float>(repeating: relu ? 0 : -.infinity)
    for index in stride(from: 0, to: count, by: 8) {
      let sum = NumberLoops.load(a + index) + NumberLoops.load(b + index)
      NumberLoops.store(sum.replacing(with: floor, where: sum .< floor), to: output + index)
    }
  }
}

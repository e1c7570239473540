extension NetworkGraph {
  /// `value` rounded to what eight bits can say of it in a range, in float32.
  mutating func fakeQuantize(_ value: Value, in range: Quantization.StoredRange) -> Value {
    append(FakeQuantize(range: range), [value], channels: channels(value))
  }
}

/// Rounds as a value is rounded that lies in eight bits, and stays in float32. It has no way back.
struct FakeQuantize: Operation {
  var range: Quantization.StoredRange

  /// The least and the greatest multiple of the step.
  private var ends: (least: Float, greatest: Float) { range.isSigned ? (-127, 127) : (0, 255) }

  var name: String { "fake quantize" }

  func reference(
    _ inputs: [ReferenceImage], _ parameter: (String) throws -> [Double]
  ) -> ReferenceImage {
    let step = Double(range.step)
    return inputs[0].map { number in
      let multiple = (number / step).rounded(.toNearestOrEven)
      return min(max(multiple, Double(ends.least)), Double(ends.greatest)) * step
    }
  }

  func append(
    _ calls: [OperationCall], to builder: inout PlanBuilder
  ) throws(NeuralNetworkError) {
    let call = calls[0]
    let isInput = builder.readsInput(call)
    let input = isInput ? builder.tensor(call.inputs[0]) : try builder.blocked(call.inputs[0])
    // The input stays in plain order, as convolutions read it.
    let output =
      isInput
      ? builder.makeOutput(of: call, like: input)
      : try builder.makeOutput(
        of: call, over: builder.isFree(call.inputs[0], after: call) ? input : nil)
    let (step, ends, count) = (range.step, ends, output.count)
    builder.emit(
      [input.location, output.location], builder.label(name, input, output), outputs: [output]
    ) {
      Self.forward($0.numbers(0), to: $0.numbers(1), count: count, step, ends)
    }
  }

  private static func forward(
    _ input: UnsafePointer<Float>, to output: UnsafeMutablePointer<Float>, count: Int,
    _ step: Float, _ ends: (least: Float, greatest: Float)
  ) {
    for index in 0..<count {
      let multiple = (input[index] / step).rounded(.toNearestOrEven)
      output[index] = min(max(multiple, ends.least), ends.greatest) * step
    }
  }
}

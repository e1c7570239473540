extension NetworkGraph {
  /// How far `value` is from `expected`, by channel, over all pixels: the means of value - expected, of its squares, of its
  /// fourth powers, and of the squares of `expected`; four times as many channels, one pixel.
  mutating func channelErrors(of value: Value, from expected: Value) -> Value {
    precondition(channels(value) == channels(expected), "a comparison of two shapes")
    return append(ChannelErrors(), [value, expected], channels: 4 * channels(value))
  }
}

/// Compares two maps channel by channel. It has no way back.
struct ChannelErrors: Operation {
  var name: String { "channel errors" }

  func outputSize(_ inputs: [MapSize]) -> MapSize { MapSize(height: 1, width: 1) }

  func reference(
    _ inputs: [ReferenceImage], _ parameter: (String) throws -> [Double]
  ) -> ReferenceImage {
    let (value, expected) = (inputs[0], inputs[1])
    func means(_ term: (Double, Double) -> Double) -> [Double] {
      let count = value.height * value.width
      return (0..<value.channels).map { channel in
        (channel * count..<(channel + 1) * count).reduce(0) {
          $0 + term(value.values[$1], expected.values[$1])
        } / Double(count)
      }
    }
    return ReferenceImage(
      channels: 4 * value.channels, height: 1, width: 1,
      values: means { $0 - $1 } + means { ($0 - $1) * ($0 - $1) }
        + means { (($0 - $1) * ($0 - $1)) * (($0 - $1) * ($0 - $1)) } + means { $1 * $1 })
  }

  func append(
    _ calls: [OperationCall], to builder: inout PlanBuilder
  ) throws(NeuralNetworkError) {
    let call = calls[0]
    let value = try builder.blocked(call.inputs[0])
    let expected = try builder.blocked(call.inputs[1])
    let output = try builder.makeOutput(of: call)
    let (shape, count) = (builder.shape(value), output.count)
    builder.emit(
      [value.location, expected.location, output.location], builder.label(name, value, output),
      outputs: [output]
    ) { memory in
      memory.numbers(2).update(repeating: 0, count: count)
      shape.writeErrors(memory.numbers(0), memory.numbers(1), to: memory.numbers(2))
    }
  }
}

extension BlockedShape {
  /// Of one image: a row in float32, rows together in float64. With one pixel, channels lie side by side.
  fileprivate func writeErrors(
    _ value: UnsafePointer<Float>, _ expected: UnsafePointer<Float>,
    to target: UnsafeMutablePointer<Float>
  ) {
    let rowStride = size.width * block
    for lane in stride(from: 0, to: blocks * block, by: 8) {
      let start = lane / block * planeStride + lane % block
      var totals = [SIMD8<Double>](repeating: .zero, count: 4)
      for y in 0..<size.height {
        var (means, squares, powers, signals) = (
          SIMD8<Float>.zero, SIMD8<Float>.zero, SIMD8<Float>.zero, SIMD8<Float>.zero
        )
        for x in 0..<size.width {
          let place = start + y * rowStride + x * block
          let right = NumberLoops.load(expected + place)
          let difference = NumberLoops.load(value + place) - right
          let square = difference * difference
          means += difference
          squares += square
          powers += square * square
          signals += right * right
        }
        for (index, sum) in [means, squares, powers, signals].enumerated() {
          totals[index] += SIMD8<Double>(sum)
        }
      }
      for index in 0..<8 where lane + index < channels {
        for (part, total) in totals.enumerated() {
          target[part * channels + lane + index] = Float(total[index] / Double(size.pixels))
        }
      }
    }
  }
}

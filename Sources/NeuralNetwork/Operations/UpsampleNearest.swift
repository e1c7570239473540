extension NetworkGraph {
  /// `value` at the size of `other`, by repeating pixels, as PyTorch's `interpolate(mode="nearest")`.
  public mutating func upsampleNearest(_ value: Value, toSizeOf other: Value) -> Value {
    append(UpsampleNearest(), [value, other], channels: channels(value))
  }
}

/// Repeats pixels: output row y reads input row floor(y * heightIn / heightOut), columns likewise. oneDNN's
/// resampling rounds otherwise where the ratio is not whole.
struct UpsampleNearest: Operation {
  var name: String { "upsample" }

  func inputsRead(_ inputs: [NetworkGraph.Value]) -> [NetworkGraph.Value] { [inputs[0]] }

  func outputSize(_ inputs: [MapSize]) -> MapSize { inputs[1] }

  func reference(
    _ inputs: [ReferenceImage], _ parameter: (String) throws -> [Double]
  ) -> ReferenceImage {
    let (image, size) = (inputs[0], inputs[1])
    return ReferenceImage(channels: image.channels, height: size.height, width: size.width) {
      image[$0, $1 * image.height / size.height, $2 * image.width / size.width]
    }
  }

  func append(
    _ calls: [OperationCall], to builder: inout PlanBuilder
  ) throws(NeuralNetworkError) {
    let call = calls[0]
    let input = builder.tensor(call.inputs[0])
    let output = try builder.makeOutput(of: call, input.storage)
    let (small, large) = (builder.shape(input), builder.shape(output))
    let size = input.storage.type.byteCount
    builder.emit(
      [input.location, output.location], builder.label(name, input, output), outputs: [output]
    ) {
      Self.forward($0.operands[0], small, to: $0.operands[1], large, numberSize: size)
    }
    builder.onGradient(of: call) { builder, gradient throws(NeuralNetworkError) in
      try builder.contribute(to: call.inputs[0], canAdd: true) { builder, target, adds in
        builder.emit(
          [gradient.location, target.location], builder.label("upsample backward", target, gradient)
        ) {
          Self.backward($0.numbers(0), large, to: $0.numbers(1), small, adds: adds)
        }
      }
    }
  }

  /// Where each output row or column is read.
  ///
  /// PyTorch computes the ratio in float32 (`nearest_idx` in UpSample.h): scale = Float(in) / Float(out), then
  /// floor(Float(dst) * scale), at most in - 1; equal to the integer formula but for rounding, which is kept.
  static func sources(from source: Int, to target: Int) -> [Int] {
    let scale = Float(source) / Float(target)
    // Bounded: at most the source's size.
    return (0..<target).map { min(Int(Float($0) * scale), source - 1) }
  }

  private static func forward(
    _ input: UnsafeRawPointer, _ small: BlockedShape, to output: UnsafeMutableRawPointer,
    _ large: BlockedShape, numberSize: Int
  ) {
    // Bytes of a pixel's channels in a block.
    let (block, width) = (small.block * numberSize, large.size.width)
    let columns = sources(from: small.size.width, to: width).map { $0 * block }
    let rows = sources(from: small.size.height, to: large.size.height)
    for plane in 0..<small.planes {
      let source = input + plane * small.planeStride * numberSize
      let target = output + plane * large.planeStride * numberSize
      for (y, row) in rows.enumerated() {
        let targetRow = target + y * width * block
        if y > 0, row == rows[y - 1] {
          targetRow.copyMemory(from: targetRow - width * block, byteCount: width * block)
          continue
        }
        let sourceRow = source + row * small.size.width * block
        for x in 0..<width {
          (targetRow + x * block).copyMemory(from: sourceRow + columns[x], byteCount: block)
        }
      }
    }
  }

  /// Each input pixel's gradient is the sum, row by row, of those of its copies.
  private static func backward(
    _ outputGradient: UnsafePointer<Float>, _ large: BlockedShape,
    to inputGradient: UnsafeMutablePointer<Float>, _ small: BlockedShape, adds: Bool
  ) {
    let block = small.block
    let columns = sources(from: small.size.width, to: large.size.width)
    let rows = sources(from: small.size.height, to: large.size.height)
    if !adds { inputGradient.update(repeating: 0, count: small.planes * small.planeStride) }
    for plane in 0..<small.planes {
      let source = outputGradient + plane * large.planeStride
      let target = inputGradient + plane * small.planeStride
      for (y, row) in rows.enumerated() {
        for (x, column) in columns.enumerated() {
          NumberLoops.add(
            source + (y * large.size.width + x) * block,
            to: target + (row * small.size.width + column) * block, count: block)
        }
      }
    }
  }
}

extension NetworkGraph {
  /// The greatest of each window; padded places never win.
  public mutating func maxPool(_ value: Value, kernel: Int, stride: Int, padding: Int) -> Value {
    append(
      MaxPool(kernel: kernel, stride: stride, padding: padding), [value],
      channels: channels(value))
  }
}

/// Max pooling; where the maxima were is kept for the way back.
struct MaxPool: Operation {
  var kernel: Int
  var stride: Int
  var padding: Int

  var name: String { "max pool" }

  func outputSize(_ inputs: [MapSize]) -> MapSize {
    inputs[0].windows(kernel: kernel, stride: stride, padding: padding)
  }

  func reference(
    _ inputs: [ReferenceImage], _ parameter: (String) throws -> [Double]
  ) -> ReferenceImage {
    let image = inputs[0]
    let size = outputSize([image.size])
    return ReferenceImage(channels: image.channels, height: size.height, width: size.width) {
      channel, y, x in
      var greatest = -Double.infinity
      for sourceY in y * stride - padding..<y * stride - padding + kernel
      where (0..<image.height).contains(sourceY) {
        for sourceX in x * stride - padding..<x * stride - padding + kernel
        where (0..<image.width).contains(sourceX) {
          greatest = max(greatest, image[channel, sourceY, sourceX])
        }
      }
      return greatest
    }
  }

  func append(
    _ calls: [OperationCall], to builder: inout PlanBuilder
  ) throws(NeuralNetworkError) {
    let call = calls[0]
    let input = builder.tensor(call.inputs[0])
    let output = try builder.makeOutput(of: call, input.storage)
    let pooling = try MaxPooling(
      input: input.layout, output: output.layout, kernel: kernel, stride: stride,
      padding: padding, hasBackward: builder.isTraining, engine: builder.engine)
    let workspace =
      pooling.workspace.map {
        [Plan.Location.buffer(builder.newBuffer($0.byteCount))]
      } ?? []
    builder.emit(
      pooling.forward, [input.location, output.location] + workspace,
      builder.label(name, input, output), outputs: [output])
    guard let backward = pooling.backward else { return }
    builder.onGradient(of: call) { builder, gradient throws(NeuralNetworkError) in
      try builder.contribute(to: call.inputs[0]) { builder, target, _ in
        builder.emit(
          backward, [gradient.location] + workspace + [target.location],
          builder.label("max pool backward", target, gradient))
      }
    }
  }
}

@testable import NeuralNetwork

/// Evaluates a network as `Quantization` says, one number at a time: operations by their definitions in float64, with
/// weights and values rounded where plans round them. Networks without batch norm.
struct QuantizedReference {
  let network: TestNetwork
  let quantization: Quantization

  func outputs(for input: ReferenceImage) throws -> [ReferenceImage] {
    let graph = network.graph
    let names = graph.callNames
    var images: [ReferenceImage] = []
    for (index, node) in graph.nodes.enumerated() {
      guard let operation = node.operation else {
        images.append(input)
        continue
      }
      let value = NetworkGraph.Value(index: index)
      var inputs = node.inputs.map { images[$0.index] }
      var result: ReferenceImage
      if let convolution = operation as? Convolution {
        // A convolution's name is that of what it took along, which may come later.
        let name = graph.convolutionCalls[convolutionIndex(index)].name
        if node.inputs[0] == graph.input, quantization.convolutions[name] == .direct,
          let range = quantization.values["input"]
        {
          // A copy: others read the input as it was written.
          inputs[0] = input.map { Self.rounded($0, Storage.range(range)) }
        }
        result = try self.convolution(convolution, name, inputs)
      } else {
        result = try operation.reference(inputs) { try network.load($0).map(Double.init) }
      }
      if let name = names[value], let range = quantization.values[name] {
        let storage = Storage.range(range)
        result = result.map { Self.rounded($0, storage) }
      }
      images.append(result)
    }
    return graph.outputs.map { images[$0.index] }
  }

  private func convolutionIndex(_ node: Int) -> Int {
    network.graph.nodes[..<node].count { $0.operation is Convolution }
  }

  static func rounded(_ number: Double, _ storage: Storage) -> Double {
    let bounds = storage.type == .uint8 ? 0.0...255 : -127.0...127
    let whole = (number / Double(storage.step)).rounded(.toNearestOrEven)
    return min(max(whole, bounds.lowerBound), bounds.upperBound) * Double(storage.step)
  }

  private func convolution(
    _ convolution: Convolution, _ name: String, _ inputs: [ReferenceImage]
  ) throws -> ReferenceImage {
    let correction =
      quantization.correctedBiases.contains(name)
      ? try network.load(Quantization.biasCorrectionName(of: name)) : nil
    func parameter(_ parameter: String) throws -> [Double] {
      let values = try network.load(parameter)
      if parameter == convolution.bias, let correction {
        return zip(values, correction).map { Double($0) + Double($1) }
      }
      guard parameter == convolution.weight, quantization.convolutions[name] == .direct else {
        return values.map(Double.init)
      }
      let (integers, steps) = values.withUnsafeBufferPointer {
        Quantization.rounded($0, outputChannels: convolution.shape.outputChannels)
      }
      let perChannel = integers.count / steps.count
      // Without VNNI oneDNN halves them, and rounds again.
      let unit = InstructionSet.hasVNNI ? 1.0 : 2
      return integers.enumerated().map {
        (Double($1) / unit).rounded(.toNearestOrEven) * unit * Double(steps[$0 / perChannel])
      }
    }
    guard case .winograd(let largest) = quantization.convolutions[name] else {
      return try convolution.reference(inputs, parameter)
    }
    return winograd(
      inputs[0], try network.load(convolution.weight), try parameter(convolution.bias ?? ""),
      largest)
  }

  /// Aᵀ [(G g Gᵀ) ⊙ (Bᵀ d B)] A, both factors rounded.
  private func winograd(
    _ image: ReferenceImage, _ weights: [Float], _ bias: [Double], _ largest: [Float]
  ) -> ReferenceImage {
    let size = largest.count == 16 ? 4 : 6
    let side = size - 2
    let (inputs, outputs) = (image.channels, bias.count)
    let matrices = (
      b: WinogradMatrices.input(side: side).map(Double.init),
      g: WinogradMatrices.weights(side: side),
      a: WinogradMatrices.output(side: side).map(Double.init)
    )
    func product(_ left: [Double], _ tile: [Double], _ inner: Int) -> [Double] {
      // left * tile * leftᵀ, tile being inner x inner.
      let rows = left.count / inner
      return (0..<rows * rows).map { place in
        var sum = 0.0
        for j in 0..<inner {
          for k in 0..<inner {
            sum +=
              left[place / rows * inner + j] * tile[j * inner + k]
              * left[place % rows * inner + k]
          }
        }
        return sum
      }
    }
    // By point: rounded for each output channel.
    var transformed = [[Float]](
      repeating: [Float](repeating: 0, count: outputs * inputs), count: size * size)
    for pair in 0..<outputs * inputs {
      let taps = weights[pair * 9..<pair * 9 + 9].map(Double.init)
      for (point, value) in product(matrices.g, taps, 3).enumerated() {
        transformed[point][pair] = Float(value)
      }
    }
    let rounded = transformed.map {
      $0.withUnsafeBufferPointer { Quantization.rounded($0, outputChannels: outputs) }
    }
    let top = Double(ReducedWinogradConvolution.zero - 1)
    var result = ReferenceImage(
      channels: outputs, height: image.height, width: image.width, value: { _, _, _ in 0 })
    for y in stride(from: 0, to: image.height, by: side) {
      for x in stride(from: 0, to: image.width, by: side) {
        let tiles = (0..<inputs).map { channel in
          let tile = (0..<size * size).map { place -> Double in
            let (row, column) = (y + place / size - 1, x + place % size - 1)
            let isInside =
              (0..<image.height).contains(row) && (0..<image.width).contains(column)
            return isInside ? image[channel, row, column] : 0
          }
          return product(matrices.b, tile, size).enumerated().map { point, value in
            let step = Double(largest[point] / Float(top))
            return min(max((value / step).rounded(.toNearestOrEven), -top), top) * step
          }
        }
        for output in 0..<outputs {
          let sums = (0..<size * size).map { point -> Double in
            let (integers, steps) = rounded[point]
            return (0..<inputs).reduce(0) {
              $0 + tiles[$1][point] * Double(integers[output * inputs + $1])
            } * Double(steps[output])
          }
          for (place, value) in product(matrices.a, sums, size).enumerated() {
            let (row, column) = (y + place / side, x + place % side)
            guard row < image.height, column < image.width else { continue }
            result.values[(output * image.height + row) * image.width + column] =
              value + bias[output]
          }
        }
      }
    }
    return result
  }
}

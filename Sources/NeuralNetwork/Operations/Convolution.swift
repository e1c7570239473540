extension NetworkGraph {
  /// A convolution with `<name>.weight`, (outputChannels, channels of `value` / groups, kernel, kernel), and
  /// `<name>.bias` unless `hasBias` is false. Zero padding of (kernel - 1) / 2 on all sides.
  public mutating func convolution(
    _ value: Value, _ name: String, outputChannels: Int, kernel: Int, stride: Int = 1,
    groups: Int = 1, hasBias: Bool = true
  ) -> Value {
    let shape = ConvolutionShape(
      inputChannels: channels(value), outputChannels: outputChannels, kernel: kernel,
      stride: stride, groups: groups)
    return append(
      Convolution(shape: shape, weight: "\(name).weight", bias: hasBias ? "\(name).bias" : nil),
      [value], channels: outputChannels)
  }
}

/// A convolution, with whatever it takes along: a batch norm whose statistics are constants, folded into its weights;
/// in inference an addition; a ReLU. How it is computed is in `Convolution+Steps`.
struct Convolution: Operation, Hashable {
  var shape: ConvolutionShape
  var weight: String
  var bias: String?
  var batchNorm: FoldedBatchNorm?
  var addsToOutput = false
  var hasRelu = false

  var name: String {
    let groups = shape.groups == 1 ? "" : " in \(shape.groups) groups"
    return "\(weight) \(shape.kernel)x\(shape.kernel)/\(shape.stride)\(groups)"
  }

  func valueName(_ input: String) -> String {
    String(weight.hasSuffix(".weight") ? weight.dropLast(7) : weight[...])
  }

  var parameters: [NetworkGraph.Parameter] {
    let weights = NetworkGraph.Parameter(name: weight, shape: shape.parameterShape)
    return [weights]
      + (bias.map { [NetworkGraph.Parameter(name: $0, shape: [shape.outputChannels])] } ?? [])
  }

  func outputSize(_ inputs: [MapSize]) -> MapSize { shape.outputSize(inputs[0]) }

  func reference(
    _ inputs: [ReferenceImage], _ parameter: (String) throws -> [Double]
  ) throws -> ReferenceImage {
    let image = inputs[0]
    let weights = try parameter(weight)
    let biases = try bias.map(parameter)
    let size = shape.outputSize(image.size)
    let inputsPerGroup = shape.inputChannels / shape.groups
    let outputsPerGroup = shape.outputChannels / shape.groups
    return ReferenceImage(
      channels: shape.outputChannels, height: size.height, width: size.width
    ) { channel, y, x in
      var sum = biases?[channel] ?? 0
      let firstInput = channel / outputsPerGroup * inputsPerGroup
      for row in 0..<shape.kernel {
        let sourceY = y * shape.stride + row - shape.padding
        guard (0..<image.height).contains(sourceY) else { continue }
        for column in 0..<shape.kernel {
          let sourceX = x * shape.stride + column - shape.padding
          guard (0..<image.width).contains(sourceX) else { continue }
          for input in 0..<inputsPerGroup {
            let tap = (channel * inputsPerGroup + input) * shape.kernel + row
            sum +=
              weights[tap * shape.kernel + column] * image[firstInput + input, sourceY, sourceX]
          }
        }
      }
      return sum
    }
  }

  func absorb(_ next: any Operation, _ fusion: FusionContext) -> Absorbed? {
    guard !hasRelu else { return nil }
    var both = self
    switch next {
    case let norm as BatchNorm
    where batchNorm == nil && !addsToOutput && !fusion.isTrained("\(norm.prefix).weight"):
      both.batchNorm = FoldedBatchNorm(prefix: norm.prefix, epsilon: norm.epsilon)
      return Absorbed(operation: both)
    case is Add where !addsToOutput:
      guard let summand = fusion.freeOperand else { return nil }
      both.addsToOutput = true
      return Absorbed(operation: both, summand: summand)
    case is Relu:
      both.hasRelu = true
      return Absorbed(operation: both)
    default:
      return nil
    }
  }

  func keeps(isTrained: Bool) -> KeptForBackward {
    var kept: KeptForBackward = []
    if isTrained { kept.insert(.input) }
    if hasRelu { kept.insert(.output) }
    return kept
  }

  /// Levels of a pyramid that share a head: where each has fewer tiles than a chunk of `WinogradConvolution` holds,
  /// the weights, which are as large, are read once for all.
  func canShareCall(with other: any Operation, _ size: MapSize, _ otherSize: MapSize) -> Bool {
    guard let other = other as? Convolution, other == self, !addsToOutput, shape.hasWinograd else {
      return false
    }
    return [size, otherSize].allSatisfy {
      WinogradTiles([($0.height, $0.width)]).count <= WinogradConvolution.chunk
    }
  }
}

/// A batch norm with running statistics that a convolution took along.
struct FoldedBatchNorm: Hashable, Sendable {
  var prefix: String
  var epsilon: Float
}

extension NetworkGraph {
  /// A convolution as inference calls it, with what it took along.
  public struct ConvolutionCall: Equatable, Sendable {
    /// Its name, and that of the value it gives: the weights' without `.weight`, and `#2`, `#3` … at further uses of the
    /// same weights (a shared head's levels).
    public let name: String
    /// The name of the value it reads.
    public let input: String
    /// The name of the value that it adds before the ReLU, in the memory of which its result comes to lie.
    public let summand: String?
    /// Whether its result went through a ReLU.
    public let hasRelu: Bool
    /// Of the kernel, by PyTorch's order: outputs, inputs of a group, rows, columns.
    public let weightsShape: [Int]
    /// Input channels of all groups.
    public let inputChannels: Int
    /// The step of the kernel.
    public let stride: Int
    /// The name of the weights' tensor.
    public let weight: String
    /// Whether `Quantization.Product.direct` can be said of it.
    public let hasDirect: Bool
    /// Whether `Quantization.Product.winograd` can be said of it.
    public let hasWinograd: Bool

    let folded: FoldedWeights
  }

  /// The convolutions that inference computes, in order.
  public var convolutionCalls: [ConvolutionCall] {
    let names = callNames
    return calls(trained: nil).compactMap { call in
      guard let convolution = call.operation as? Convolution, let name = names[call.output],
        let input = names[call.inputs[0]]
      else { return nil }
      return ConvolutionCall(
        name: name, input: input,
        summand: convolution.addsToOutput ? names[call.inputs[1]] : nil,
        hasRelu: convolution.hasRelu, weightsShape: convolution.shape.parameterShape,
        inputChannels: convolution.shape.inputChannels, stride: convolution.shape.stride,
        weight: convolution.weight, hasDirect: convolution.shape.groups == 1,
        hasWinograd: convolution.shape.hasQuantizedWinograd,
        folded: FoldedWeights(convolution))
    }
  }

  /// Names of the values that inference computes, the input (`input`) among them: stable, whatever the input's size.
  ///
  /// A convolution's is that of `ConvolutionCall`; an operation that no convolution took along has that of its first
  /// input and a word: `backbone.body.conv1 max pool`.
  var callNames: [Value: String] {
    var names = [input: "input"]
    var counts: [String: Int] = [:]
    for call in calls(trained: nil) {
      let name = call.operation.valueName(names[call.inputs[0]] ?? "input")
      counts[name, default: 0] += 1
      let count = counts[name] ?? 1
      names[call.output] = count == 1 ? name : "\(name)#\(count)"
    }
    return names
  }

  /// The names of the values that inference computes, in order.
  public var valueNames: [String] {
    let names = callNames
    return calls(trained: nil).compactMap { names[$0.output] }
  }

  /// The names of the values that can have a range (`Quantization.values`): the input, and of those that inference computes
  /// the ones that have channels in sixteens and are not returned by a run.
  public var quantizableValueNames: [String] {
    let names = callNames
    let computed = calls(trained: nil).map(\.output)
      .filter { channels($0).isMultiple(of: 16) && !outputs.contains($0) }
    return ([input] + computed).compactMap { names[$0] }
  }
}

extension NetworkGraph.ConvolutionCall {
  /// The tensor that a calibrated model has where this convolution's bias is corrected.
  public var biasCorrection: NetworkGraph.Parameter {
    NetworkGraph.Parameter(
      name: Quantization.biasCorrectionName(of: name), shape: [weightsShape[0]])
  }
}

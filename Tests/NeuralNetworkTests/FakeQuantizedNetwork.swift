@testable import NeuralNetwork

/// A network as `Quantization` says it, in float32: values rounded where they are made, weights rounded, products that are
/// nearly exact. What plans in eight bits are compared with.
struct FakeQuantizedNetwork: Sendable {
  let graph: NetworkGraph
  let load: WeightStore.Loader

  /// - Parameters:
  ///   - network: the network in float32.
  ///   - quantization: what is rounded; of convolutions, `Product.direct` alone.
  ///   - load: gives the network's parameters, and the corrections of biases.
  init(
    _ network: NetworkGraph, _ quantization: Quantization, load: @escaping WeightStore.Loader
  ) {
    var graph = NetworkGraph(inputChannels: network.channels(network.input))
    var copies = [network.input: graph.input]
    /// Biases to be made: which tensor, if any, and which correction is added to it.
    var corrected: [String: (bias: String?, correction: String)] = [:]
    let (names, convolutions) = (network.callNames, network.convolutionNames)
    if let range = quantization.values["input"] {
      copies[network.input] = graph.fakeQuantize(graph.input, in: range)
    }
    for (index, node) in network.nodes.enumerated() {
      guard var operation = node.operation else { continue }
      let value = NetworkGraph.Value(index: index)
      if var convolution = operation as? Convolution, let name = convolutions[value] {
        if quantization.convolutions[name] != nil {
          convolution.weight = RoundedWeights.prefix + convolution.weight
        }
        if quantization.correctedBiases.contains(name) {
          let correction = Quantization.biasCorrectionName(of: name)
          if let norm = network.batchNorm(after: value) {
            let bias = "\(norm.operation.prefix).bias"
            corrected[bias] = (bias, correction)
          } else {
            corrected["\(name) corrected bias"] = (convolution.bias, correction)
            convolution.bias = "\(name) corrected bias"
          }
        }
        operation = convolution
      }
      var copy = graph.append(
        operation, node.inputs.compactMap { copies[$0] }, channels: node.channels)
      if let name = names[value], let range = quantization.values[name] {
        copy = graph.fakeQuantize(copy, in: range)
      }
      copies[value] = copy
    }
    for output in network.outputs { graph.returns(copies[output] ?? output) }
    self.graph = graph
    let rounded = RoundedWeights.loader(load, network)
    let biases = corrected
    self.load = { name in
      guard let (bias, correction) = biases[name] else { return try rounded(name) }
      let addition = try load(correction)
      return try bias.map { zip(try load($0), addition).map { $0 + $1 } } ?? addition
    }
  }
}

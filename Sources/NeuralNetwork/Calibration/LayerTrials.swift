/// Convolutions of a network beside what they become when they are computed in other ways: one network whose outputs are
/// the errors.
struct LayerTrials: Sendable {
  /// A way to compute a convolution.
  enum Way: Hashable, Sendable {
    /// With its input rounded in the range by a rule, and its weights rounded: in float32, but for that.
    case direct(RangeRule)
    /// With products of 8 bits in the Winograd domain, for tiles of so many outputs in each direction; its input rounded.
    case winograd(side: Int)
  }

  /// A convolution that is computed in another way.
  struct Trial: Hashable, Sendable {
    /// Its name.
    var convolution: String
    /// The name of what it reads.
    var input: String
    var way: Way
  }

  /// Each output holds the errors of one trial, as `NetworkGraph.channelErrors` gives them.
  let graph: NetworkGraph
  /// What the outputs are of, in their order.
  let trials: [Trial]
  /// The names that the trials' convolutions have in `graph`.
  let names: [String]

  /// - Parameters:
  ///   - network: what is to be quantised.
  ///   - ways: those in which a convolution is to be tried, from its name and that of what it reads, each with the range
  ///     in which its input is rounded.
  init(
    _ network: NetworkGraph,
    ways: (_ convolution: String, _ input: String) -> [(Way, Quantization.StoredRange)]
  ) {
    var graph = NetworkGraph(inputChannels: network.channels(network.input))
    var trials: [(trial: Trial, value: NetworkGraph.Value)] = []
    var copies = [network.input: graph.input]
    let (names, convolutions) = (network.callNames, network.convolutionNames)

    /// What is compared once a node has its copy: the convolution that ends there, batch norm included.
    var ending: [NetworkGraph.Value: (NetworkGraph.Value, Convolution, BatchNorm?)] = [:]
    for (index, node) in network.nodes.enumerated() {
      guard let convolution = node.operation as? Convolution else { continue }
      let value = NetworkGraph.Value(index: index)
      let norm = network.batchNorm(after: value)
      ending[norm?.value ?? value] = (value, convolution, norm?.operation)
    }

    for (index, node) in network.nodes.enumerated() {
      guard let operation = node.operation else { continue }
      let value = NetworkGraph.Value(index: index)
      let copy = graph.append(
        operation, node.inputs.compactMap { copies[$0] }, channels: node.channels)
      copies[value] = copy
      guard case (let place, var convolution, let norm)? = ending[value] else { continue }
      let source = network.nodes[place.index].inputs[0]
      guard let input = copies[source], let inputName = names[source],
        let name = convolutions[place]
      else { continue }
      let weight = convolution.weight
      for (way, range) in ways(name, inputName) {
        convolution.weight = way.prefix + weight
        let tried = graph.append(
          convolution, [graph.fakeQuantize(input, in: range)], channels: node.channels)
        let result = norm.map { graph.append($0, [tried], channels: node.channels) } ?? tried
        graph.returns(graph.channelErrors(of: result, from: copy))
        trials.append((Trial(convolution: name, input: inputName, way: way), tried))
      }
    }
    let triedNames = graph.convolutionNames
    self.graph = graph
    self.trials = trials.map(\.trial)
    self.names = trials.map { triedNames[$0.value] ?? "" }
  }
}

extension LayerTrials.Way {
  /// Before the name of the weights, so that a trial's convolution has a name of its own.
  fileprivate var prefix: String {
    switch self {
    case .direct: RoundedWeights.prefix
    case .winograd(let side): "\(side)x\(side) "
    }
  }

  private static let unrounded = [2, 4].map { Self.winograd(side: $0).prefix }

  /// A loader that also gives every tensor by the names that trials have for it.
  static func loader(
    _ load: @escaping WeightStore.Loader, _ graph: NetworkGraph
  ) -> WeightStore.Loader {
    let rounded = RoundedWeights.loader(load, graph)
    return { name in
      let prefix = unrounded.first { name.hasPrefix($0) } ?? ""
      return try rounded(String(name.dropFirst(prefix.count)))
    }
  }
}

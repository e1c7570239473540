/// A graph's operations, gathered into what one primitive call can do: a convolution takes the batch norm,
/// addition and ReLU behind it along; a group norm takes the ReLU.
struct FusedOperation: Sendable {
  enum Kind: Sendable {
    case convolution(FusedConvolution)
    case groupNorm(prefix: String, groups: Int, epsilon: Float, relu: Bool)
    case relu
    case add
    case maxPool(kernel: Int, stride: Int, padding: Int)
    case upsampleNearest
  }

  var kind: Kind
  /// The values it reads. For an upsampling only the image, not the value that gives the size.
  var inputs: [NetworkGraph.Value]
  /// The value it gives: the last of those it gathered.
  var output: NetworkGraph.Value
  /// An input whose memory becomes the output's: the sum a convolution adds to, or a group norm's image.
  var overwrites: NetworkGraph.Value?
}

/// A convolution and what it took along.
struct FusedConvolution: Sendable {
  var parameters: ConvolutionParameters
  var kernel: Int
  var stride: Int
  var padding: Int
  var addsToOutput = false
  var relu = false
}

/// The tensors that make one convolution's weights and bias: with a batch norm these are folded.
struct ConvolutionParameters: Hashable, Sendable {
  struct BatchNorm: Hashable, Sendable {
    var prefix: String
    var epsilon: Float
  }

  var weight: String
  var bias: String?
  var batchNorm: BatchNorm?
}

extension NetworkGraph {
  /// Gathers the operations, in an order in which they can run.
  func fusedOperations() -> [FusedOperation] {
    var fusion = Fusion(graph: self)
    return fusion.run()
  }
}

private struct Fusion {
  let graph: NetworkGraph
  /// Nodes that read each value's numbers.
  let readers: [[Int]]
  var absorbed: Set<Int> = []

  init(graph: NetworkGraph) {
    self.graph = graph
    var readers = [[Int]](repeating: [], count: graph.nodes.count)
    for (index, node) in graph.nodes.enumerated() {
      for input in Self.numbersRead(by: node) { readers[input.index].append(index) }
    }
    self.readers = readers
  }

  static func numbersRead(by node: NetworkGraph.Node) -> ArraySlice<NetworkGraph.Value> {
    if case .upsampleNearest = node.operation { return node.inputs.prefix(1) }
    return node.inputs[...]
  }

  mutating func run() -> [FusedOperation] {
    var operations: [FusedOperation] = []
    for (index, node) in graph.nodes.enumerated() where !absorbed.contains(index) {
      let inputs = Array(Self.numbersRead(by: node))
      let value = NetworkGraph.Value(index: index)
      switch node.operation {
      case .input:
        break
      case .convolution(let weight, let bias, let kernel, let stride, let padding):
        let convolution = FusedConvolution(
          parameters: ConvolutionParameters(weight: weight, bias: bias), kernel: kernel,
          stride: stride, padding: padding)
        operations.append(gather(convolution, at: index, inputs: inputs))
      case .batchNorm(let prefix, _):
        preconditionFailure("batch norm \(prefix) does not follow a convolution of its own")
      case .groupNorm(let prefix, let groups, let epsilon):
        let last = absorbRelu(after: index)
        operations.append(
          FusedOperation(
            kind: .groupNorm(
              prefix: prefix, groups: groups, epsilon: epsilon, relu: last != index),
            inputs: inputs, output: NetworkGraph.Value(index: last),
            overwrites: isLastRead(of: inputs[0], by: index) ? inputs[0] : nil))
      case .relu:
        operations.append(FusedOperation(kind: .relu, inputs: inputs, output: value))
      case .add:
        operations.append(FusedOperation(kind: .add, inputs: inputs, output: value))
      case .maxPool(let kernel, let stride, let padding):
        operations.append(
          FusedOperation(
            kind: .maxPool(kernel: kernel, stride: stride, padding: padding), inputs: inputs,
            output: value))
      case .upsampleNearest:
        operations.append(FusedOperation(kind: .upsampleNearest, inputs: inputs, output: value))
      }
    }
    return operations
  }

  /// A convolution and what can be taken along behind it.
  private mutating func gather(
    _ convolution: FusedConvolution, at start: Int, inputs: [NetworkGraph.Value]
  ) -> FusedOperation {
    var convolution = convolution
    var inputs = inputs
    var overwrites: NetworkGraph.Value?
    var last = start
    if let next = onlyReader(of: last),
      case .batchNorm(let prefix, let epsilon) = graph.nodes[next].operation
    {
      convolution.parameters.batchNorm = .init(prefix: prefix, epsilon: epsilon)
      absorbed.insert(next)
      last = next
    }
    if let next = onlyReader(of: last), case .add = graph.nodes[next].operation,
      let other = graph.nodes[next].inputs.first(where: { $0.index != last }),
      // The other operand must be there already, and nobody may need it afterwards.
      other.index < start, isLastRead(of: other, by: next, before: start)
    {
      convolution.addsToOutput = true
      inputs.append(other)
      overwrites = other
      absorbed.insert(next)
      last = next
    }
    let beforeRelu = last
    last = absorbRelu(after: last)
    convolution.relu = last != beforeRelu
    return FusedOperation(
      kind: .convolution(convolution), inputs: inputs, output: NetworkGraph.Value(index: last),
      overwrites: overwrites)
  }

  private mutating func absorbRelu(after index: Int) -> Int {
    guard let next = onlyReader(of: index), case .relu = graph.nodes[next].operation else {
      return index
    }
    absorbed.insert(next)
    return next
  }

  /// The one operation that reads a value, where there is just one and the caller does not want the value.
  private func onlyReader(of index: Int) -> Int? {
    guard readers[index].count == 1, !graph.outputs.contains(where: { $0.index == index }) else {
      return nil
    }
    return readers[index][0]
  }

  /// Nobody but `reader` reads the value at or after operation `start`.
  private func isLastRead(
    of value: NetworkGraph.Value, by reader: Int, before start: Int? = nil
  ) -> Bool {
    guard value != graph.input, !graph.outputs.contains(value) else { return false }
    return readers[value.index].allSatisfy { $0 == reader || $0 < start ?? reader }
  }
}

/// A graph's operations as training runs them: a convolution takes a batch norm that is not trained along (its
/// statistics and its factors are constants, folded into the weights), and each operation that can takes the ReLU
/// behind it. Unlike `FusedOperation`, nothing that a gradient needs is overwritten.
struct TrainingOperation: Sendable {
  enum Kind: Sendable {
    case convolution(FusedConvolution)
    /// With the statistics of the batch.
    case batchNorm(prefix: String, epsilon: Float)
    case groupNorm(prefix: String, groups: Int, epsilon: Float)
    case add
    case relu
    case maxPool(kernel: Int, stride: Int, padding: Int)
    case upsampleNearest
  }

  var kind: Kind
  /// The values whose numbers it reads.
  var inputs: [NetworkGraph.Value]
  /// The value it gives: the last of those it gathered.
  var output: NetworkGraph.Value
  /// Whether its output went through a ReLU that it took along; always true of `relu`.
  var hasRelu: Bool
  /// Those of its parameters that are trained.
  var trained: [String]
}

extension NetworkGraph {
  /// Gathers the operations, in the order of the graph.
  ///
  /// - Parameter trained: names of the parameters that are trained. A batch norm is trained, with the statistics
  ///   of the batch, if its weight is; else it keeps its running statistics.
  /// - Returns: what runs forward; backward runs the same in reverse.
  func trainingOperations(trained: Set<String>) -> [TrainingOperation] {
    var readers = [[Int]](repeating: [], count: nodes.count)
    for (index, node) in nodes.enumerated() {
      for input in node.inputs { readers[input.index].append(index) }
    }
    // Whoever asks only for a value's size keeps it from being gathered, too: seldom, and simpler.
    func onlyReader(of index: Int) -> Int? {
      guard readers[index].count == 1, !outputs.contains(where: { $0.index == index }) else {
        return nil
      }
      return readers[index][0]
    }
    var absorbed: Set<Int> = []
    var operations: [TrainingOperation] = []
    for (index, node) in nodes.enumerated() where !absorbed.contains(index) {
      var last = index
      var names: [String] = []
      let kind: TrainingOperation.Kind
      switch node.operation {
      case .input:
        continue
      case .convolution(let weight, let bias, let kernel, let stride, let padding):
        var convolution = FusedConvolution(
          parameters: ConvolutionParameters(weight: weight, bias: bias), kernel: kernel,
          stride: stride, padding: padding)
        names = [weight] + (bias.map { [$0] } ?? [])
        if let next = onlyReader(of: index),
          case .batchNorm(let prefix, let epsilon) = nodes[next].operation,
          !trained.contains("\(prefix).weight")
        {
          convolution.parameters.batchNorm = .init(prefix: prefix, epsilon: epsilon)
          absorbed.insert(next)
          last = next
        }
        kind = .convolution(convolution)
      case .batchNorm(let prefix, let epsilon):
        precondition(
          trained.contains("\(prefix).weight"),
          "batch norm \(prefix), not trained, does not follow a convolution of its own")
        names = ["\(prefix).weight", "\(prefix).bias"]
        kind = .batchNorm(prefix: prefix, epsilon: epsilon)
      case .groupNorm(let prefix, let groups, let epsilon):
        names = ["\(prefix).weight", "\(prefix).bias"]
        kind = .groupNorm(prefix: prefix, groups: groups, epsilon: epsilon)
      case .add:
        kind = .add
      case .relu:
        kind = .relu
      case .maxPool(let kernel, let stride, let padding):
        kind = .maxPool(kernel: kernel, stride: stride, padding: padding)
      case .upsampleNearest:
        kind = .upsampleNearest
      }
      var hasRelu = false
      switch kind {
      case .relu:
        hasRelu = true
      case .convolution, .batchNorm, .groupNorm, .add:
        if let next = onlyReader(of: last), case .relu = nodes[next].operation {
          absorbed.insert(next)
          last = next
          hasRelu = true
        }
      case .maxPool, .upsampleNearest:
        break
      }
      let inputs =
        if case .upsampleNearest = kind { Array(node.inputs.prefix(1)) } else { node.inputs }
      operations.append(
        TrainingOperation(
          kind: kind, inputs: inputs, output: Value(index: last), hasRelu: hasRelu,
          trained: names.filter(trained.contains)))
    }
    return operations
  }
}

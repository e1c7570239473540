/// One call of a plan: an operation with whatever followed it that it could take along.
struct OperationCall: Sendable {
  var operation: any Operation
  /// The values whose numbers it reads.
  var inputs: [NetworkGraph.Value]
  /// The value it gives: that of the last operation it took along.
  var output: NetworkGraph.Value
  /// Those of its parameters that are trained.
  var trained: [String]
}

extension NetworkGraph {
  /// The calls that compute the network, in an order in which they can run.
  ///
  /// - Parameter trained: names of the parameters that are trained, or nil for inference, where nothing is kept for
  ///   a way back and sums can be written over what they add to.
  /// - Returns: the calls; each operation is part of one.
  func calls(trained: Set<String>?) -> [OperationCall] {
    var fusion = Fusion(graph: self, trained: trained)
    return fusion.run()
  }
}

private struct Fusion {
  let graph: NetworkGraph
  let trained: Set<String>?
  /// Nodes that read each value's numbers.
  let readers: [[Int]]
  var absorbed: Set<Int> = []

  init(graph: NetworkGraph, trained: Set<String>?) {
    self.graph = graph
    self.trained = trained
    var readers = [[Int]](repeating: [], count: graph.nodes.count)
    for (index, node) in graph.nodes.enumerated() {
      for input in node.operation?.inputsRead(node.inputs) ?? [] {
        readers[input.index].append(index)
      }
    }
    self.readers = readers
  }

  mutating func run() -> [OperationCall] {
    var calls: [OperationCall] = []
    for (index, node) in graph.nodes.enumerated() where !absorbed.contains(index) {
      guard var operation = node.operation else { continue }
      var inputs = operation.inputsRead(node.inputs)
      var last = index
      while let next = onlyReader(of: last), let following = graph.nodes[next].operation,
        let both = operation.absorb(following, context(of: next, after: last, from: index))
      {
        operation = both.operation
        if let summand = both.summand { inputs.append(summand) }
        absorbed.insert(next)
        last = next
      }
      calls.append(
        OperationCall(
          operation: operation, inputs: inputs, output: NetworkGraph.Value(index: last),
          trained: operation.trainable.filter { trained?.contains($0) ?? false }))
    }
    return calls
  }

  private func context(of next: Int, after last: Int, from start: Int) -> FusionContext {
    var context = FusionContext(trained: trained)
    let others = graph.nodes[next].inputs.filter { $0.index != last }
    if trained == nil, others.count == 1, let other = others.first, other.index < start,
      other != graph.input, !graph.outputs.contains(other),
      readers[other.index].allSatisfy({ $0 == next || $0 < start })
    {
      context.freeOperand = other
    }
    return context
  }

  /// The one operation that reads a value, where there is just one and the caller does not want the value.
  private func onlyReader(of index: Int) -> Int? {
    guard readers[index].count == 1, !graph.outputs.contains(where: { $0.index == index }) else {
      return nil
    }
    return readers[index][0]
  }
}

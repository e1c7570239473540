extension NetworkGraph {
  /// The convolutions among the nodes, with their names in `convolutionCalls`.
  var convolutionNames: [Value: String] {
    var names: [Value: String] = [:]
    var counts: [String: Int] = [:]
    for (index, node) in nodes.enumerated() {
      guard let convolution = node.operation as? Convolution else { continue }
      let name = convolution.valueName("")
      counts[name, default: 0] += 1
      let count = counts[name] ?? 1
      names[Value(index: index)] = count == 1 ? name : "\(name)#\(count)"
    }
    return names
  }

  /// The batch norm that a convolution's result goes into; nil where there is none.
  func batchNorm(after convolution: Value) -> (value: Value, operation: BatchNorm)? {
    for (index, node) in nodes.enumerated() where node.inputs.first == convolution {
      if let norm = node.operation as? BatchNorm { return (Value(index: index), norm) }
    }
    return nil
  }

  /// By the name of each value that nothing but a max pooling reads, the name of what that gives.
  var pooled: [String: String] {
    let names = callNames
    var pooled: [String: String] = [:]
    for (index, node) in nodes.enumerated() where node.operation is MaxPool {
      guard nodes.count(where: { $0.inputs.contains(node.inputs[0]) }) == 1,
        let name = names[node.inputs[0]]
      else { continue }
      pooled[name] = names[Value(index: index)]
    }
    return pooled
  }

  /// Names of the values that lie in memory as those do that they are made of.
  var keptAsTheyAre: Set<String> {
    let names = callNames
    return Set(
      nodes.indices.filter {
        nodes[$0].operation is MaxPool || nodes[$0].operation is UpsampleNearest
      }.compactMap { names[Value(index: $0)] })
  }
}

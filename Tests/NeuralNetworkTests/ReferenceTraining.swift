@testable import NeuralNetwork

/// Forward and backward of a graph in float64, operation by operation, as the definitions read: what the training
/// plans are compared with.
struct ReferenceTraining {
  /// A batch of maps, [batch, channels, height, width].
  struct Maps {
    var batch: Int
    var channels: Int
    var height: Int
    var width: Int
    var values: [Double]

    init(_ batch: Int, _ channels: Int, _ height: Int, _ width: Int) {
      self.batch = batch
      self.channels = channels
      self.height = height
      self.width = width
      values = Array(repeating: 0, count: batch * channels * height * width)
    }

    func index(_ n: Int, _ c: Int, _ y: Int, _ x: Int) -> Int {
      ((n * channels + c) * height + y) * width + x
    }
  }

  let graph: NetworkGraph
  let parameters: [String: [Double]]
  /// Batch norms with the statistics of the batch, by prefix.
  let trainedNorms: Set<String>

  private(set) var values: [Maps] = []
  private(set) var valueGradients: [Maps] = []
  /// By parameter; of batch norms that are trained `running_mean` and `running_var` hold the batch's.
  private(set) var gradients: [String: [Double]] = [:]

  init(
    _ graph: NetworkGraph, parameters: [String: [Double]], trainedNorms: Set<String>, input: Maps
  ) {
    self.graph = graph
    self.parameters = parameters
    self.trainedNorms = trainedNorms
    values = [input]
    for node in graph.nodes.dropFirst() { values.append(forward(node)) }
  }

  func numbers(_ name: String) -> [Double] {
    guard let numbers = parameters[name] else { preconditionFailure("no parameter \(name)") }
    return numbers
  }

  private mutating func forward(_ node: NetworkGraph.Node) -> Maps {
    let input = values[node.inputs[0].index]
    switch node.operation {
    case let convolution as Convolution:
      let size = convolution.shape.outputSize(MapSize(height: input.height, width: input.width))
      var output = Maps(input.batch, node.channels, size.height, size.width)
      let biases = convolution.bias.map(numbers)
      for n in 0..<output.batch {
        for c in 0..<output.channels {
          for pixel in 0..<output.height * output.width {
            output.values[(n * output.channels + c) * output.height * output.width + pixel] =
              biases?[c] ?? 0
          }
        }
      }
      let weights = numbers(convolution.weight)
      let shape = output
      output.values.withUnsafeMutableBufferPointer { result in
        input.values.withUnsafeBufferPointer { source in
          weights.withUnsafeBufferPointer { weights in
            forEachTap(input, shape, convolution.shape) { w, i, o in
              result[o] += weights[w] * source[i]
            }
          }
        }
      }
      return output
    case let norm as BatchNorm:
      let (prefix, epsilon) = (norm.prefix, norm.epsilon)
      var output = input
      let (means, variances) = statistics(input, prefix)
      forEach(input) { n, c, index in
        output.values[index] =
          (input.values[index] - means[c]) / (variances[c] + Double(epsilon)).squareRoot()
          * numbers("\(prefix).weight")[c] + numbers("\(prefix).bias")[c]
      }
      return output
    case let norm as GroupNorm:
      let (prefix, groups, epsilon) = (norm.prefix, norm.groups, norm.epsilon)
      var output = input
      let (means, variances) = groupStatistics(input, groups)
      let perGroup = input.channels / groups
      let (scale, shift) = (numbers("\(prefix).weight"), numbers("\(prefix).bias"))
      forEach(input) { n, c, index in
        let group = n * groups + c / perGroup
        output.values[index] =
          (input.values[index] - means[group])
          / (variances[group] + Double(epsilon)).squareRoot() * scale[c] + shift[c]
      }
      return output
    case is Relu:
      var output = input
      for index in output.values.indices { output.values[index] = max(0, output.values[index]) }
      return output
    case is Add:
      var output = input
      let other = values[node.inputs[1].index]
      for index in output.values.indices { output.values[index] += other.values[index] }
      return output
    case let pool as MaxPool:
      let size = pool.outputSize([MapSize(height: input.height, width: input.width)])
      var output = Maps(input.batch, input.channels, size.height, size.width)
      let shape = output
      forEach(shape) { n, c, index in
        output.values[index] = input.values[greatest(input, shape, index, pool)]
      }
      return output
    case is UpsampleNearest:
      let size = values[node.inputs[1].index]
      var output = Maps(input.batch, input.channels, size.height, size.width)
      let shape = output
      forEach(shape) { n, c, index in
        output.values[index] = input.values[source(input, shape, index)]
      }
      return output
    default:
      preconditionFailure("no reference for \(String(describing: node.operation))")
    }
  }

  /// Runs backward from the gradients by the outputs, in the order of `graph.outputs`.
  mutating func runBackward(_ outputGradients: [Maps]) {
    valueGradients = values.map { Maps($0.batch, $0.channels, $0.height, $0.width) }
    for (output, gradient) in zip(graph.outputs, outputGradients) {
      for index in gradient.values.indices {
        valueGradients[output.index].values[index] += gradient.values[index]
      }
    }
    for index in graph.nodes.indices.dropFirst().reversed() { backward(index) }
  }

  private mutating func backward(_ nodeIndex: Int) {
    let node = graph.nodes[nodeIndex]
    let inputIndex = node.inputs[0].index
    let input = values[inputIndex]
    let output = values[nodeIndex]
    let gradient = valueGradients[nodeIndex]
    var byInput = Maps(input.batch, input.channels, input.height, input.width)
    switch node.operation {
    case let convolution as Convolution:
      let (weight, bias) = (convolution.weight, convolution.bias)
      let weights = numbers(weight)
      var byWeight = gradients[weight] ?? Array(repeating: 0, count: weights.count)
      byWeight.withUnsafeMutableBufferPointer { byWeight in
        byInput.values.withUnsafeMutableBufferPointer { byInput in
          input.values.withUnsafeBufferPointer { source in
            gradient.values.withUnsafeBufferPointer { gradient in
              weights.withUnsafeBufferPointer { weights in
                forEachTap(input, output, convolution.shape) { w, i, o in
                  byWeight[w] += source[i] * gradient[o]
                  byInput[i] += weights[w] * gradient[o]
                }
              }
            }
          }
        }
      }
      gradients[weight] = byWeight
      if let bias {
        var byBias = gradients[bias] ?? Array(repeating: 0, count: output.channels)
        forEach(output) { n, c, index in byBias[c] += gradient.values[index] }
        gradients[bias] = byBias
      }
    case let norm as BatchNorm:
      let (prefix, epsilon) = (norm.prefix, norm.epsilon)
      let (means, variances) = statistics(input, prefix)
      let scale = numbers("\(prefix).weight")
      let inverse = variances.map { 1 / ($0 + Double(epsilon)).squareRoot() }
      let isTrained = trainedNorms.contains(prefix)
      let count = Double(input.batch * input.height * input.width)
      var sums = Array(repeating: 0.0, count: input.channels)
      var products = sums
      forEach(input) { n, c, index in
        sums[c] += gradient.values[index]
        products[c] += gradient.values[index] * (input.values[index] - means[c]) * inverse[c]
      }
      forEach(input) { n, c, index in
        let normalized = (input.values[index] - means[c]) * inverse[c]
        let term = isTrained ? (sums[c] + normalized * products[c]) / count : 0
        byInput.values[index] = scale[c] * inverse[c] * (gradient.values[index] - term)
      }
      gradients["\(prefix).weight"] = products
      gradients["\(prefix).bias"] = sums
      if isTrained {
        gradients["\(prefix).running_mean"] = means
        gradients["\(prefix).running_var"] = variances.map { $0 * count / (count - 1) }
      }
    case let norm as GroupNorm:
      let (prefix, groups, epsilon) = (norm.prefix, norm.groups, norm.epsilon)
      let (means, variances) = groupStatistics(input, groups)
      let perGroup = input.channels / groups
      let scale = numbers("\(prefix).weight")
      let inverse = variances.map { 1 / ($0 + Double(epsilon)).squareRoot() }
      let count = Double(perGroup * input.height * input.width)
      var byScale = gradients["\(prefix).weight"] ?? Array(repeating: 0, count: input.channels)
      var byShift = gradients["\(prefix).bias"] ?? Array(repeating: 0, count: input.channels)
      var sums = Array(repeating: 0.0, count: input.batch * groups)
      var products = sums
      forEach(input) { n, c, index in
        let group = n * groups + c / perGroup
        let normalized = (input.values[index] - means[group]) * inverse[group]
        sums[group] += gradient.values[index] * scale[c]
        products[group] += gradient.values[index] * scale[c] * normalized
        byScale[c] += gradient.values[index] * normalized
        byShift[c] += gradient.values[index]
      }
      forEach(input) { n, c, index in
        let group = n * groups + c / perGroup
        let normalized = (input.values[index] - means[group]) * inverse[group]
        byInput.values[index] =
          inverse[group]
          * (gradient.values[index] * scale[c] - (sums[group] + normalized * products[group])
            / count)
      }
      gradients["\(prefix).weight"] = byScale
      gradients["\(prefix).bias"] = byShift
    case is Relu:
      for index in byInput.values.indices where output.values[index] > 0 {
        byInput.values[index] = gradient.values[index]
      }
    case is Add:
      byInput = gradient
      add(gradient, to: node.inputs[1].index)
    case let pool as MaxPool:
      forEach(output) { n, c, index in
        byInput.values[greatest(input, output, index, pool)] +=
          gradient.values[index]
      }
    case is UpsampleNearest:
      forEach(output) { n, c, index in
        byInput.values[source(input, output, index)] += gradient.values[index]
      }
    default:
      preconditionFailure("no reference for \(String(describing: node.operation))")
    }
    add(byInput, to: inputIndex)
  }

  private mutating func add(_ gradient: Maps, to value: Int) {
    for index in gradient.values.indices {
      valueGradients[value].values[index] += gradient.values[index]
    }
  }

  private func forEach(_ maps: Maps, _ body: (Int, Int, Int) -> Void) {
    for n in 0..<maps.batch {
      for c in 0..<maps.channels {
        let start = (n * maps.channels + c) * maps.height * maps.width
        for index in start..<start + maps.height * maps.width { body(n, c, index) }
      }
    }
  }

  /// Calls `body` with the indices of weight, input and output of every product of a convolution.
  private func forEachTap(
    _ input: Maps, _ output: Maps, _ shape: ConvolutionShape, _ body: (Int, Int, Int) -> Void
  ) {
    let (kernel, stride, padding) = (shape.kernel, shape.stride, shape.padding)
    let (inputs, outputs) = (input.channels / shape.groups, output.channels / shape.groups)
    for n in 0..<output.batch {
      for o in 0..<output.channels {
        for i in 0..<inputs {
          for ky in 0..<kernel {
            for kx in 0..<kernel {
              let weight = ((o * inputs + i) * kernel + ky) * kernel + kx
              let channel = o / outputs * inputs + i
              for y in 0..<output.height {
                let sourceY = y * stride + ky - padding
                guard sourceY >= 0, sourceY < input.height else { continue }
                for x in 0..<output.width {
                  let sourceX = x * stride + kx - padding
                  guard sourceX >= 0, sourceX < input.width else { continue }
                  body(weight, input.index(n, channel, sourceY, sourceX), output.index(n, o, y, x))
                }
              }
            }
          }
        }
      }
    }
  }

  private func place(_ maps: Maps, _ index: Int) -> (plane: Int, y: Int, x: Int) {
    let pixel = index % (maps.height * maps.width)
    return (index / (maps.height * maps.width), pixel / maps.width, pixel % maps.width)
  }

  private func greatest(
    _ input: Maps, _ output: Maps, _ index: Int, _ pool: MaxPool
  ) -> Int {
    let (kernel, stride, padding) = (pool.kernel, pool.stride, pool.padding)
    let (plane, y, x) = place(output, index)
    var best = -1
    for sourceY in max(0, y * stride - padding)..<min(input.height, y * stride - padding + kernel) {
      for sourceX in max(0, x * stride - padding)..<min(input.width, x * stride - padding + kernel)
      {
        let candidate = (plane * input.height + sourceY) * input.width + sourceX
        if best < 0 || input.values[candidate] > input.values[best] { best = candidate }
      }
    }
    return best
  }

  private func source(_ input: Maps, _ output: Maps, _ index: Int) -> Int {
    let (plane, y, x) = place(output, index)
    return (plane * input.height + y * input.height / output.height) * input.width
      + x * input.width / output.width
  }

  private func statistics(_ input: Maps, _ prefix: String) -> ([Double], [Double]) {
    guard trainedNorms.contains(prefix) else {
      return (numbers("\(prefix).running_mean"), numbers("\(prefix).running_var"))
    }
    return moments(input, groups: input.channels) { $1 }
  }

  private func groupStatistics(_ input: Maps, _ groups: Int) -> ([Double], [Double]) {
    let perGroup = input.channels / groups
    return moments(input, groups: input.batch * groups) { $0 * groups + $1 / perGroup }
  }

  private func moments(
    _ input: Maps, groups: Int, _ group: (Int, Int) -> Int
  ) -> ([Double], [Double]) {
    var means = Array(repeating: 0.0, count: groups)
    var variances = means
    let count = Double(input.values.count) / Double(groups)
    forEach(input) { n, c, index in means[group(n, c)] += input.values[index] / count }
    forEach(input) { n, c, index in
      let difference = input.values[index] - means[group(n, c)]
      variances[group(n, c)] += difference * difference / count
    }
    return (means, variances)
  }
}

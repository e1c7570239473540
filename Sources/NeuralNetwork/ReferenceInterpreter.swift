/// Evaluates a `NetworkGraph` as the definitions of its operations read, one number at a time in float64: what
/// plans are tested against. Nothing is fused, folded or blocked.
public struct ReferenceInterpreter {
  /// [channels, height, width] in plain order.
  public struct Image: Equatable, Sendable {
    /// Planes.
    public var channels: Int
    /// Rows.
    public var height: Int
    /// Columns.
    public var width: Int
    /// Numbers.
    public var values: [Double]

    /// Creates an image from its parts.
    public init(channels: Int, height: Int, width: Int, values: [Double]) {
      precondition(
        values.count == channels * height * width,
        "\(values.count) numbers for \(channels)x\(height)x\(width)")
      self.channels = channels
      self.height = height
      self.width = width
      self.values = values
    }

    init(channels: Int, height: Int, width: Int, value: (Int, Int, Int) -> Double) {
      var values: [Double] = []
      values.reserveCapacity(channels * height * width)
      for channel in 0..<channels {
        for y in 0..<height {
          for x in 0..<width { values.append(value(channel, y, x)) }
        }
      }
      self.init(channels: channels, height: height, width: width, values: values)
    }

    subscript(channel: Int, y: Int, x: Int) -> Double {
      values[(channel * height + y) * width + x]
    }

    func map(_ transform: (Double) -> Double) -> Image {
      Image(channels: channels, height: height, width: width, values: values.map(transform))
    }
  }

  private let graph: NetworkGraph
  private let load: WeightStore.Loader

  /// Creates an interpreter.
  ///
  /// - Parameters:
  ///   - graph: the network.
  ///   - load: gives its parameters.
  public init(_ graph: NetworkGraph, load: @escaping WeightStore.Loader) {
    self.graph = graph
    self.load = load
  }

  /// Evaluates the network.
  ///
  /// - Parameter input: of the network's input channels.
  /// - Returns: the network's outputs.
  /// - Throws: what the loader throws.
  /// - Complexity: every product of every convolution, a few nanoseconds each.
  public func outputs(for input: Image) throws -> [Image] {
    var images: [Image] = []
    for node in graph.nodes {
      let inputs = node.inputs.map { images[$0.index] }
      images.append(try evaluate(node, inputs, input))
    }
    return graph.outputs.map { images[$0.index] }
  }

  private func evaluate(
    _ node: NetworkGraph.Node, _ inputs: [Image], _ input: Image
  ) throws -> Image {
    switch node.operation {
    case .input:
      precondition(input.channels == node.channels, "an input of \(input.channels) channels")
      return input
    case .convolution(let weight, let bias, let kernel, let stride, let padding):
      return convolution(
        inputs[0], weights: try parameter(weight), bias: try bias.map(parameter),
        outputChannels: node.channels, kernel: kernel, stride: stride, padding: padding)
    case .batchNorm(let prefix, let epsilon):
      return try batchNorm(inputs[0], prefix, epsilon: Double(epsilon))
    case .groupNorm(let prefix, let groups, let epsilon):
      return try groupNorm(inputs[0], prefix, groups: groups, epsilon: Double(epsilon))
    case .relu:
      return inputs[0].map { max($0, 0) }
    case .add:
      precondition(inputs[0].values.count == inputs[1].values.count, "a sum of two sizes")
      var sum = inputs[0]
      for index in sum.values.indices { sum.values[index] += inputs[1].values[index] }
      return sum
    case .maxPool(let kernel, let stride, let padding):
      return maxPool(inputs[0], kernel: kernel, stride: stride, padding: padding)
    case .upsampleNearest:
      let (image, size) = (inputs[0], inputs[1])
      return Image(channels: image.channels, height: size.height, width: size.width) {
        image[$0, $1 * image.height / size.height, $2 * image.width / size.width]
      }
    }
  }

  private func parameter(_ name: String) throws -> [Double] {
    try load(name).map(Double.init)
  }

  private func convolution(
    _ image: Image, weights: [Double], bias: [Double]?, outputChannels: Int, kernel: Int,
    stride: Int, padding: Int
  ) -> Image {
    Image(
      channels: outputChannels, height: (image.height + 2 * padding - kernel) / stride + 1,
      width: (image.width + 2 * padding - kernel) / stride + 1
    ) { channel, y, x in
      var sum = bias?[channel] ?? 0
      for row in 0..<kernel {
        let sourceY = y * stride + row - padding
        guard (0..<image.height).contains(sourceY) else { continue }
        for column in 0..<kernel {
          let sourceX = x * stride + column - padding
          guard (0..<image.width).contains(sourceX) else { continue }
          for input in 0..<image.channels {
            let weight = ((channel * image.channels + input) * kernel + row) * kernel + column
            sum += weights[weight] * image[input, sourceY, sourceX]
          }
        }
      }
      return sum
    }
  }

  private func batchNorm(_ image: Image, _ prefix: String, epsilon: Double) throws -> Image {
    let gamma = try parameter("\(prefix).weight")
    let beta = try parameter("\(prefix).bias")
    let mean = try parameter("\(prefix).running_mean")
    let variance = try parameter("\(prefix).running_var")
    return Image(channels: image.channels, height: image.height, width: image.width) {
      (image[$0, $1, $2] - mean[$0]) / (variance[$0] + epsilon).squareRoot() * gamma[$0] + beta[$0]
    }
  }

  private func groupNorm(
    _ image: Image, _ prefix: String, groups: Int, epsilon: Double
  ) throws -> Image {
    let gamma = try parameter("\(prefix).weight")
    let beta = try parameter("\(prefix).bias")
    let count = image.values.count / groups
    let statistics = (0..<groups).map { group in
      let values = image.values[group * count..<(group + 1) * count]
      let mean = values.reduce(0, +) / Double(count)
      let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(count)
      return (mean: mean, deviation: (variance + epsilon).squareRoot())
    }
    return Image(channels: image.channels, height: image.height, width: image.width) {
      let group = statistics[$0 * groups / image.channels]
      return (image[$0, $1, $2] - group.mean) / group.deviation * gamma[$0] + beta[$0]
    }
  }

  private func maxPool(_ image: Image, kernel: Int, stride: Int, padding: Int) -> Image {
    Image(
      channels: image.channels, height: (image.height + 2 * padding - kernel) / stride + 1,
      width: (image.width + 2 * padding - kernel) / stride + 1
    ) { channel, y, x in
      var greatest = -Double.infinity
      for sourceY in y * stride - padding..<y * stride - padding + kernel
      where (0..<image.height).contains(sourceY) {
        for sourceX in x * stride - padding..<x * stride - padding + kernel
        where (0..<image.width).contains(sourceX) {
          greatest = max(greatest, image[channel, sourceY, sourceX])
        }
      }
      return greatest
    }
  }
}

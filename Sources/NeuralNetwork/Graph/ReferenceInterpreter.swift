/// [channels, height, width] in plain order, in float64.
public struct ReferenceImage: Equatable, Sendable {
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

  var size: MapSize { MapSize(height: height, width: width) }

  subscript(channel: Int, y: Int, x: Int) -> Double {
    values[(channel * height + y) * width + x]
  }

  func map(_ transform: (Double) -> Double) -> ReferenceImage {
    ReferenceImage(
      channels: channels, height: height, width: width, values: values.map(transform))
  }
}

/// Evaluates a `NetworkGraph` as the definitions of its operations read, one number at a time in float64: what
/// plans are tested against. Nothing is fused, folded or blocked.
public struct ReferenceInterpreter {
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
  public func outputs(for input: ReferenceImage) throws -> [ReferenceImage] {
    precondition(input.channels == graph.channels(graph.input), "\(input.channels) channels")
    var images: [ReferenceImage] = []
    for node in graph.nodes {
      guard let operation = node.operation else {
        images.append(input)
        continue
      }
      images.append(
        try operation.reference(node.inputs.map { images[$0.index] }) {
          try load($0).map(Double.init)
        })
    }
    return graph.outputs.map { images[$0.index] }
  }
}

/// A feed-forward network over images, declared once: operations in order, each naming the values it reads and
/// the parameters it owns. Holds no numbers and no sizes: a plan compiles it for one input shape,
/// `ReferenceInterpreter` evaluates it plainly. The operations themselves are declared by the extensions in
/// `Operations/`.
///
/// All values are [N, channels, height, width].
public struct NetworkGraph: Sendable {
  /// The result of one operation.
  public struct Value: Hashable, Sendable {
    let index: Int
  }

  struct Node: Sendable {
    /// nil for the input.
    var operation: (any Operation)?
    var inputs: [Value]
    var channels: Int
  }

  private(set) var nodes: [Node] = []
  /// The values a run returns, in this order.
  public private(set) var outputs: [Value] = []
  /// Of these, how many come first and are computed whatever is wanted; the others are on demand.
  private(set) var promptOutputs = 0

  /// The one input of a network.
  public let input = Value(index: 0)

  /// Starts a network.
  ///
  /// - Parameter inputChannels: channels of the input image.
  public init(inputChannels: Int) {
    nodes = [Node(operation: nil, inputs: [], channels: inputChannels)]
  }

  /// Channels of a value.
  public func channels(_ value: Value) -> Int {
    nodes[value.index].channels
  }

  /// Declares that a run returns `value`.
  public mutating func returns(_ value: Value) {
    precondition(promptOutputs == outputs.count, "outputs on demand come last")
    outputs.append(value)
    promptOutputs += 1
  }

  /// Declares that a run returns `value` where it is wanted: an inference computes the other outputs, asks what of this
  /// one it shall compute too (`InferenceWorker.run`), and leaves the rest of it undefined. Training computes it all.
  ///
  /// All that only such outputs need is declared after everything else.
  public mutating func returnsOnDemand(_ value: Value) {
    outputs.append(value)
  }

  /// Adds an operation; `channels` are those of what it gives.
  mutating func append(
    _ operation: any Operation, _ inputs: [Value], channels: Int
  ) -> Value {
    nodes.append(Node(operation: operation, inputs: inputs, channels: channels))
    return Value(index: nodes.count - 1)
  }
}

extension NetworkGraph {
  /// A named tensor that a network needs, in PyTorch's order of dimensions.
  public struct Parameter: Hashable, Sendable {
    /// Its name.
    public let name: String
    /// Its shape.
    public let shape: [Int]
  }

  /// Every tensor the operations name, in order; a tensor that several operations share comes once.
  public var parameters: [Parameter] {
    var seen: Set<String> = []
    return nodes.flatMap { $0.operation?.parameters ?? [] }.filter { seen.insert($0.name).inserted }
  }

  /// Names of the factors and shifts of batch and group norms.
  public var normParameterNames: Set<String> {
    Set(nodes.flatMap { ($0.operation?.isNorm ?? false) ? $0.operation?.trainable ?? [] : [] })
  }

  /// Rows and columns of the outputs for an input of this size, in the order they were declared.
  public func outputSizes(height: Int, width: Int) -> [(rows: Int, columns: Int)] {
    let sizes = sizes(height: height, width: width)
    return outputs.map { (sizes[$0.index].height, sizes[$0.index].width) }
  }

  /// The size of every value for an input of this size, by node.
  func sizes(height: Int, width: Int) -> [MapSize] {
    var sizes: [MapSize] = []
    for node in nodes {
      sizes.append(
        node.operation?.outputSize(node.inputs.map { sizes[$0.index] })
          ?? MapSize(height: height, width: width))
    }
    return sizes
  }
}

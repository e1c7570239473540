/// A feed-forward network over images, declared once: operations in order, each naming the values it reads and
/// the parameters it owns. Holds no numbers and no sizes: an `InferencePlan` compiles it for one input shape,
/// `ReferenceInterpreter` evaluates it plainly.
///
/// All values are [1, channels, height, width].
public struct NetworkGraph: Sendable {
  /// The result of one operation.
  public struct Value: Hashable, Sendable {
    let index: Int
  }

  /// What an operation computes.
  enum Operation: Sendable {
    case input
    /// Zero padding, dilation 1, one group; weight (out, in, kernel, kernel).
    case convolution(weight: String, bias: String?, kernel: Int, stride: Int, padding: Int)
    /// With running statistics: `<prefix>.weight`, `.bias`, `.running_mean`, `.running_var`.
    case batchNorm(prefix: String, epsilon: Float)
    /// Over each group of channels and all pixels: `<prefix>.weight`, `.bias`.
    case groupNorm(prefix: String, groups: Int, epsilon: Float)
    case relu
    /// Element by element, of two values of one shape.
    case add
    case maxPool(kernel: Int, stride: Int, padding: Int)
    /// To the size of the second input: source row = floor(row * heightIn / heightOut), as PyTorch's
    /// `interpolate(mode="nearest")`. oneDNN's resampling rounds otherwise where the ratio is not whole.
    case upsampleNearest
  }

  struct Node: Sendable {
    var operation: Operation
    var inputs: [Value]
    var channels: Int
  }

  private(set) var nodes: [Node] = []
  /// The values a run returns, in this order.
  public private(set) var outputs: [Value] = []

  /// The one input of a network.
  public let input: Value

  /// Starts a network.
  ///
  /// - Parameter inputChannels: channels of the input image.
  public init(inputChannels: Int) {
    input = Value(index: 0)
    nodes = [Node(operation: .input, inputs: [], channels: inputChannels)]
  }

  /// Channels of a value.
  public func channels(_ value: Value) -> Int {
    nodes[value.index].channels
  }

  /// Declares that a run returns `value`.
  public mutating func returns(_ value: Value) {
    outputs.append(value)
  }

  /// A convolution with `<name>.weight`, (outputChannels, channels of `value`, kernel, kernel), and
  /// `<name>.bias` unless `hasBias` is false. Zero padding of (kernel - 1) / 2 on all sides.
  public mutating func convolution(
    _ value: Value, _ name: String, outputChannels: Int, kernel: Int, stride: Int = 1,
    hasBias: Bool = true
  ) -> Value {
    append(
      .convolution(
        weight: "\(name).weight", bias: hasBias ? "\(name).bias" : nil, kernel: kernel,
        stride: stride, padding: (kernel - 1) / 2), [value], channels: outputChannels)
  }

  /// Batch normalisation with running statistics.
  public mutating func batchNorm(_ value: Value, _ prefix: String, epsilon: Float) -> Value {
    append(.batchNorm(prefix: prefix, epsilon: epsilon), [value], channels: channels(value))
  }

  /// Group normalisation (Wu and He 2018). `groups` must divide the channels.
  public mutating func groupNorm(
    _ value: Value, _ prefix: String, groups: Int, epsilon: Float
  ) -> Value {
    precondition(channels(value) % groups == 0, "\(channels(value)) channels in \(groups) groups")
    return append(
      .groupNorm(prefix: prefix, groups: groups, epsilon: epsilon), [value],
      channels: channels(value))
  }

  /// max(x, 0).
  public mutating func relu(_ value: Value) -> Value {
    append(.relu, [value], channels: channels(value))
  }

  /// a + b.
  public mutating func add(_ a: Value, _ b: Value) -> Value {
    precondition(channels(a) == channels(b), "adding \(channels(a)) and \(channels(b)) channels")
    return append(.add, [a, b], channels: channels(a))
  }

  /// The greatest of each window; padded places never win.
  public mutating func maxPool(_ value: Value, kernel: Int, stride: Int, padding: Int) -> Value {
    append(
      .maxPool(kernel: kernel, stride: stride, padding: padding), [value],
      channels: channels(value))
  }

  /// `value` at the size of `other`, by repeating pixels.
  public mutating func upsampleNearest(_ value: Value, toSizeOf other: Value) -> Value {
    append(.upsampleNearest, [value, other], channels: channels(value))
  }

  private mutating func append(_ operation: Operation, _ inputs: [Value], channels: Int) -> Value {
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
    var result: [Parameter] = []
    func add(_ name: String, _ shape: [Int]) {
      if seen.insert(name).inserted { result.append(Parameter(name: name, shape: shape)) }
    }
    for node in nodes {
      switch node.operation {
      case .convolution(let weight, let bias, let kernel, _, _):
        add(weight, [node.channels, channels(node.inputs[0]), kernel, kernel])
        if let bias { add(bias, [node.channels]) }
      case .batchNorm(let prefix, _):
        for suffix in ["weight", "bias", "running_mean", "running_var"] {
          add("\(prefix).\(suffix)", [node.channels])
        }
      case .groupNorm(let prefix, _, _):
        add("\(prefix).weight", [node.channels])
        add("\(prefix).bias", [node.channels])
      case .input, .relu, .add, .maxPool, .upsampleNearest:
        break
      }
    }
    return result
  }

  /// Names of the factors and shifts of batch and group norms.
  public var normParameterNames: Set<String> {
    var names: Set<String> = []
    for node in nodes {
      switch node.operation {
      case .batchNorm(let prefix, _), .groupNorm(let prefix, _, _):
        names.formUnion(["\(prefix).weight", "\(prefix).bias"])
      case .input, .convolution, .relu, .add, .maxPool, .upsampleNearest:
        break
      }
    }
    return names
  }

  /// Rows and columns of the outputs for an input of this size, in the order they were declared.
  public func outputSizes(height: Int, width: Int) -> [(rows: Int, columns: Int)] {
    let sizes = sizes(height: height, width: width)
    return outputs.map { (sizes[$0.index].height, sizes[$0.index].width) }
  }

  /// Height and width of every value for an input of this size, by node.
  func sizes(height: Int, width: Int) -> [(height: Int, width: Int)] {
    var sizes: [(height: Int, width: Int)] = []
    for node in nodes {
      switch node.operation {
      case .input:
        sizes.append((height, width))
      case .convolution(_, _, let kernel, let stride, let padding),
        .maxPool(let kernel, let stride, let padding):
        let input = sizes[node.inputs[0].index]
        sizes.append(
          (
            (input.height + 2 * padding - kernel) / stride + 1,
            (input.width + 2 * padding - kernel) / stride + 1
          ))
      case .batchNorm, .groupNorm, .relu, .add:
        sizes.append(sizes[node.inputs[0].index])
      case .upsampleNearest:
        sizes.append(sizes[node.inputs[1].index])
      }
    }
    return sizes
  }
}

/// What a network computes at one node of its graph: all that is known of one operation, in one file.
///
/// A new operation is added like this, without a change anywhere else:
/// 1. A file in `Operations/` with a struct of its numbers and parameter names that conforms to this protocol.
/// 2. An extension of `NetworkGraph` there that declares it, as `graph.relu(_:)` does.
/// 3. `outputSize`, where the output's size is not the first input's; `parameters`, where it has some.
/// 4. `reference`: the definition as a plain loop in float64, which plans are tested against.
/// 5. `append`: the steps that compute it, each a `Kernel`, oneDNN's or one of the file's own; and, where gradients
///    are wanted, what those of its inputs and parameters are made by, appended when that of its output is known.
/// 6. `absorb`, where one call can do what follows too.
/// 7. A test that compares a network of it with `ReferenceInterpreter`, and its gradients with `ReferenceTraining`.
protocol Operation: Sendable {
  /// A few words for profiles and errors.
  var name: String { get }

  /// The name of the value it gives, from that of its first input. Default: that and `name`.
  func valueName(_ input: String) -> String

  /// Every tensor it needs, in PyTorch's order of dimensions. Default: none.
  var parameters: [NetworkGraph.Parameter] { get }

  /// Those of its tensors that training may change. Default: all.
  var trainable: [String] { get }

  /// Whether its parameters are the factors and shifts of a norm. Default: no.
  var isNorm: Bool { get }

  /// Whether its output went through a ReLU, whose mask its gradient has to pass. Default: no.
  var hasRelu: Bool { get }

  /// Of its inputs, those whose numbers it reads; others only give a size. Default: all.
  func inputsRead(_ inputs: [NetworkGraph.Value]) -> [NetworkGraph.Value]

  /// The output's size from those of all inputs. Default: the first one's.
  func outputSize(_ inputs: [MapSize]) -> MapSize

  /// The definition, one number at a time in float64.
  func reference(
    _ inputs: [ReferenceImage], _ parameter: (String) throws -> [Double]
  ) throws -> ReferenceImage

  /// This operation and the one that alone reads its output, as one; nil where no call does both. Default: nil.
  func absorb(_ next: any Operation, _ fusion: FusionContext) -> Absorbed?

  /// What the backward steps of one call read. Default: nothing.
  func keeps(isTrained: Bool) -> KeptForBackward

  /// Whether `append` may be given calls of this and the other together, in inference: one operation on several
  /// maps, whose outputs have these sizes. Default: no.
  func canShareCall(with other: any Operation, _ size: MapSize, _ otherSize: MapSize) -> Bool

  /// Appends the steps of calls that `canShareCall`, or of one call.
  func append(
    _ calls: [OperationCall], to builder: inout PlanBuilder
  ) throws(NeuralNetworkError)
}

/// An operation that took the next one along.
struct Absorbed {
  var operation: any Operation
  /// What it reads beside its own inputs: its output takes that value's memory.
  var summand: NetworkGraph.Value?
}

/// What an operation has to know to take the next one along.
struct FusionContext {
  /// Names of the parameters that are trained; nil in inference.
  var trained: Set<String>?
  /// The next operation's other operand, where it is there before this operation begins and nobody reads it
  /// after the next one: in inference its memory can take the result.
  var freeOperand: NetworkGraph.Value?

  func isTrained(_ name: String) -> Bool { trained?.contains(name) ?? false }
}

/// What of an operation's forward step its backward steps read.
struct KeptForBackward: OptionSet {
  let rawValue: Int
  static let input = KeptForBackward(rawValue: 1)
  static let output = KeptForBackward(rawValue: 2)
}

extension Operation {
  func valueName(_ input: String) -> String { "\(input) \(name)" }
  var parameters: [NetworkGraph.Parameter] { [] }
  var trainable: [String] { parameters.map(\.name) }
  var isNorm: Bool { false }
  var hasRelu: Bool { false }
  func inputsRead(_ inputs: [NetworkGraph.Value]) -> [NetworkGraph.Value] { inputs }
  func outputSize(_ inputs: [MapSize]) -> MapSize { inputs[0] }
  func absorb(_ next: any Operation, _ fusion: FusionContext) -> Absorbed? { nil }
  func keeps(isTrained: Bool) -> KeptForBackward { [] }
  func canShareCall(with other: any Operation, _ size: MapSize, _ otherSize: MapSize) -> Bool {
    false
  }
}

/// Rows and columns.
package struct MapSize: Hashable, Sendable {
  package var height: Int
  package var width: Int

  package init(height: Int, width: Int) {
    self.height = height
    self.width = width
  }

  var pixels: Int { height * width }

  /// The size of what a square window gives that moves over this by `stride`.
  func windows(kernel: Int, stride: Int, padding: Int) -> MapSize {
    MapSize(
      height: (height + 2 * padding - kernel) / stride + 1,
      width: (width + 2 * padding - kernel) / stride + 1)
  }
}

import Failures

/// Why a network could not be built or run.
public enum NeuralNetworkError: ClassifiedError, Equatable, Sendable {
  /// oneDNN refused a call.
  case oneDNN(call: String, status: String)
  /// A parameter's values are not usable.
  case parameter(name: String, problem: String)
  /// The network cannot take inputs of this size.
  case inputSize(height: Int, width: Int, problem: String)
  /// The system has no such block of memory; nil where oneDNN does not say how large.
  case outOfMemory(bytes: Int?)

  /// The kind.
  public var kind: FailureKind {
    switch self {
    // No fault of this program: the model and this machine do not go together.
    case .parameter, .outOfMemory: .unusableInput
    case .oneDNN, .inputSize: .fault
    }
  }

  /// One line: what, on what.
  public var description: String {
    switch self {
    case .oneDNN(let call, let status):
      "oneDNN: \(call) failed: \(status)"
    case .parameter(let name, let problem):
      "tensor '\(name)': \(problem)"
    case .inputSize(let height, let width, let problem):
      "an input of \(width)x\(height) pixels: \(problem)"
    case .outOfMemory(let bytes):
      bytes.map { "no memory for a block of \($0 >> 20) MiB" } ?? "oneDNN: out of memory"
    }
  }
}

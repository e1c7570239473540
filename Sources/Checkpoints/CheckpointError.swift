import Failures
import Files
import SystemPackage

/// Why a checkpoint could not be read or written.
public struct CheckpointError: ClassifiedError, Equatable, Sendable {
  /// What is wrong.
  public enum Problem: Equatable, Sendable {
    /// The system did not let it be opened or read.
    case unreadable(Errno)
    /// The system did not let it be written; what was being done.
    case unwritable(Errno, doing: String)
    /// Its first bytes belong to no format that is known.
    case unknownFormat(String)
    /// It ends before what it promises.
    case truncated(String)
    /// It contradicts itself or its format.
    case malformed(String)
    /// Legal, but not read here.
    case unsupported(String)
    /// A pickle with an object of this class, `module.name`, where tensors should be.
    case refusedClass(String)
    /// A TorchScript module: a program with tensors.
    case torchScript
    /// No tensors where they could be; the keys at the top.
    case noTensors(keys: [String])
    /// A number too large for the 16 bits it is to be stored in.
    case unrepresentable(tensor: String, type: String)
  }

  /// The checkpoint's path.
  public let file: String
  /// What is wrong with it.
  public let problem: Problem

  /// Creates an error from its parts.
  public init(file: String, problem: Problem) {
    self.file = file
    self.problem = problem
  }

  /// The kind.
  public var kind: FailureKind {
    // A file that cannot be written is an output, all else an input.
    if case .unwritable(let code, _) = problem { code.kindForOutput } else { .unusableInput }
  }

  /// One line: the file, what is wrong, and what to do where something can be done.
  public var description: String { text.onOneLine }

  private var text: String {
    switch problem {
    case .unreadable(let errno):
      return "\(file): cannot be read: \(errno)"
    case .unwritable(let errno, let doing):
      return "\(file): \(doing) failed: \(errno)"
    case .unknownFormat(let found):
      return
        "\(file): not a checkpoint (\(found)); safetensors, PyTorch .pth and Detectron2 .pkl are read"
    case .truncated(let what):
      return "\(file): the file is cut short: \(what)"
    case .malformed(let what):
      return "\(file): damaged: \(what)"
    case .unsupported(let what):
      return "\(file): not supported: \(what)"
    case .refusedClass(let name):
      return
        "\(file): has an object of \(name) where tensors should be, and nothing but tensors is made of a checkpoint:"
        + " in PyTorch, save the state dict: torch.save(model.state_dict(), FILE)"
    case .torchScript:
      return
        "\(file): a TorchScript module, a program, and nothing of a checkpoint is run: in PyTorch, save its state dict:"
        + " torch.save(torch.jit.load(FILE).state_dict(), OTHER)"
    case .noTensors(let keys):
      let shown = keys.prefix(8).joined(separator: ", ") + (keys.count > 8 ? ", …" : "")
      let places = StateDictionary.keys.map { "'\($0)'" }.joined(separator: ", ")
      return "\(file): no tensors at the top, nor under \(places)"
        + (keys.isEmpty ? "" : "; its keys are \(shown)")
    case .unrepresentable(let tensor, let type):
      return "\(file): '\(tensor)' holds a number too large for \(type); store it as F32"
    }
  }
}

extension String {
  /// Without control characters, which names in a damaged file can hold: they are written as escapes.
  package var onOneLine: String {
    unicodeScalars.reduce(into: "") { line, scalar in
      let isControl = scalar.properties.generalCategory == .control
      line += isControl ? scalar.escaped(asASCII: true) : String(scalar)
    }
  }
}

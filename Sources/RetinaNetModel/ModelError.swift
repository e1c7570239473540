import Checkpoints
import Failures

/// Why a file cannot be used as a detection model, where the file as such can be read (else `CheckpointError`), and
/// where no key of a configuration is to blame (else `SettingsError`).
public struct ModelError: ClassifiedError, Equatable, Sendable {
  /// What is wrong.
  public enum Problem: Equatable, Sendable {
    /// Tensors that every RetinaNet has are not there.
    case notRetinaNet(missing: [String])
    /// The tensors are not those of the network that the description declares.
    case tensors(missing: [String], unexpected: [String], misshaped: [String])
    /// The backbone's stages have numbers of blocks that no known ResNet has.
    case unknownBackbone(blockCounts: [Int])
    /// What neither the weights nor a configuration say: keys and what their values could be.
    case undescribed([String])
    /// Tensors with the names of several projects.
    case mixedFamilies([String])
    /// One of the files of a model, whose tensors are divided among several; the index knows all.
    case shard(index: String)
    /// A residual network without pyramid and heads.
    case backboneOnly
    /// A RetinaNet of another project, and how its arithmetic differs from what is implemented.
    case otherFamily(name: String, differences: String)
    /// A model file of another version of the format.
    case formatVersion(String)
    /// A model file whose description cannot be used; what is wrong with it, and where.
    case description(String)
    /// Numbers of a tensor that no network can be run with.
    case numbers(tensor: String, problem: String)
    /// A model that computes in 8 bits where one in float32 is wanted.
    case calibrated
  }

  /// The model's path.
  public let file: String
  /// What is wrong with it.
  public let problem: Problem

  /// Creates an error from its parts.
  public init(file: String, problem: Problem) {
    self.file = file
    self.problem = problem
  }

  /// The kind.
  public var kind: FailureKind { .unusableInput }

  /// One line: the file, what is wrong, and what to do where something can be done.
  public var description: String { text.onOneLine }

  private var text: String {
    switch problem {
    case .notRetinaNet(let missing):
      return
        "\(file): not a RetinaNet of torchvision, DeepForest, MLPerf, Detectron2 or MMDetection: it has no"
        + " \(Self.list(missing))"
    case .tensors(let missing, let unexpected, let misshaped):
      let parts = [
        missing.isEmpty ? nil : "missing: \(Self.list(missing))",
        unexpected.isEmpty ? nil : "unexpected: \(Self.list(unexpected))",
        misshaped.isEmpty ? nil : "of another shape: \(Self.list(misshaped))",
      ]
      let text = parts.compactMap { $0 }.joined(separator: "; ")
      return "\(file): its tensors are not this network's; \(text)"
    case .unknownBackbone(let blockCounts):
      let counts = blockCounts.map { "\($0)" }.joined(separator: ", ")
      return "\(file): stages of \(counts) blocks are no ResNet-18, -34, -50, -101 or -152"
    case .undescribed(let keys):
      return "\(file): the weights do not say everything; give a configuration (--config FILE.yaml)"
        + " with \(keys.joined(separator: "; "))"
    case .mixedFamilies(let names):
      return
        "\(file): its tensors have names of \(names.joined(separator: " and of ")): whose network is it?"
    case .shard(let index):
      return "\(file): holds a part of a model's tensors: name \(index), which knows where all are"
    case .backboneOnly:
      return
        "\(file): a residual network that tells pictures apart, no detector: `train --start` begins with it"
    case .otherFamily(let name, let differences):
      return "\(file): a RetinaNet of \(name), which is not supported: \(differences)"
    case .formatVersion(let version):
      return "\(file): a model file of format version \(version); this program reads version"
        + " \(ModelFile.formatVersion)"
    case .description(let problem):
      return "\(file): its description cannot be used: \(problem)"
    case .numbers(let tensor, let problem):
      return
        "\(file): tensor '\(tensor)': \(problem): the model is damaged, or its training diverged"
    case .calibrated:
      return "\(file): computes in 8 bits already: quantize the model that it was made of"
    }
  }

  /// The first eight.
  private static func list(_ names: [String]) -> String {
    names.prefix(8).joined(separator: ", ")
      + (names.count > 8 ? " and \(names.count - 8) more" : "")
  }
}

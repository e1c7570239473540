/// A RetinaNet whose weights somebody publishes: where they are, and how to tell that they are them.
public struct PublishedModel: Sendable {
  /// A published file.
  public struct File: Sendable {
    /// Digits that the publisher wrote down of a digest, the first of it, lowercase.
    public enum Digest: Equatable, Sendable {
      case sha256(String)
      case md5(String)
    }

    /// Where it is.
    public let address: String
    /// The file's name at a mirror, with a folder where the name alone is not its own.
    public let name: String
    /// Bytes, where they are published.
    public let byteCount: Int?
    /// Its digest; nil where the publisher's server alone says it, when it is asked for the file.
    public let digest: Digest?
  }

  /// The name that `fetch` and `--model` take.
  public let name: String
  /// Who publishes it.
  public let publisher: String
  /// Whose rules hold.
  public let preset: Conventions.Preset
  /// The network's shape.
  public let architecture: ModelDescription.Architecture
  /// Columns of the class head.
  public let columnCount: Int
  /// What it finds, in words.
  public let classes: String
  /// Average precision of boxes on COCO's val2017 in percent, as published; nil where that is not what was measured.
  public let averagePrecision: Double?
  /// The licence, by its SPDX identifier.
  public let licence: String
  /// Where its publisher tells of it.
  public let page: String
  /// The checkpoint, and what has to lie beside it.
  public let files: [File]

  /// Bytes of its numbers as 32-bit floats: about what the checkpoint has.
  public var approximateByteCount: Int {
    let description = ModelDescription(
      preset: preset, architecture: architecture,
      classes: Array(repeating: "", count: columnCount))
    return description.makeNetwork().parameters.reduce(0) { $0 + 4 * $1.shape.reduce(1, *) }
  }

  /// Whether a description is of this model: its rules, its network's shape and as many classes.
  public func agrees(with description: ModelDescription) -> Bool {
    var rules = preset.conventions
    // DeepForest's and torchvision's depend on more than the preset.
    rules.network.normEpsilon = description.conventions.network.normEpsilon
    return description.conventions == rules && description.architecture == architecture
      && description.classes.count == columnCount
  }
}

import Checkpoints
import SystemPackage

/// A residual network that was trained to tell pictures apart, to begin a detector's training with: torchvision's, and
/// those that Detectron and Detectron2 start from.
public struct BackboneWeights: Sendable {
  /// Where it was read.
  public let path: FilePath
  /// The detector's architecture over it; what is not the backbone's is the default.
  public let architecture: ModelDescription.Architecture
  /// Whose rules it was trained by, as far as a backbone goes: Detectron2's where it has Caffe's weights, which expect
  /// blue first and 0...255, and have their strides in the 1x1 convolutions.
  public let preset: Conventions.Preset

  private let tensors: [String: CheckpointTensor]

  /// Reads a file; nil where it is no bare residual network.
  ///
  /// - Parameter path: a checkpoint.
  /// - Throws: `CheckpointError`.
  public init?(contentsOf path: FilePath) throws(CheckpointError) {
    let checkpoint = try Checkpoint(contentsOf: path)
    let (named, preset) = Self.named(
      checkpoint.tensors, author: checkpoint.notes.text(["__author__"]))
    guard let architecture = Self.architecture(named) else { return nil }
    var tensors = named
    // Where batch norms are a scale and a shift, they are as if nothing had been measured.
    for (name, tensor) in named where name.contains("bn") || name.contains("downsample.1.") {
      guard name.hasSuffix(".weight") else { continue }
      let norm = name.dropLast("weight".count)
      if tensors["\(norm)running_mean"] == nil {
        tensors["\(norm)running_mean"] = tensor.filled(with: 0)
      }
      if tensors["\(norm)running_var"] == nil {
        tensors["\(norm)running_var"] = tensor.filled(with: 1)
      }
    }
    self.path = path
    self.architecture = architecture
    self.preset = preset
    self.tensors = tensors
  }

  /// The tensor of a name in the detector; nil where it is not the backbone's.
  public subscript(name: String) -> CheckpointTensor? { tensors[name] }

  /// The tensors by the detector's names; empty where the file holds more, or something else.
  private static func named(
    _ tensors: [String: CheckpointTensor], author: String?
  ) -> (tensors: [String: CheckpointTensor], preset: Conventions.Preset) {
    if tensors["conv1.weight"] != nil, tensors["layer1.0.conv1.weight"] != nil {
      return (renamed(tensors) { "backbone.body.\($0)" }, .torchvision)
    }
    if tensors["stem.conv1.weight"] != nil, tensors["res2.0.conv1.weight"] != nil {
      // What Detectron2's tool makes of torchvision's keeps torchvision's rules.
      return (
        renamed(tensors) { Detectron2Names.networkName("backbone.bottom_up.\($0)") },
        author == "torchvision" ? .torchvision : .detectron2
      )
    }
    let isWhole = tensors.keys.contains { $0.hasPrefix("retnet_") || $0.hasPrefix("fpn_") }
    if tensors["res2_0_branch2a_w"] != nil, !isWhole {
      return (renamed(tensors, Caffe2Names.networkName), .detectron2)
    }
    return ([:], .torchvision)
  }

  private static func renamed(
    _ tensors: [String: CheckpointTensor], _ rename: (String) -> String?
  ) -> [String: CheckpointTensor] {
    var result: [String: CheckpointTensor] = [:]
    for (name, tensor) in tensors {
      if let name = rename(name) { result[name] = tensor }
    }
    return result
  }

  private static func architecture(
    _ tensors: [String: CheckpointTensor]
  ) -> ModelDescription.Architecture? {
    let body = "backbone.body"
    func tensor(_ name: String) -> CheckpointTensor? { tensors["\(body).\(name).weight"] }
    guard let stem = tensor("conv1"), stem.shape.count == 4 else { return nil }
    let counts = (1...4).map { stage in
      (0...).first { tensor("layer\(stage).\($0).conv1") == nil } ?? 0
    }
    let hasBottlenecks = tensor("layer1.0.conv3") != nil
    let backbone = ModelDescription.Architecture.Backbone.allCases.first {
      $0.blockCounts == counts && $0.hasBottlenecks == hasBottlenecks
    }
    guard let backbone else { return nil }
    let baseWidth = stem.shape[0]
    // Of these a network is made before its tensors' shapes are compared.
    let channels = 1...WeightFacts.mostChannels
    guard channels.contains(baseWidth) else { return nil }
    guard hasBottlenecks, let grouped = tensor("layer1.0.conv2"), grouped.shape.count == 4,
      grouped.shape[1] > 0
    else { return .init(backbone: backbone, baseWidth: baseWidth) }
    let groupWidth = grouped.shape[1]
    guard channels.contains(grouped.shape[0]), groupWidth <= grouped.shape[0] else { return nil }
    return .init(
      backbone: backbone, baseWidth: baseWidth, groups: grouped.shape[0] / groupWidth,
      groupWidth: groupWidth == baseWidth ? nil : groupWidth)
  }
}

import NeuralNetwork

/// Which parameters of a RetinaNet are trained.
public struct TrainedParameters: Equatable, Sendable {
  /// What becomes of the backbone's batch norms.
  public enum BatchNorm: String, CaseIterable, Equatable, Sendable {
    /// Constants: running statistics and factors as they came. For backbones trained before, and batches of few
    /// images.
    case frozen
    /// Statistics of the images that run together, factors trained. For training from nothing.
    case trained
  }

  /// Stages of the backbone that stay as they are, from the bottom: 1 is the stem, 2 the stem and the first
  /// residual stage (torchvision's default), 5 the whole backbone. Their batch norms are frozen.
  public var frozenStages: Int
  /// Of the other stages.
  public var batchNorm: BatchNorm

  /// Creates a choice; the defaults are torchvision's for a backbone trained before.
  public init(frozenStages: Int = 2, batchNorm: BatchNorm = .frozen) {
    precondition((0...5).contains(frozenStages), "\(frozenStages) frozen stages of 5")
    self.frozenStages = frozenStages
    self.batchNorm = batchNorm
  }

  /// Their names.
  ///
  /// - Parameter graph: a network of `ModelDescription.makeNetwork()`.
  /// - Returns: a part of the network's parameters.
  public func names(in graph: NetworkGraph) -> Set<String> {
    let stages = ["conv1", "layer1", "layer2", "layer3", "layer4"].prefix(frozenStages)
    let frozen =
      stages.map { "backbone.body.\($0)." } + (frozenStages > 0 ? ["backbone.body.bn1."] : [])
    let norms = graph.normParameterNames
    let names = graph.parameters.map(\.name).filter { name in
      if name.hasSuffix(".running_mean") || name.hasSuffix(".running_var") { return false }
      guard name.hasPrefix("backbone.body.") else { return true }
      if batchNorm == .frozen && norms.contains(name) { return false }
      return !frozen.contains { name.hasPrefix($0) }
    }
    return Set(names)
  }
}

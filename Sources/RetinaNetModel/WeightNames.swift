import Checkpoints

/// Brings the tensor names of checkpoints to the network's: torchvision's of today.
enum WeightNames {
  /// Wrappers that put their name in front of all others: DataParallel, torch.compile, Lightning modules.
  private static let prefixes = ["module.", "_orig_mod.", "model."]

  /// The tensors by the network's names.
  ///
  /// - Parameter tensors: as the checkpoint names them.
  /// - Returns: without the counts of batches that batch norms keep for training.
  static func canonical(
    _ tensors: [String: CheckpointTensor]
  ) -> (tensors: [String: CheckpointTensor], hasBatchCounts: Bool) {
    var named = tensors
    while let prefix = prefixes.first(where: { prefix in
      named.keys.allSatisfy { $0.hasPrefix(prefix) } && !named.isEmpty
    }) {
      named = Dictionary(
        uniqueKeysWithValues: named.map { (String($0.key.dropFirst(prefix.count)), $0.value) })
    }
    let counts = named.keys.filter { $0.hasSuffix(".num_batches_tracked") }
    for name in counts { named[name] = nil }
    var result: [String: CheckpointTensor] = [:]
    for (name, tensor) in named {
      let modern = modernName(name)
      // Where both generations stand, the old name is left to be found unexpected.
      result[named[modern] == nil ? modern : name] = tensor
    }
    return (result, !counts.isEmpty)
  }

  /// Today's name of a tensor that torchvision before 0.12 wrote: the pyramid's blocks had no inner layer, and
  /// the heads' layers were numbered with their activations (`_load_from_state_dict` in torchvision's
  /// `feature_pyramid_network.py` and `retinanet.py`).
  private static func modernName(_ name: String) -> String {
    var parts = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    if parts.count == 5, parts[1] == "fpn", ["inner_blocks", "layer_blocks"].contains(parts[2]) {
      parts.insert("0", at: 4)
    } else if parts.count == 5, parts[0] == "head", parts[2] == "conv", let index = Int(parts[3]),
      index % 2 == 0
    {
      parts[3] = "\(index / 2)"
      parts.insert("0", at: 4)
    }
    return parts.joined(separator: ".")
  }
}

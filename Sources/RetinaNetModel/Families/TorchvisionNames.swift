/// torchvision's names of both generations.
enum TorchvisionNames {
  /// Today's name of a tensor that torchvision before 0.12 wrote, and MLPerf's reference still does: the pyramid's
  /// blocks had no inner layer, and the heads' layers were numbered with their activations (`_load_from_state_dict`
  /// in torchvision's `feature_pyramid_network.py` and `retinanet.py`).
  static func modern(_ name: String) -> String {
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

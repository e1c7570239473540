/// Detectron's names for Caffe2 (`detectron/modeling/ResNet.py`, `FPN.py`), of which Detectron2 starts too
/// (`checkpoint/c2_model_loading.py` there): batch norms are a scale and a shift, the statistics mostly left out.
enum Caffe2Names {
  /// - Returns: nil for what concerns training, and for the classifier of ImageNet.
  static func networkName(_ name: String) -> String? {
    if name.hasSuffix("_momentum") || name.hasPrefix("pred_") || name.hasPrefix("fc1000_")
      || ["conv1_b", "lr"].contains(name)
    {
      return nil
    }
    return (stem(name) ?? block(name) ?? pyramid(name)) ?? name
  }

  private static func stem(_ name: String) -> String? {
    if name == "conv1_w" { return "backbone.body.conv1.weight" }
    return name.wholeMatch(of: /res_conv1_bn_(s|b|rm|riv)/).flatMap {
      norms[$0.1].map { "backbone.body.bn1.\($0)" }
    }
  }

  private static func block(_ name: String) -> String? {
    let pattern = /res([2-5])_(\d+)_branch(1|2a|2b|2c)_(w|bn_(s|b|rm|riv))/
    guard let match = name.wholeMatch(of: pattern), let stage = Int(match.1),
      let branch = branches[match.3]
    else { return nil }
    let layer = "backbone.body.layer\(stage - 1).\(match.2)"
    guard let norm = match.5 else { return "\(layer).\(branch.convolution).weight" }
    return norms[norm].map { "\(layer).\(branch.norm).\($0)" }
  }

  private static func pyramid(_ name: String) -> String? {
    let pattern = /fpn_(inner_)?res([3-5])_\d+_sum(_lateral)?_(w|b)/
    guard let match = name.wholeMatch(of: pattern), let stage = Int(match.2),
      match.3 == nil || match.1 != nil
    else { return nil }
    let blocks = match.1 == nil ? "layer_blocks" : "inner_blocks"
    return "backbone.fpn.\(blocks).\(stage - 3).0.\(match.4 == "w" ? "weight" : "bias")"
  }

  private static let norms: [Substring: String] = [
    "s": "weight", "b": "bias", "rm": "running_mean", "riv": "running_var",
  ]
  private static let branches: [Substring: (convolution: String, norm: String)] = [
    "1": ("downsample.0", "downsample.1"), "2a": ("conv1", "bn1"), "2b": ("conv2", "bn2"),
    "2c": ("conv3", "bn3"),
  ]
}

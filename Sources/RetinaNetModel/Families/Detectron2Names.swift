/// Detectron2's names (`modeling/backbone/resnet.py`, `fpn.py`, `modeling/meta_arch/retinanet.py` there).
enum Detectron2Names {
  /// - Returns: nil for statistics of colours and anchors, which were stored in the published files' time.
  static func networkName(_ name: String) -> String? {
    if ["pixel_mean", "pixel_std"].contains(name) || name.hasPrefix("anchor_generator.") {
      return nil
    }
    return (backbone(name) ?? pyramid(name) ?? head(name)) ?? name
  }

  private static func backbone(_ name: String) -> String? {
    if let match = name.wholeMatch(of: /backbone\.bottom_up\.stem\.conv1\.(norm\.)?(.+)/) {
      return "backbone.body.\(match.1 == nil ? "conv1" : "bn1").\(match.2)"
    }
    let block = /backbone\.bottom_up\.res([2-5])\.(\d+)\.(conv([1-3])|shortcut)\.(norm\.)?(.+)/
    // The pattern lets one digit through.
    guard let match = name.wholeMatch(of: block), let stage = Int(match.1) else { return nil }
    let isNorm = match.5 != nil
    let layer =
      match.4.map { "\(isNorm ? "bn" : "conv")\($0)" } ?? "downsample.\(isNorm ? 1 : 0)"
    return "backbone.body.layer\(stage - 1).\(match.2).\(layer).\(match.6)"
  }

  private static func pyramid(_ name: String) -> String? {
    if let match = name.wholeMatch(of: /backbone\.fpn_(lateral|output)([3-5])\.(weight|bias)/),
      let stage = Int(match.2)
    {
      let blocks = match.1 == "lateral" ? "inner_blocks" : "layer_blocks"
      return "backbone.fpn.\(blocks).\(stage - 3).0.\(match.3)"
    }
    return name.wholeMatch(of: /backbone\.top_block\.(p[67])\.(weight|bias)/).map {
      "backbone.fpn.extra_blocks.\($0.1).\($0.2)"
    }
  }

  private static func head(_ name: String) -> String? {
    // Numbered with the activations between them.
    if let match = name.wholeMatch(of: /head\.(cls|bbox)_subnet\.(\d+)\.(weight|bias)/),
      let index = Int(match.2), index % 2 == 0
    {
      let head = match.1 == "cls" ? "classification_head" : "regression_head"
      return "head.\(head).conv.\(index / 2).0.\(match.3)"
    }
    return name.wholeMatch(of: /head\.(cls_score|bbox_pred)\.(weight|bias)/).map {
      $0.1 == "cls_score"
        ? "head.classification_head.cls_logits.\($0.2)" : "head.regression_head.bbox_reg.\($0.2)"
    }
  }
}

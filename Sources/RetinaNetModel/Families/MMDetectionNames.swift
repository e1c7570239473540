/// MMDetection's names (`mmdet/models/necks/fpn.py`, `dense_heads/retina_head.py`), of all its versions.
enum MMDetectionNames {
  static func networkName(_ name: String) -> String? {
    // mmcv 1.x keeps the weights that are not the average beside it, under names without dots.
    if name.hasPrefix("ema_") { return nil }
    if name.hasPrefix("backbone.") { return "backbone.body." + name.dropFirst("backbone.".count) }
    if let match = name.wholeMatch(
      of: /neck\.(lateral|fpn)_convs\.(\d)\.conv\.(weight|bias)/), let index = Int(match.2)
    {
      switch (match.1, index) {
      case ("lateral", _): return "backbone.fpn.inner_blocks.\(index).0.\(match.3)"
      case (_, 0...2): return "backbone.fpn.layer_blocks.\(index).0.\(match.3)"
      case (_, 3...4): return "backbone.fpn.extra_blocks.p\(index + 3).\(match.3)"
      default: return name
      }
    }
    // Files of 2018 have no inner layer; GroupNorm stands beside the convolution.
    if let match = name.wholeMatch(
      of: /bbox_head\.(cls|reg)_convs\.(\d+)\.(conv\.|gn\.)?(weight|bias)/)
    {
      let head = match.1 == "cls" ? "classification_head" : "regression_head"
      return "head.\(head).conv.\(match.2).\(match.3 == "gn." ? 1 : 0).\(match.4)"
    }
    if let match = name.wholeMatch(of: /bbox_head\.retina_(cls|reg)\.(weight|bias)/) {
      return match.1 == "cls"
        ? "head.classification_head.cls_logits.\(match.2)"
        : "head.regression_head.bbox_reg.\(match.2)"
    }
    return name
  }
}

import Checkpoints

/// torchvision's checkpoints that need no configuration, because what their weights do not say is published.
enum KnownVariants {
  /// The description of torchvision's published RetinaNets (`models/detection/retinanet.py`), recognised by the
  /// shapes of `retinanet_resnet50_fpn` and `_v2` with 91 classes; nil for all others.
  ///
  /// Epsilon 0 belongs to the published v1 weights, whose batch norms are frozen: torchvision sets it
  /// (`overwrite_eps`) when it loads them. Trainable batch norms have 1e-5.
  static func description(of facts: WeightFacts) -> (description: ModelDescription, remark: String)?
  {
    guard facts.backbone == .resnet50, facts.baseWidth == 64, facts.groups == 1,
      facts.pyramidChannels == 256,
      facts.headDepth == 4, facts.anchorsPerCell == 9,
      facts.classCount == COCOLabels.byColumn.count
    else { return nil }
    let name: String
    let preset: Conventions.Preset
    var normEpsilon: Float = 1e-5
    switch (facts.headNorm, facts.p6Sources, facts.hasBatchCounts) {
    case (.none, [.p5], false):
      (name, preset) = ("v1 with frozen batch norms", .torchvision)
      normEpsilon = 0
    case (.none, [.p5], true):
      (name, preset) = ("v1 with trainable batch norms", .torchvision)
    case (.groupNorm, [.c5], true): (name, preset) = ("v2", .torchvisionV2)
    default: return nil
    }
    var description = ModelDescription(
      preset: preset, architecture: .init(backbone: .resnet50, headNorm: facts.headNorm),
      classes: COCOLabels.byColumn)
    description.conventions.network.normEpsilon = normEpsilon
    let epsilon = normEpsilon == 0 ? "0" : "1e-5"
    return (
      description,
      "taken for torchvision's RetinaNet ResNet-50 FPN \(name), trained on COCO: the batch norms'"
        + " epsilon is \(epsilon)"
    )
  }
}

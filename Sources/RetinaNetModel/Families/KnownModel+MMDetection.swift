import Checkpoints

extension KnownModel {
  /// A RetinaNet of MMDetection. Weights of style pytorch and of style caffe have the same names and shapes: a training's
  /// own file has its configuration, which says the style; in a published one it shows in the batch norms' statistics,
  /// which Caffe's pretrained networks do not have.
  static func mmdetection(
    _ weights: NamedWeights, _ facts: WeightFacts, _ notes: CheckpointNotes
  ) throws(CheckpointError) -> KnownModel {
    // meta.cfg since 3.0, meta.config before: a text in Python.
    let configuration = (notes.text(["meta", "cfg"]) ?? notes.text(["meta", "config"]))
      .flatMap { MMDetectionConfiguration($0) }
    let style = configuration?.style
    var openChoices: [OpenChoice] = []
    var preset = Conventions.Preset.mmdetection
    var remark = "taken for MMDetection's RetinaNet of style pytorch"
    if style != nil { remark += ", with what its training's configuration says" }
    if style == "caffe" {
      preset = .mmdetectionCaffe
      remark =
        "taken for MMDetection's RetinaNet of style caffe, with what its training's configuration says"
    } else if style == nil, try !weights.hasStatistics() {
      openChoices.append(
        OpenChoice(
          map: "conventions", key: Conventions.presetKey,
          meaning:
            "mmdetection or mmdetection-caffe: its batch norms have no statistics, as those of"
            + " style caffe and of untrained networks"))
    }
    if facts.p6Sources.contains(.p5) {
      openChoices.append(
        OpenChoice(
          map: "architecture", key: "p6Source",
          meaning:
            "p5: add_extra_convs='on_output' of the training's configuration; 'on_lateral' is"
            + " not supported"))
    }
    let classes = labels(notes, facts) ?? COCOLabels.contiguous(facts.classCount) ?? []
    var description = ModelDescription(
      preset: preset, architecture: facts.architecture, classes: classes)
    for other in configuration?.apply(to: &description) ?? [] {
      openChoices.append(
        OpenChoice(
          map: "conventions", key: Conventions.presetKey,
          meaning:
            "\(preset.rawValue), to take it as near as it gets: its training's configuration has \(other)"
        ))
    }
    return KnownModel(description, remarks: [remark], openChoices: openChoices)
  }

  /// The labels that a training wrote down, where they are as many as the head has.
  private static func labels(_ notes: CheckpointNotes, _ facts: WeightFacts) -> [String]? {
    for path in [
      ["meta", "dataset_meta", "classes"], ["meta", "dataset_meta", "CLASSES"],
      ["meta", "CLASSES"],
    ] {
      // Of one class, some write a text.
      let values = notes.values(path) ?? notes.value(path).map { [$0] } ?? []
      let labels = values.compactMap { if case .text(let label) = $0 { label } else { nil } }
      let areUsable = labels.allSatisfy { (1...256).contains($0.unicodeScalars.count) }
      if labels.count == facts.classCount, Set(labels).count == labels.count, areUsable {
        return labels
      }
    }
    return nil
  }
}

extension NamedWeights {
  /// Whether any batch norm of the backbone's first stage has measured something.
  func hasStatistics() throws(CheckpointError) -> Bool {
    for name in ["backbone.body.bn1", "backbone.body.layer1.0.bn1"] {
      let means = try tensors["\(name).running_mean"]?.floats() ?? []
      if means.contains(where: { $0 != 0 }) { return true }
    }
    return false
  }
}

import Checkpoints

extension KnownModel {
  /// A RetinaNet of Detectron2: with its configuration's defaults, or with what the trainer's file beside it says.
  static func detectron2(
    _ weights: NamedWeights, _ facts: WeightFacts, _ trainer: Detectron2Configuration?
  ) throws(CheckpointError) -> KnownModel {
    var description = ModelDescription(
      preset: .detectron2, architecture: facts.architecture,
      classes: COCOLabels.contiguous(facts.classCount) ?? [])
    // Which the weights say.
    if !facts.p6Sources.contains(description.conventions.network.p6Source) {
      description.conventions.network.p6Source = facts.p6Sources[0]
    }
    if let trainer, trainer.isOf(facts) {
      let others = trainer.apply(to: &description)
      return KnownModel(
        description,
        remarks: ["taken for Detectron2's RetinaNet, with what config.yaml beside it says"],
        openChoices: others.map {
          OpenChoice(
            map: "conventions", key: Conventions.presetKey,
            meaning:
              "detectron2, to take it as near as it gets: config.yaml beside it has \($0)")
        })
    }
    var remarks = [
      "taken for Detectron2's RetinaNet, with its configuration's defaults"
        + (description.classes.isEmpty ? "" : ", trained on COCO's 80 classes")
    ]
    if trainer != nil { remarks.append("config.yaml beside it is of another network") }
    if let colours = try weights.colours(), colours != description.conventions.input.colours {
      description.conventions.input.mean = colours.mean
      description.conventions.input.standardDeviation = colours.standardDeviation
      remarks.append("mean and standard deviation of the input are the file's")
    }
    // Where Detectron2's networks begin, ResNets have their strides in the 1x1 and ResNeXts do not; who begins
    // elsewhere says it in the configuration, which is not in the file.
    guard facts.groups > 1 else { return KnownModel(description, remarks: remarks) }
    return KnownModel(
      description, remarks: remarks,
      openChoices: [
        OpenChoice(
          map: "architecture", key: "strideIn1x1",
          meaning: "true or false: MODEL.RESNETS.STRIDE_IN_1X1 of the training's configuration")
      ])
  }
}

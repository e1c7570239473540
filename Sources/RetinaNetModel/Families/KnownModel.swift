import Checkpoints

/// What is known of a checkpoint's network beyond the shapes of its weights: from its family, and from what stands
/// beside the tensors.
struct KnownModel {
  /// A choice that the family leaves open and the file does not say.
  struct OpenChoice {
    /// The key of a configuration.
    var map: String
    var key: String
    /// What it could be, for the one who has to say it.
    var meaning: String
  }

  /// The description; without classes where nobody says them.
  var description: ModelDescription
  /// What was assumed, a line each.
  var remarks: [String]
  /// What has to be said before the description holds.
  var openChoices: [OpenChoice] = []

  /// Whatever is known; nil where the weights could be anybody's.
  ///
  /// - Parameters:
  ///   - weights: of the checkpoint.
  ///   - facts: what their shapes say.
  ///   - notes: what stands beside them.
  ///   - hub: what DeepForest's file beside them says.
  ///   - trainer: what Detectron2's file beside them says.
  /// - Throws: `CheckpointError` where numbers that tell variants apart cannot be read.
  init?(
    _ weights: NamedWeights, _ facts: WeightFacts, notes: CheckpointNotes,
    hub: DeepForestConfiguration?, trainer: Detectron2Configuration?
  ) throws(CheckpointError) {
    switch weights.family {
    case .torchvision:
      guard
        let model = Self.deepForest(facts, notes, hub) ?? Self.mlperf(facts)
          ?? Self.torchvision(facts)
      else { return nil }
      self = model
    case .detectron2: self = try Self.detectron2(weights, facts, trainer)
    case .mmdetection: self = try Self.mmdetection(weights, facts, notes)
    case .caffe2, nil: return nil
    }
  }

  init(_ description: ModelDescription, remarks: [String], openChoices: [OpenChoice] = []) {
    self.description = description
    self.remarks = remarks
    self.openChoices = openChoices
  }
}

extension KnownModel {
  private static func torchvision(_ facts: WeightFacts) -> KnownModel? {
    KnownVariants.description(of: facts).map { KnownModel($0.description, remarks: [$0.remark]) }
  }

  /// MLPerf's training benchmark: `retinanet_resnext50_32x4d_fpn` of torchvision's parts, batch norms frozen.
  private static func mlperf(_ facts: WeightFacts) -> KnownModel? {
    guard facts.backbone == .resnet50, facts.groups > 1,
      facts.p6Sources.contains(.p5), facts.headNorm == .none, !facts.hasBatchCounts,
      facts.classCount == OpenImagesLabels.mlperf.count
    else { return nil }
    return KnownModel(
      ModelDescription(
        preset: .mlperf, architecture: facts.architecture, classes: OpenImagesLabels.mlperf),
      remarks: [
        "taken for MLPerf's RetinaNet ResNeXt-50 FPN, trained on 264 classes of Open Images"
      ])
  }
}

extension WeightFacts {
  /// The network's shape.
  var architecture: ModelDescription.Architecture {
    .init(
      backbone: backbone, baseWidth: baseWidth, groups: groups,
      groupWidth: groupWidth == baseWidth ? nil : groupWidth, pyramidChannels: pyramidChannels,
      headDepth: headDepth, headNorm: headNorm)
  }
}

extension Conventions.Input {
  /// Mean and standard deviation together.
  struct Colours: Equatable {
    var mean: [Float]
    var standardDeviation: [Float]
  }

  var colours: Colours { Colours(mean: mean, standardDeviation: standardDeviation) }
}

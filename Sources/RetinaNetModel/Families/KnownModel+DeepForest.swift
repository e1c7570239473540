import Checkpoints
import Settings
import SystemPackage

/// `config.json`, which DeepForest's hub keeps beside `model.safetensors`.
struct DeepForestConfiguration {
  /// Labels by column.
  var classes: [String]
  var scoreThreshold: Float?
  var nmsThreshold: Double?

  /// What stands in the file.
  let text: String

  /// Reads the file beside a checkpoint; nil where there is none, or where it is of something else.
  ///
  /// - Parameter checkpoint: the checkpoint's path.
  init?(beside checkpoint: FilePath) {
    let path = checkpoint.removingLastComponent().appending("config.json")
    // A file of this name can be anybody's: what is not DeepForest's says nothing.
    guard let text = try? ModelConfiguration(contentsOf: path).text,
      let tree = try? SettingsTree.parseJSON(text, file: path.string),
      let labels = try? tree.map("label_dict")
    else { return nil }
    var byLabel: [String: Int] = [:]
    for label in labels.keys { byLabel[label] = try? labels.int(label, in: 0...1 << 20) }
    guard let classes = Self.classes(byLabel), (try? tree.int("num_classes")) == classes.count
    else {
      return nil
    }
    self.text = text
    self.classes = classes
    scoreThreshold = (try? tree.float("score_thresh", in: 0...1)) ?? nil
    nmsThreshold = (try? tree.double("nms_thresh", in: 0...1)) ?? nil
  }

  /// Labels in their order; nil where the numbers are not 0, 1, 2...
  static func classes(_ byLabel: [String: Int]) -> [String]? {
    let sorted = byLabel.sorted { $0.value < $1.value }
    guard !sorted.isEmpty, sorted.map(\.value) == Array(sorted.indices),
      sorted.allSatisfy({ (1...256).contains($0.key.unicodeScalars.count) })
    else { return nil }
    return sorted.map(\.key)
  }
}

extension KnownModel {
  /// A RetinaNet of DeepForest: torchvision's v1 of a few classes, as its hub's files and Lightning's checkpoints have
  /// it. The epsilon of its batch norms depends on what it was built from, not on the weights.
  static func deepForest(
    _ facts: WeightFacts, _ notes: CheckpointNotes, _ hub: DeepForestConfiguration?
  ) -> KnownModel? {
    guard facts.backbone == .resnet50, facts.groups == 1, facts.p6Sources.contains(.p5),
      facts.headNorm == .none, !facts.hasBatchCounts
    else { return nil }
    if let hub, hub.classes.count == facts.classCount {
      var model = KnownModel(
        ModelDescription(
          preset: .deepforest, architecture: facts.architecture, classes: hub.classes),
        remarks: [
          "taken for DeepForest's RetinaNet, as config.json beside it says: the batch norms' epsilon"
            + " is 1e-5"
        ])
      model.description.conventions.network.normEpsilon = 1e-5
      model.takeThresholds(hub.scoreThreshold, hub.nmsThreshold)
      return model
    }
    guard notes.contains(["pytorch-lightning_version"]),
      let classes = labels(notes), classes.count == facts.classCount
    else { return nil }
    var model = KnownModel(
      ModelDescription(preset: .deepforest, architecture: facts.architecture, classes: classes),
      remarks: [])
    model.takeEpsilon(notes)
    model.takeThresholds(
      notes.number(["hyper_parameters", "config", "score_thresh"]).map { Float($0) },
      notes.number(["hyper_parameters", "config", "nms_thresh"]))
    return model
  }

  private static func labels(_ notes: CheckpointNotes) -> [String]? {
    var byLabel: [String: Int] = [:]
    for case (.text(let label), .integer(let index)) in notes.entries(["label_dict"]) ?? [] {
      byLabel[label] = index
    }
    return DeepForestConfiguration.classes(byLabel)
  }

  /// Epsilon by what `hyper_parameters` say the model was built from: of torchvision's COCO weights 0, which DeepForest
  /// 1 always did; of a model that is named 1e-5.
  private mutating func takeEpsilon(_ notes: CheckpointNotes) {
    let path = ["hyper_parameters", "config", "model"]
    let name = notes.value(path + ["name"])
    let isFirst = notes.contains(["hyper_parameters", "config"]) && !notes.contains(path)
    if case .text = name {
      description.conventions.network.normEpsilon = 1e-5
      remarks = [
        "taken for DeepForest's RetinaNet, built of a named model: the batch norms' epsilon is 1e-5"
      ]
    } else if name == CheckpointNotes.Value.none || isFirst {
      description.conventions.network.normEpsilon = 0
      remarks = [
        "taken for DeepForest's RetinaNet, built of torchvision's: the batch norms' epsilon is 0"
      ]
    } else {
      remarks = ["taken for DeepForest's RetinaNet"]
      openChoices = [
        OpenChoice(
          map: "architecture", key: "normEpsilon",
          meaning:
            "1e-5 where it began with a model of DeepForest 2's hub, 0 where with torchvision's")
      ]
    }
  }

  private mutating func takeThresholds(_ score: Float?, _ overlap: Double?) {
    if let score, (0...1).contains(score) { description.postprocessing.scoreThreshold = score }
    if let overlap, (0...1).contains(overlap) { description.postprocessing.nmsThreshold = overlap }
  }
}

extension CheckpointNotes {
  /// A number, whole or not.
  func number(_ path: [String]) -> Double? {
    switch value(path) {
    case .number(let number): number
    case .integer(let number): Double(number)
    default: nil
    }
  }
}

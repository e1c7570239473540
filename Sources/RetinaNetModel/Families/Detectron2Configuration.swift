import Checkpoints
import Settings
import SystemPackage

/// `config.yaml`, which Detectron2's trainer keeps beside `model_final.pth`: all of a training's configuration, written
/// out (`default_setup` in its `engine/defaults.py`).
struct Detectron2Configuration {
  private static let fileName = "config.yaml"

  /// What stands in the file.
  let text: String

  private let model: SettingsTree
  private let input: SettingsTree?
  private let test: SettingsTree?

  /// Reads the file beside a checkpoint; nil where there is none, or where it is of something else.
  ///
  /// - Parameter checkpoint: the checkpoint's path.
  init?(beside checkpoint: FilePath) {
    let path = checkpoint.removingLastComponent().appending(Self.fileName)
    // A file of this name can be anybody's: what is not Detectron2's says nothing.
    guard let text = try? ModelConfiguration(contentsOf: path).text else { return nil }
    self.init(text, file: path.string)
  }

  /// Reads a text; nil where it is not of a RetinaNet of Detectron2's own making.
  ///
  /// - Parameters:
  ///   - text: YAML. What it asks to be evaluated (as the configurations in Detectron2's repository do) is not.
  ///   - file: its name.
  init?(_ text: String, file: String) {
    guard Self.isModest(text),
      let root = try? SettingsTree.parse(text, file: file), let model = try? root.map("MODEL"),
      (try? model.string("META_ARCHITECTURE")) == "RetinaNet"
    else { return nil }
    self.text = text
    self.model = model
    input = try? root.map("INPUT")
    test = try? root.map("TEST")
  }

  /// Whether YAML of a stranger may be read: its aliases can make a few lines stand for a gigabyte, and nesting costs
  /// stack. Detectron2's own text has 6 KiB, two aliases and six nestings.
  private static func isModest(_ text: String) -> Bool {
    func count(_ characters: String, in part: some StringProtocol) -> Int {
      part.utf8.count { characters.utf8.contains($0) }
    }
    return text.utf8.count <= 1 << 16 && count("*", in: text) <= 32
      && count("[{?", in: text) <= 256
      && text.split(separator: "\n").allSatisfy { count("-", in: $0) <= 64 }
  }

  /// Whether it is of a network of this shape: a folder may hold another training's file.
  ///
  /// - Parameter facts: what the weights' shapes say.
  /// - Returns: true where depth, classes and widths agree.
  func isOf(_ facts: WeightFacts) -> Bool {
    let (resNet, head) = (try? model.map("RESNETS"), try? model.map("RETINANET"))
    func says(_ tree: SettingsTree?, _ key: String, _ value: Int) -> Bool {
      (try? tree?.int(key, in: 0...Int.max)) == value
    }
    return says(head, "NUM_CLASSES", facts.classCount) && says(head, "NUM_CONVS", facts.headDepth)
      && says(resNet, "STEM_OUT_CHANNELS", facts.baseWidth)
      && says(try? model.map("FPN"), "OUT_CHANNELS", facts.pyramidChannels)
      && facts.backbone.rawValue == "resnet\((try? resNet?.int("DEPTH", in: 0...Int.max)) ?? 0)"
  }

  /// Brings a description of Detectron2's defaults to what the configuration says.
  ///
  /// - Parameter description: of the preset.
  /// - Returns: what it says that cannot be had here, a few words each.
  func apply(to description: inout ModelDescription) -> [String] {
    applyInput(&description) + applyNetwork(&description) + applyAnchors(&description)
      + applyDetections(&description)
  }

  private func applyInput(_ description: inout ModelDescription) -> [String] {
    var others: [String] = []
    switch (try? input?.string("FORMAT")) ?? "BGR" {
    case "BGR": description.conventions.input.channelOrder = .bgr
    case "RGB": description.conventions.input.channelOrder = .rgb
    case let other: others.append("pictures in \(other)")
    }
    // In the order of the channels as the network gets them.
    func colours(_ key: String, _ range: ClosedRange<Float>) -> [Float]? {
      guard let values = numbers(model, key), values.count == 3,
        values.allSatisfy({ range.contains(Float($0)) })
      else { return nil }
      let floats = values.map { Float($0) }
      return description.conventions.input.channelOrder == .rgb ? floats : floats.reversed()
    }
    if let mean = colours("PIXEL_MEAN", -1000...1000) { description.conventions.input.mean = mean }
    if let deviation = colours("PIXEL_STD", 1e-6...1000) {
      description.conventions.input.standardDeviation = deviation
    }
    let sides = 1...16_384
    if let shorter = try? input?.int("MIN_SIZE_TEST", in: sides),
      let longer = try? input?.int("MAX_SIZE_TEST", in: sides), longer >= shorter
    {
      description.preprocessing = .init(minSize: shorter, maxSize: longer)
    } else {
      others.append("pictures of their own size")
    }
    return others
  }

  private func applyNetwork(_ description: inout ModelDescription) -> [String] {
    var others: [String] = []
    if let name = try? model.map("BACKBONE")?.string("NAME"),
      name != "build_retinanet_resnet_fpn_backbone"
    {
      others.append("the backbone \(name)")
    }
    let resNet = try? model.map("RESNETS")
    if let stride = try? resNet?.value("STRIDE_IN_1X1")?.bool() {
      description.conventions.network.strideIn1x1 = stride
    }
    if (try? resNet?.int("RES5_DILATION", in: 0...Int.max)) ?? 1 != 1 {
      others.append("dilated convolutions")
    }
    if let kind = try? model.map("FPN")?.string("FUSE_TYPE"), kind != "sum" {
      others.append("a pyramid that is merged by \(kind)")
    }
    return others
  }

  private func applyAnchors(_ description: inout ModelDescription) -> [String] {
    guard let generator = try? model.map("ANCHOR_GENERATOR") else { return [] }
    // One list is of all levels.
    func lists(_ key: String) -> [[Double]]? {
      guard let lists = try? generator.value(key)?.list().map({ try $0.list().map(number) }),
        lists.allSatisfy({ !$0.isEmpty && $0.count == lists[0].count }),
        lists.count == 1 || lists.count == 5
      else { return nil }
      return lists.count == 5 ? lists : Array(repeating: lists[0], count: 5)
    }
    guard ((try? generator.string("NAME")) ?? "DefaultAnchorGenerator") == "DefaultAnchorGenerator",
      let sizes = lists("SIZES"), let ratios = lists("ASPECT_RATIOS"),
      ratios.allSatisfy({ $0 == ratios[0] }),
      sizes.joined().allSatisfy({ (1...100_000).contains($0) }),
      ratios[0].allSatisfy({ (0.001...1000).contains($0) }),
      let offset = try? generator.float("OFFSET", in: 0...1) ?? 0
    else { return ["anchors of another kind"] }
    description.anchors.sizes = sizes
    description.anchors.aspectRatios = ratios[0]
    description.conventions.anchors.centre = offset
    return []
  }

  private func applyDetections(_ description: inout ModelDescription) -> [String] {
    guard let head = try? model.map("RETINANET") else { return [] }
    if let score = try? head.float("SCORE_THRESH_TEST", in: 0...1) {
      description.postprocessing.scoreThreshold = score
    }
    if let overlap = try? head.double("NMS_THRESH_TEST", in: 0...1) {
      description.postprocessing.nmsThreshold = overlap
    }
    if let count = try? head.int("TOPK_CANDIDATES_TEST", in: 1...1_000_000) {
      description.postprocessing.candidatesPerLevel = count
    }
    if let count = try? test?.int("DETECTIONS_PER_IMAGE", in: 1...1_000_000) {
      description.postprocessing.detectionsPerImage = count
    }
    var others: [String] = []
    if let weights = numbers(head, "BBOX_REG_WEIGHTS") {
      if weights.count == 4, weights.allSatisfy({ (0.001...1000).contains($0) }) {
        for index in 0..<4 { description.conventions.boxes.weights[index] = Float(weights[index]) }
      } else {
        others.append("box regressions of other weights")
      }
    }
    let levels = try? head.value("IN_FEATURES")?.list().map { try $0.string() }
    if let levels, levels != ["p3", "p4", "p5", "p6", "p7"] { others.append("other levels") }
    return others
  }

  private func numbers(_ tree: SettingsTree, _ key: String) -> [Double]? {
    try? tree.value(key)?.list().map(number)
  }

  private func number(_ value: SettingsValue) throws(SettingsError) -> Double {
    try value.double(in: -1e9...1e9)
  }
}

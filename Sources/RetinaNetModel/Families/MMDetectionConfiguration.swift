import Glibc

/// What the configuration of a training with MMDetection says of its network: of 3.x, and of 2.x, which normalises in
/// its pipeline.
struct MMDetectionConfiguration {
  private let root: PythonLiteral

  /// Reads a configuration; nil where it cannot be read, or is not of a RetinaNet.
  ///
  /// - Parameter text: `meta.cfg` or `meta.config` of a checkpoint.
  init?(_ text: String) {
    guard let definitions = PythonLiteral.definitions(text) else { return nil }
    root = .dictionary(definitions)
    guard root["model", "bbox_head", "type"]?.text == "RetinaHead" else { return nil }
  }

  /// `caffe` or `pytorch`, where it says it.
  var style: String? { root["model", "backbone", "style"]?.text }

  /// Brings a description of MMDetection's defaults to what the configuration says.
  ///
  /// - Parameter description: of the style.
  /// - Returns: what it says that cannot be had here, a few words each.
  func apply(to description: inout ModelDescription) -> [String] {
    applyInput(&description) + applyAnchors(&description) + applyBoxes(&description)
      + applyDetections(&description)
  }

  private func applyInput(_ description: inout ModelDescription) -> [String] {
    // In the order of the channels as the network gets them.
    let normalisation =
      root["model", "data_preprocessor"] ?? transforms.first { $0["type"]?.text == "Normalize" }
    let isRGB = (normalisation?["bgr_to_rgb"] ?? normalisation?["to_rgb"])?.flag
    if let isRGB { description.conventions.input.channelOrder = isRGB ? .rgb : .bgr }
    func colours(_ key: String) -> [Float]? {
      guard let numbers = normalisation?[key]?.numbers, numbers.count == 3 else { return nil }
      let values = numbers.map { Float($0) }
      return description.conventions.input.channelOrder == .rgb ? values : values.reversed()
    }
    if let mean = colours("mean"), mean.allSatisfy({ (-1000...1000).contains($0) }) {
      description.conventions.input.mean = mean
    }
    if let deviation = colours("std"), deviation.allSatisfy({ (1e-6...1000).contains($0) }) {
      description.conventions.input.standardDeviation = deviation
    }
    let multiple = paddingMultiple ?? 32
    guard multiple.truncatingRemainder(dividingBy: 32) == 0, (32...1024).contains(multiple) else {
      return ["inputs that are padded to a multiple of \(multiple)"]
    }
    // Bounded above.
    description.conventions.input.paddingMultiple = Int(multiple)
    guard let resize = transforms.first(where: { $0["type"]?.text == "Resize" }) else { return [] }
    let sides = (resize["scale"] ?? pipeline.compactMap { $0["img_scale"] }.first)?.numbers
    guard let sides, sides.count == 2, sides.allSatisfy({ (1...16_384).contains($0) }) else {
      return ["pictures of several sizes"]
    }
    guard resize["keep_ratio"]?.flag != false else { return ["pictures that are stretched"] }
    // Both bounded above.
    description.preprocessing = .init(
      minSize: Int(min(sides[0], sides[1])), maxSize: Int(max(sides[0], sides[1])))
    return []
  }

  private func applyAnchors(_ description: inout ModelDescription) -> [String] {
    guard let generator = root["model", "bbox_head", "anchor_generator"] else { return [] }
    guard generator["strides"]?.numbers ?? [8, 16, 32, 64, 128] == [8, 16, 32, 64, 128],
      generator["center_offset"]?.number ?? 0 == 0, generator["base_sizes"]?.list == nil
    else { return ["anchors of other strides, centres or base sizes"] }
    if let ratios = generator["ratios"]?.numbers, ratios.allSatisfy({ (0.001...1000).contains($0) })
    {
      description.anchors.aspectRatios = ratios
    }
    var scales = generator["scales"]?.numbers
    if let base = generator["octave_base_scale"]?.number,
      let count = generator["scales_per_octave"]?.number, (1...16).contains(count)
    {
      // Bounded above.
      scales = (0..<Int(count)).map { base * exp2(Double($0) / count) }
    }
    if let scales {
      let sizes = [8, 16, 32, 64, 128].map { stride in scales.map { stride * $0 } }
      guard sizes.joined().allSatisfy({ (1...100_000).contains($0) }) else {
        return ["anchors of impossible sizes"]
      }
      description.anchors.sizes = sizes
    }
    return []
  }

  private func applyBoxes(_ description: inout ModelDescription) -> [String] {
    // As far as a model file can say it.
    if let epsilon = root["model", "backbone", "norm_cfg", "eps"]?.number,
      (0...0.1).contains(epsilon)
    {
      description.conventions.network.normEpsilon = Float(epsilon)
    }
    if root["model", "bbox_head", "loss_cls", "use_sigmoid"]?.flag == false {
      return ["scores by softmax"]
    }
    if let flag = root["model", "neck", "relu_before_extra_convs"]?.flag {
      description.conventions.network.reluBeforeP7 = flag
    }
    let coder = root["model", "bbox_head", "bbox_coder"]
    guard coder?["target_means"]?.numbers?.allSatisfy({ $0 == 0 }) ?? true,
      coder?["add_ctr_clamp"]?.flag != true
    else { return ["box regressions with means or a clamp of centres"] }
    if let deviations = coder?["target_stds"]?.numbers, deviations.count == 4,
      deviations.allSatisfy({ (0.001...1000).contains($0) })
    {
      for index in 0..<4 {
        description.conventions.boxes.weights[index] = Float(1 / deviations[index])
      }
    }
    return []
  }

  private func applyDetections(_ description: inout ModelDescription) -> [String] {
    let test = root["model", "test_cfg"] ?? root["test_cfg"]
    if let score = test?["score_thr"]?.number, (0...1).contains(score) {
      description.postprocessing.scoreThreshold = Float(score)
    }
    if let overlap = test?["nms", "iou_threshold"]?.number, (0...1).contains(overlap) {
      description.postprocessing.nmsThreshold = overlap
    }
    func count(_ key: String) -> Int? {
      test?[key]?.number.flatMap { (1...1_000_000).contains($0) ? Int($0) : nil }
    }
    if let count = count("nms_pre") { description.postprocessing.candidatesPerLevel = count }
    if let count = count("max_per_img") { description.postprocessing.detectionsPerImage = count }
    if test?["nms", "class_agnostic"]?.flag == true {
      description.postprocessing.classAgnosticNMS = true
    }
    let kind = test?["nms", "type"]?.text ?? "nms"
    return kind == "nms" ? [] : ["suppression of kind \(kind)"]
  }

  /// What sides of inputs are multiples of; nil where nobody says. Who has a preprocessor (3.x) and says nothing has 1.
  private var paddingMultiple: Double? {
    if let preprocessor = root["model", "data_preprocessor"] {
      return preprocessor["pad_size_divisor"]?.number ?? 1
    }
    return transforms.first { $0["type"]?.text == "Pad" }?["size_divisor"]?.number
  }

  /// What is done with a picture to be looked at.
  private var pipeline: [PythonLiteral] {
    (root["test_dataloader", "dataset", "pipeline"] ?? root["val_dataloader", "dataset", "pipeline"]
      ?? root["data", "test", "pipeline"] ?? root["test_pipeline"])?.list ?? []
  }

  /// The same with what 2.x has inside of its transformation for several sizes.
  private var transforms: [PythonLiteral] {
    pipeline + pipeline.flatMap { $0["transforms"]?.list ?? [] }
  }
}

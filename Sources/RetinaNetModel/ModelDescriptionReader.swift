import Settings

/// Reads a description from settings, the weights and defaults: for each value, what the settings say if they agree
/// with the weights, else what the weights say, else the default, else it is missing. The defaults are what the model
/// file says of itself, else the preset that the settings name, else what is known of such weights; a named preset's
/// conventions go over the file's own.
struct ModelDescriptionReader {
  private typealias Architecture = ModelDescription.Architecture

  private let facts: WeightFacts
  private let isModelFile: Bool
  private var defaults: ModelDescription?
  /// Whose rules hold where a key does not say; nil where nobody knows.
  private var rules: Conventions?
  /// What is not known of such weights, though there is a default.
  private let openChoices: [KnownModel.OpenChoice]
  /// Keys that nobody gave, with what they could be.
  private var missing: [String] = []

  /// - Parameters:
  ///   - tree: the settings; all of its keys are read.
  ///   - facts: what the weights say.
  ///   - own: what stands in the model file.
  ///   - known: what is known of such weights.
  /// - Returns: the description.
  /// - Throws: `SettingsError` for what the settings say, `ProblemError` for what they do not.
  static func read(
    _ tree: SettingsTree, _ facts: WeightFacts, own: ModelDescription? = nil,
    known: KnownModel? = nil
  ) throws -> ModelDescription {
    var reader = ModelDescriptionReader(facts: facts, own: own, known: known)
    return try reader.read(tree)
  }

  private init(facts: WeightFacts, own: ModelDescription?, known: KnownModel?) {
    self.facts = facts
    isModelFile = own != nil
    defaults = own ?? known?.description
    openChoices = known?.openChoices ?? []
    rules = defaults?.conventions
  }

  /// Takes a preset's rules, and its sizes, anchors and thresholds for defaults where the file has none of its own;
  /// classes stay those that are known.
  private mutating func take(_ preset: Conventions.Preset) {
    rules = preset.conventions
    if isModelFile { return }
    defaults = ModelDescription(
      preset: preset, architecture: .init(backbone: facts.backbone),
      classes: defaults?.classes ?? [])
  }

  private mutating func read(_ tree: SettingsTree) throws -> ModelDescription {
    if let version = tree.value(ModelFile.versionKey) {
      guard try version.int() == ModelFile.formatVersion else {
        throw version.wrong("\(ModelFile.formatVersion), the one version there is")
      }
    }
    let rulesTree = try tree.map("conventions")
    let preset = rulesTree?.value(Conventions.presetKey)
    if let preset { take(try preset.choice(of: Conventions.Preset.self)) }
    var conventions = rules ?? Conventions()
    if let rulesTree { try conventions.read(rulesTree) }
    let network = try tree.map("architecture")
    let architecture = try architecture(network)
    conventions.network = try networkRules(network, conventions.network)
    let classes = try classes(tree.value("classes"))
    let sizes = try tree.map("preprocessing")
    conventions.input.mean =
      try colours(sizes?.value("mean"), in: -1000...1000) ?? conventions.input.mean
    conventions.input.standardDeviation =
      try colours(sizes?.value("standardDeviation"), in: 1e-6...1000)
      ?? conventions.input.standardDeviation
    let preprocessing = try preprocessing(sizes, conventions.input, preset)
    try requireCountable(preprocessing, conventions.input, sizes)
    let anchors = try anchors(tree.map("anchors"))
    let postprocessing = try postprocessing(tree.map("postprocessing"), classes)
    let quantized = try tree.map("quantization")
    var description = ModelDescription(
      architecture: architecture, classes: classes, conventions: conventions,
      preprocessing: preprocessing, anchors: anchors, postprocessing: postprocessing,
      quantization: defaults?.quantization)
    if let quantized {
      description.quantization = try ModelQuantization(quantized, of: description.makeNetwork())
    }
    try tree.finish()
    // Who names the rules has chosen.
    for choice in openChoices where preset == nil {
      guard try tree.map(choice.map)?.value(choice.key) == nil else { continue }
      missing.append("\(choice.map).\(choice.key) (\(choice.meaning))")
    }
    guard missing.isEmpty else { throw ProblemError(.undescribed(missing)) }
    return description
  }

  private mutating func architecture(_ tree: SettingsTree?) throws -> Architecture {
    let backbone = try agreeing(tree, "backbone", [facts.backbone]) {
      try $0.choice(of: Architecture.Backbone.self)
    }
    let baseWidth = try agreeing(tree, "baseWidth", [facts.baseWidth]) { try $0.int() }
    let groups = try agreeing(tree, "groups", [facts.groups]) { try $0.int() }
    let groupWidth = try agreeing(tree, "groupWidth", [facts.groupWidth]) { try $0.int() }
    let pyramidChannels = try agreeing(tree, "pyramidChannels", [facts.pyramidChannels]) {
      try $0.int()
    }
    let headDepth = try agreeing(tree, "headDepth", [facts.headDepth]) { try $0.int() }
    let headNorm = try agreeing(tree, "headNorm", [facts.headNorm]) {
      try $0.choice(of: Architecture.HeadNorm.self)
    }
    return Architecture(
      backbone: backbone, baseWidth: baseWidth, groups: groups,
      groupWidth: groupWidth == baseWidth ? nil : groupWidth,
      pyramidChannels: pyramidChannels, headDepth: headDepth, headNorm: headNorm)
  }

  /// What a description says of the network's rules, which stood among its shape before there were conventions.
  private mutating func networkRules(
    _ tree: SettingsTree?, _ usual: Conventions.Network
  ) throws -> Conventions.Network {
    var result = usual
    // The usual source first, where the weights fit more than one.
    let sources = facts.p6Sources.sorted { $0 == rules?.network.p6Source && $1 != $0 }
    result.p6Source = try agreeing(tree, "p6Source", sources) {
      try $0.choice(of: Conventions.Network.P6Source.self)
    }
    result.strideIn1x1 = try tree?.value("strideIn1x1")?.bool() ?? usual.strideIn1x1
    result.normEpsilon = needed(
      try tree?.float("normEpsilon", in: 0...0.1) ?? rules?.network.normEpsilon,
      "architecture.normEpsilon (of the batch norms; PyTorch's default is 1e-5)", or: 0)
    return result
  }

  /// A value that the weights say: what the settings add has to be among what is possible.
  private func agreeing<Value: Equatable>(
    _ tree: SettingsTree?, _ key: String, _ possible: [Value],
    _ read: (SettingsValue) throws -> Value
  ) throws -> Value {
    guard let setting = tree?.value(key) else { return possible[0] }
    let value = try read(setting)
    guard possible.contains(value) else { throw setting.wrong("\(possible[0]), as in the weights") }
    return value
  }

  private mutating func classes(_ value: SettingsValue?) throws -> [String?] {
    let count = facts.classCount
    guard let value else {
      let known = defaults?.classes ?? []
      return needed(
        known.isEmpty ? nil : known,
        "classes (\(count) labels in order; null for a column without a class)", or: [])
    }
    let list = try value.list()
    guard list.count == count else {
      throw value.wrong("a list of \(count) labels, as many as the weights have")
    }
    var labels: [String?] = []
    var seen: Set<String> = []
    for element in list {
      let label = element.isNull ? nil : try element.string()
      if let label,
        !(1...256).contains(label.unicodeScalars.count) || !seen.insert(label).inserted
      {
        throw element.wrong("a label of 1 to 256 letters that no other class has")
      }
      labels.append(label)
    }
    guard !seen.isEmpty else { throw value.wrong("at least one label") }
    return labels
  }

  private mutating func preprocessing(
    _ tree: SettingsTree?, _ rules: Conventions.Input, _ preset: SettingsValue?
  ) throws -> ModelDescription.Preprocessing {
    let known = defaults?.preprocessing
    let sides = 1...16_384
    let minSize = needed(
      try tree?.int("minSize", in: sides) ?? known?.minSize,
      "preprocessing.minSize (pixels of the shorter side)", or: 1)
    let maxSize = needed(
      try tree?.int("maxSize", in: sides) ?? known?.maxSize,
      "preprocessing.maxSize (bound of the longer side)", or: minSize)
    if maxSize < minSize || (rules.resize == .stretch && maxSize != minSize),
      let value = tree?.value("maxSize") ?? tree?.value("minSize") ?? preset
    {
      throw value.wrong(
        rules.resize == .stretch
          ? "such that maxSize (\(maxSize)) equals minSize (\(minSize)): pictures are stretched to a square"
          : "such that maxSize (\(maxSize)) is at least minSize (\(minSize))")
    }
    return ModelDescription.Preprocessing(minSize: minSize, maxSize: maxSize)
  }

  /// (anchor, class) pairs of a level are numbered in 32 bits (`CandidateSearch`).
  private func requireCountable(
    _ sizes: ModelDescription.Preprocessing, _ rules: Conventions.Input, _ tree: SettingsTree?
  ) throws {
    // P3 has an eighth of the padded input's rows and columns.
    let padding = rules.paddingMultiple - 1
    let cells = (sizes.minSize + padding) / 8 * ((sizes.maxSize + padding) / 8)
    let pairs = cells * facts.anchorsPerCell * facts.classCount
    guard pairs > UInt32.max else { return }
    let problem =
      "less for \(facts.classCount) classes: anchors times classes are more than 2^32 for a picture"
    if let value = tree?.value("maxSize") ?? tree?.value("minSize") { throw value.wrong(problem) }
    throw ProblemError(
      .description("preprocessing.maxSize (\(sizes.maxSize)) should be \(problem)"))
  }

  private func colours(
    _ value: SettingsValue?, in range: ClosedRange<Float>
  ) throws -> [Float]? {
    guard let value else { return nil }
    let list = try value.list()
    guard list.count == 3 else { throw value.wrong("three numbers: red, green, blue") }
    return try list.map { try $0.float(in: range) }
  }

  private mutating func anchors(_ tree: SettingsTree?) throws -> ModelDescription.Anchors {
    let sizesValue = tree?.value("sizes")
    let ratiosValue = tree?.value("aspectRatios")
    let levels = try sizesValue?.list()
    if let sizesValue, levels?.count != 5 {
      throw sizesValue.wrong("a list of sizes for each of the five levels P3 to P7")
    }
    let sizes =
      try levels?.map { try $0.list().map { try $0.double(in: 1...100_000) } }
      ?? defaults?.anchors.sizes
    let ratios =
      try ratiosValue?.list().map { try $0.double(in: 0.001...1000) }
      ?? defaults?.anchors.aspectRatios
    let perCell = facts.anchorsPerCell
    // Defaults are of nine a cell.
    let fits = sizesValue != nil || ratiosValue != nil || defaults?.anchors.countPerCell == perCell
    if let sizes, let ratios, !sizes.allSatisfy({ $0.count * ratios.count == perCell }),
      let value = sizesValue ?? ratiosValue
    {
      throw value.wrong("such that sizes x ratios are \(perCell) a cell, as in the weights")
    }
    return ModelDescription.Anchors(
      sizes: needed(
        fits ? sizes : nil, "anchors.sizes (a list of side lengths for each of P3 to P7)", or: []),
      aspectRatios: needed(
        fits ? ratios : nil,
        "anchors.aspectRatios (height / width; sizes x ratios are \(perCell) a cell)",
        or: []))
  }

  private func postprocessing(
    _ tree: SettingsTree?, _ classes: [String?]
  ) throws -> ModelDescription.Postprocessing {
    let known = defaults?.postprocessing ?? ModelDescription.Postprocessing()
    var classThresholds = known.classThresholds
    if let thresholds = try tree?.map("classThresholds") {
      // Asking for each label makes the others unknown keys; without labels, those are what is missing.
      let labels = classes.isEmpty ? thresholds.keys : classes.compactMap { $0 }
      classThresholds = [:]
      for label in labels { classThresholds[label] = try thresholds.float(label, in: 0...1) }
    }
    return ModelDescription.Postprocessing(
      scoreThreshold: try tree?.float("scoreThreshold", in: 0...1) ?? known.scoreThreshold,
      classThresholds: classThresholds.filter { classes.contains($0.key) },
      candidatesPerLevel: try tree?.int("candidatesPerLevel", in: 1...1_000_000)
        ?? known.candidatesPerLevel,
      nmsThreshold: try tree?.double("nmsThreshold", in: 0...1) ?? known.nmsThreshold,
      classAgnosticNMS: try tree?.bool("classAgnosticNMS") ?? known.classAgnosticNMS,
      detectionsPerImage: try tree?.int("detectionsPerImage", in: 1...1_000_000)
        ?? known.detectionsPerImage)
  }

  private mutating func needed<Value>(
    _ value: Value?, _ key: String, or fallback: Value
  ) -> Value {
    if value == nil { missing.append(key) }
    return value ?? fallback
  }
}

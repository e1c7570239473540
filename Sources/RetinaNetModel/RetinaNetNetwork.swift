import NeuralNetwork

extension ModelDescription {
  /// The network as declared by this description: ResNet (He et al. 2016) or ResNeXt, feature pyramid (Lin et al. 2017,
  /// P3 to P7) and the two subnets (Lin et al. 2017, section 4). Parameters have torchvision's names.
  ///
  /// Input: 3 channels in the conventions' order, normalised. Outputs: class logits of P3...P7 (anchors per cell * classes
  /// channels, channel = anchor * classes + class), then box regression of P3...P7 (anchors per cell * 4
  /// channels, channel = anchor * 4 + one of dx, dy, dw, dh), which are on demand: only boxes of candidates are read.
  ///
  /// - Returns: the declaration, the same for inference and training.
  public func makeNetwork() -> NetworkGraph {
    var builder = RetinaNetBuilder(description: self)
    return builder.build()
  }

  /// The shapes of the network's parameters, in PyTorch's order, by name.
  public var weightShapes: [String: [Int]] {
    Dictionary(uniqueKeysWithValues: makeNetwork().parameters.map { ($0.name, $0.shape) })
  }
}

extension ModelDescription.Architecture.Backbone {
  /// Residual blocks of the four stages.
  public var blockCounts: [Int] {
    switch self {
    case .resnet18: [2, 2, 2, 2]
    case .resnet34: [3, 4, 6, 3]
    case .resnet50: [3, 4, 6, 3]
    case .resnet101: [3, 4, 23, 3]
    case .resnet152: [3, 8, 36, 3]
    }
  }

  /// Whether blocks are bottlenecks (1x1, 3x3, 1x1) rather than pairs of 3x3 convolutions.
  public var hasBottlenecks: Bool {
    switch self {
    case .resnet18, .resnet34: false
    case .resnet50, .resnet101, .resnet152: true
    }
  }
}

private struct RetinaNetBuilder {
  let description: ModelDescription
  var graph = NetworkGraph(inputChannels: 3)

  private var architecture: ModelDescription.Architecture { description.architecture }
  private var rules: Conventions.Network { description.conventions.network }

  init(description: ModelDescription) {
    self.description = description
  }

  mutating func build() -> NetworkGraph {
    let stages = residualNetwork()
    let levels = featurePyramid(stages)
    let anchors = description.anchors.countPerCell
    let logits = levels.map {
      head(
        $0, "head.classification_head", output: "cls_logits",
        channels: anchors * description.classes.count)
    }
    let regressions = levels.map {
      head($0, "head.regression_head", output: "bbox_reg", channels: anchors * 4)
    }
    for value in logits { graph.returns(value) }
    for value in regressions { graph.returnsOnDemand(value) }
    return graph
  }

  /// C3, C4, C5: the outputs of stages 2, 3 and 4 at strides 8, 16, 32.
  private mutating func residualNetwork() -> [NetworkGraph.Value] {
    let body = "backbone.body"
    var value = convolution(
      graph.input, "\(body).conv1", norm: "\(body).bn1", channels: architecture.baseWidth,
      kernel: 7, stride: 2)
    value = graph.relu(value)
    value = graph.maxPool(value, kernel: 3, stride: 2, padding: 1)
    var outputs: [NetworkGraph.Value] = []
    for (stage, count) in architecture.backbone.blockCounts.enumerated() {
      for block in 0..<count {
        value = residualBlock(
          value, "\(body).layer\(stage + 1).\(block)", stage: stage,
          stride: stage > 0 && block == 0 ? 2 : 1)
      }
      if stage > 0 { outputs.append(value) }
    }
    return outputs
  }

  /// A block; of two 3x3 convolutions the first has its stride.
  private mutating func residualBlock(
    _ input: NetworkGraph.Value, _ name: String, stage: Int, stride: Int
  ) -> NetworkGraph.Value {
    let hasBottlenecks = architecture.backbone.hasBottlenecks
    let channels = (architecture.baseWidth << stage) * (hasBottlenecks ? 4 : 1)
    var shortcut = input
    if stride != 1 || graph.channels(input) != channels {
      // Before the main path, so that the last convolution there can add to it in place.
      shortcut = convolution(
        input, "\(name).downsample.0", norm: "\(name).downsample.1", channels: channels, kernel: 1,
        stride: stride)
    }
    var value = input
    if hasBottlenecks {
      let groupWidth = architecture.groupWidth ?? architecture.baseWidth
      let width = architecture.groups * groupWidth << stage
      let strides = rules.strideIn1x1 ? (stride, 1) : (1, stride)
      value = normalised(value, name, 1, channels: width, kernel: 1, stride: strides.0)
      value = graph.relu(value)
      value = normalised(
        value, name, 2, channels: width, kernel: 3, stride: strides.1, groups: architecture.groups)
      value = graph.relu(value)
      value = normalised(value, name, 3, channels: channels, kernel: 1)
    } else {
      value = normalised(value, name, 1, channels: channels, kernel: 3, stride: stride)
      value = graph.relu(value)
      value = normalised(value, name, 2, channels: channels, kernel: 3)
    }
    return graph.relu(graph.add(value, shortcut))
  }

  /// P3 to P7 from C3, C4, C5.
  private mutating func featurePyramid(_ stages: [NetworkGraph.Value]) -> [NetworkGraph.Value] {
    let fpn = "backbone.fpn"
    let channels = architecture.pyramidChannels
    var merged: NetworkGraph.Value?
    var levels: [NetworkGraph.Value] = []
    for (index, stage) in stages.enumerated().reversed() {
      let upsampled = merged.map { graph.upsampleNearest($0, toSizeOf: stage) }
      var lateral = graph.convolution(
        stage, "\(fpn).inner_blocks.\(index).0", outputChannels: channels, kernel: 1)
      if let upsampled { lateral = graph.add(lateral, upsampled) }
      merged = lateral
      levels.insert(
        graph.convolution(
          lateral, "\(fpn).layer_blocks.\(index).0", outputChannels: channels, kernel: 3), at: 0)
    }
    let source =
      switch rules.p6Source {
      case .p5: levels[2]
      case .c5: stages[2]
      }
    let p6 = graph.convolution(
      source, "\(fpn).extra_blocks.p6", outputChannels: channels, kernel: 3, stride: 2)
    let p7 = graph.convolution(
      rules.reluBeforeP7 ? graph.relu(p6) : p6, "\(fpn).extra_blocks.p7", outputChannels: channels,
      kernel: 3, stride: 2)
    return levels + [p6, p7]
  }

  private mutating func head(
    _ level: NetworkGraph.Value, _ name: String, output: String, channels: Int
  ) -> NetworkGraph.Value {
    var value = level
    for index in 0..<architecture.headDepth {
      let layer = "\(name).conv.\(index)"
      let hasNorm = architecture.headNorm == .groupNorm
      value = graph.convolution(
        value, "\(layer).0", outputChannels: architecture.pyramidChannels, kernel: 3,
        hasBias: !hasNorm)
      if hasNorm { value = graph.groupNorm(value, "\(layer).1", groups: 32, epsilon: 1e-5) }
      value = graph.relu(value)
    }
    return graph.convolution(value, "\(name).\(output)", outputChannels: channels, kernel: 3)
  }

  private mutating func normalised(
    _ value: NetworkGraph.Value, _ block: String, _ number: Int, channels: Int, kernel: Int,
    stride: Int = 1, groups: Int = 1
  ) -> NetworkGraph.Value {
    convolution(
      value, "\(block).conv\(number)", norm: "\(block).bn\(number)", channels: channels,
      kernel: kernel, stride: stride, groups: groups)
  }

  private mutating func convolution(
    _ value: NetworkGraph.Value, _ name: String, norm: String, channels: Int, kernel: Int,
    stride: Int, groups: Int = 1
  ) -> NetworkGraph.Value {
    let convolved = graph.convolution(
      value, name, outputChannels: channels, kernel: kernel, stride: stride, groups: groups,
      hasBias: false)
    return graph.batchNorm(convolved, norm, epsilon: rules.normEpsilon)
  }
}

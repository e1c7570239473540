/// What can be read off the names and shapes of a RetinaNet's tensors.
struct WeightFacts: Equatable {
  var backbone: ModelDescription.Architecture.Backbone
  var baseWidth: Int
  var groups: Int
  var groupWidth: Int
  var pyramidChannels: Int
  /// Both, where the pyramid has as many channels as C5.
  var p6Sources: [Conventions.Network.P6Source]
  var headDepth: Int
  var headNorm: ModelDescription.Architecture.HeadNorm
  var anchorsPerCell: Int
  var classCount: Int
  /// Whether the batch norms were trainable: frozen ones keep no count of batches.
  var hasBatchCounts: Bool

  /// Most channels of a layer: a thousand times what anybody trains; classes times anchors are as many.
  static let mostChannels = 1 << 20

  /// - Parameters:
  ///   - shapes: by the network's names (`NamedWeights`).
  ///   - hasBatchCounts: whether the file has them.
  /// - Throws: `ProblemError` where these are no RetinaNet's tensors.
  init(shapes: [String: [Int]], hasBatchCounts: Bool) throws(ProblemError) {
    let required = [
      "backbone.body.conv1.weight", "backbone.body.layer1.0.conv2.weight",
      "backbone.body.layer4.0.conv2.weight",
      "backbone.fpn.inner_blocks.2.0.weight", "backbone.fpn.extra_blocks.p6.weight",
      "head.classification_head.conv.0.0.weight", "head.classification_head.cls_logits.weight",
      "head.regression_head.bbox_reg.weight",
    ]
    let missing = required.filter { shapes[$0]?.count != 4 }
    guard missing.isEmpty else { throw ProblemError(.notRetinaNet(missing: missing)) }
    func size(_ name: String, _ dimension: Int) -> Int { shapes[name]?[dimension] ?? 0 }

    let hasBottlenecks = shapes["backbone.body.layer1.0.conv3.weight"] != nil
    let blockCounts = (1...4).map { stage in
      Self.count { shapes["backbone.body.layer\(stage).\($0).conv1.weight"] != nil }
    }
    let backbone = ModelDescription.Architecture.Backbone.allCases.first {
      $0.hasBottlenecks == hasBottlenecks && $0.blockCounts == blockCounts
    }
    guard let backbone else { throw ProblemError(.unknownBackbone(blockCounts: blockCounts)) }
    self.backbone = backbone
    baseWidth = size("backbone.body.conv1.weight", 0)
    // Of a bottleneck's 3x3 convolution, with as many inputs as outputs: each output reads one group.
    let grouped = "backbone.body.layer1.0.conv2.weight"
    groupWidth = hasBottlenecks ? size(grouped, 1) : baseWidth
    groups = hasBottlenecks && groupWidth > 0 ? size(grouped, 0) / groupWidth : 1
    pyramidChannels = size("backbone.fpn.inner_blocks.2.0.weight", 0)
    let p6Channels = size("backbone.fpn.extra_blocks.p6.weight", 1)
    let c5Channels = size("backbone.fpn.inner_blocks.2.0.weight", 1)
    // torchvision's rule takes P5 where both fit.
    p6Sources = p6Channels == pyramidChannels ? [.p5] : [.c5]
    if p6Channels == pyramidChannels, p6Channels == c5Channels { p6Sources.append(.c5) }
    let head = "head.classification_head"
    headDepth = Self.count { shapes["\(head).conv.\($0).0.weight"] != nil }
    headNorm = shapes["\(head).conv.0.1.weight"] == nil ? .none : .groupNorm
    anchorsPerCell = size("head.regression_head.bbox_reg.weight", 0) / 4
    let logits = size("\(head).cls_logits.weight", 0)
    guard anchorsPerCell > 0, logits > 0, logits % anchorsPerCell == 0 else {
      throw ProblemError(
        .tensors(
          missing: [], unexpected: [],
          misshaped: ["\(head).cls_logits.weight, head.regression_head.bbox_reg.weight"]))
    }
    // Sizes of empty tensors are bounded by nothing else, and are multiplied with each other.
    let wide = [
      ("backbone.body.conv1.weight", baseWidth), (grouped, groups * groupWidth),
      ("\(head).conv.0.0.weight", pyramidChannels),
      ("\(head).cls_logits.weight", logits),
    ].filter { !(1...Self.mostChannels).contains($0.1) }
    guard wide.isEmpty else {
      throw ProblemError(
        .tensors(
          missing: [], unexpected: [], misshaped: wide.map { "\($0) (\($1) channels)" }))
    }
    guard headNorm == .none || pyramidChannels % 32 == 0 else {
      throw ProblemError(
        .tensors(
          missing: [], unexpected: [],
          misshaped: ["\(head).conv.0.0.weight (groups of \(pyramidChannels) / 32 channels)"]))
    }
    classCount = logits / anchorsPerCell
    self.hasBatchCounts = hasBatchCounts
  }

  /// How many of 0, 1, 2... fulfil a condition before one does not.
  private static func count(while condition: (Int) -> Bool) -> Int {
    var count = 0
    while condition(count) { count += 1 }
    return count
  }
}

/// A problem of a file whose name the thrower does not know.
struct ProblemError: Error {
  let problem: ModelError.Problem

  init(_ problem: ModelError.Problem) {
    self.problem = problem
  }
}
